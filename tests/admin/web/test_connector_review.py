"""What a connector would be like."""

from dataclasses import replace
from typing import Any

import pytest

from proxy.admin.web.connector_review import Review, review
from proxy.connectors.folder_statistics import FolderStatistics
from proxy.connectors.model import Connector, DeliveryMode, Identifier
from proxy.settings import Settings
from proxy.thron.content import Content, MetadataValue, PrettyId, Title

BY_NAME = Connector(
    slug="media", folder="f", folder_id="f", identifier=Identifier.PRETTY_ID, metadata=None
)


def content(number: int, **more: Any) -> Content:
    plain = Content(
        id=f"id-{number}",
        content_type="IMAGE",
        status="PUBLISHED",
        titles=(Title("EN", f"Picture {number}"), Title("IT", f"Figura {number}")),
        pretty_ids=(PrettyId("EN", f"picture-{number}"), PrettyId("IT", f"figura-{number}")),
    )
    return replace(plain, **more)


def counted(*contents: Content, legacy: tuple[Content, ...] = ()) -> FolderStatistics:
    statistics = FolderStatistics(is_done=True, is_whole=True)
    for each in contents:
        statistics.listed.count(each)
    for each in legacy:
        statistics.legacy.count(each)
    return statistics


def reviewed(connector: Connector, statistics: FolderStatistics, **more: Any) -> Review:
    settings = Settings(client_id="acme", public_url="https://dl.example.com")
    return review(connector, statistics, settings=settings, **more)


def test_address_and_examples() -> None:
    """The pattern and the examples begin with the same root, in the reader's language."""
    found = reviewed(BY_NAME, counted(*map(content, range(5))), language="it")
    assert found.root == "https://dl.example.com/media"
    assert "".join(part.text for part in found.pattern) == "{language}/{prettyID}/{file name}"
    assert (found.examples[0].title, found.examples[0].rest) == (
        "Figura 0",
        "/it/figura-0",
    )
    assert len(found.examples) == 3
    assert (found.public, found.scheme, found.port) == (5, "https", "")


def test_a_host_of_its_own() -> None:
    """With a host of its own addresses begin with it alone, and DNS is spoken of."""
    found = reviewed(BY_NAME.model_copy(update={"host": "media.example.com"}), counted(content(1)))
    assert found.root == "https://media.example.com"
    assert any("media.example.com" in str(each.text) for each in found.concerns)


def test_without_a_name_yet() -> None:
    """While there is no slug, its place is shown."""
    assert (
        reviewed(BY_NAME.model_copy(update={"slug": ""}), counted()).root
        == "https://dl.example.com/…"
    )


def test_legacy_metadata_is_told_from_a_part() -> None:
    """Metadata that a search does not show are counted where they were seen."""
    old = content(1, metadata=(MetadataValue("code", "x"),))
    by_code = BY_NAME.model_copy(update={"identifier": Identifier.METADATA, "metadata": "code"})
    found = reviewed(by_code, counted(content(1), legacy=(old,)))
    assert (found.figures.have, [each.rest for each in found.examples]) == (1, ["/x"])


CONCERNS = [
    pytest.param(BY_NAME, counted(), {}, "No content in this folder", id="nothing"),
    pytest.param(
        BY_NAME,
        counted(content(1), content(2, pretty_ids=())),
        {},
        "1 contents have no address",
        id="lacking",
    ),
    pytest.param(
        BY_NAME,
        counted(content(1), content(2, pretty_ids=content(1).pretty_ids)),
        {},
        "2 contents share an address",
        id="colliding",
    ),
    pytest.param(
        BY_NAME.model_copy(update={"delivery": DeliveryMode.PUBLISHED}),
        counted(content(1)),
        {"has_pkey": False},
        "no pkey",
        id="no pkey",
    ),
    pytest.param(
        BY_NAME,
        counted(content(1)),
        {"others": [BY_NAME.model_copy(update={"slug": "other"})]},
        "has a connector already: other",
        id="one folder twice",
    ),
]


@pytest.mark.parametrize(("connector", "statistics", "more", "said"), CONCERNS)
def test_concerns(
    connector: Connector, statistics: FolderStatistics, more: dict[str, Any], said: str
) -> None:
    """What is to be known before saving is said."""
    found = reviewed(connector, statistics, **more)
    assert [str(each.text) for each in found.concerns if said in str(each.text)]


def test_no_concern() -> None:
    """Where all is well nothing is said."""
    assert reviewed(BY_NAME, counted(content(1), content(2))).concerns == ()
