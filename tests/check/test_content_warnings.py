"""What is unusual about a tenant's contents, in words."""

from dataclasses import replace

import pytest

from proxy.check.content_warnings import content_warnings
from proxy.connectors.model import Connector, DeliveryMode, Identifier
from proxy.thron.content import Content, PrettyId
from proxy.thron.messages import SearchPage

FILES = Connector(slug="files", folder="f", folder_id="f", identifier=Identifier.CONTENT_ID)
FINE = Content("fine", "VIDEO", channels=("WEBHD",), status="PUBLISHED")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(
            replace(FINE, status="READY"),
            ("1 of 2 contents are READY", "public all the same"),
            id="a",
        ),
        pytest.param(
            replace(FINE, status="DRAFT"),
            ("1 of 2 contents are hidden: 1 are drafts", "set only_published = false"),
            id="a, draft",
        ),
        pytest.param(
            replace(FINE, status=None, channels=()), ("hidden: 0 are drafts",), id="a, no channel"
        ),
        pytest.param(
            replace(FINE, pretty_ids=(PrettyId("en_US", "film"),)), ("en_US", "alone"), id="o"
        ),
    ],
)
def test_warning(content: Content, words: tuple[str, ...]) -> None:
    """Each is told once, with how many contents and what may be done."""
    (told,) = content_warnings(
        FILES,
        SearchPage(
            (
                FINE,
                content,
            )
        ),
    )
    assert [each for each in words if each not in told] == []


def test_none() -> None:
    """Of usual contents, and of what the connector does not serve, nothing is told."""
    assert not list(
        content_warnings(
            FILES,
            SearchPage(
                (
                    FINE,
                    Content("list", "PLAYLIST", status="DRAFT"),
                )
            ),
        )
    )


def test_the_hint_is_one_that_works() -> None:
    """Renditions of what is not published are not to be had, so only publishing it helps."""
    published = FILES.model_copy(update={"delivery": DeliveryMode.PUBLISHED})
    (told,) = content_warnings(published, SearchPage((replace(FINE, status="DRAFT"),)))
    assert "only_published" not in told
    everything = FILES.model_copy(update={"only_published": False})
    assert not list(content_warnings(everything, SearchPage((replace(FINE, status="DRAFT"),))))


@pytest.mark.parametrize(
    ("estimated_total", "words"),
    [
        pytest.param(4000, "1 of 2 contents are hidden (a sample; the folder has about 4000):"),
        pytest.param(None, "1 of 2 contents are hidden (a sample; the folder has more):"),
    ],
)
def test_a_sample_is_called_one(estimated_total: int | None, words: str) -> None:
    """Where the folder has more contents than were looked at, the warning says of how many."""
    page = SearchPage((FINE, replace(FINE, status="DRAFT")), "next", estimated_total)
    (warning,) = content_warnings(FILES, page)
    assert warning.startswith(words)
