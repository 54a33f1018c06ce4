"""A connector on its way through the steps, in the page's URL."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from multidict import MultiDict

from proxy.admin.web.drafts import Draft, DraftStep, first_incomplete, own_fields, suggested_slug

WHOLE = MultiDict(
    [
        ("folder", "f-1"),
        ("subfolders", "no"),
        ("types", "video"),
        ("types", "image"),
        ("by", "metadata:sku"),
        ("https", "no"),
        ("slug", "brochures"),
        ("open", "a"),
        ("open", "b"),
        ("csrf", "secret"),
        ("go", "types"),
    ]
)


def test_everything_travels() -> None:
    """What was given is in the address of every step, but for what is no part of a connector."""
    url = urlsplit(Draft.of(WHOLE).url(DraftStep.HTTPS))
    carried = parse_qsl(url.query)
    assert url.path == "/connectors/new/https"
    assert ("types", "video") in carried
    assert ("types", "image") in carried
    assert not {"csrf", "go", "open"} & {name for name, _ in carried}
    assert ("open", "b") in parse_qsl(urlsplit(Draft.of(WHOLE).url(DraftStep.FOLDER)).query)


def test_a_page_does_not_carry_its_own_fields() -> None:
    """What a page shows as fields is not hidden in it a second time."""
    carried = Draft.of(WHOLE).carried(without=own_fields(DraftStep.TYPES))
    assert {"folder", "subfolders", "by", "https", "slug"} <= {name for name, _ in carried}
    assert "types" not in {name for name, _ in carried}


@pytest.mark.parametrize(
    ("without", "behind"),
    [
        pytest.param("folder", DraftStep.FOLDER, id="folder"),
        pytest.param("types", DraftStep.TYPES, id="types"),
        pytest.param("by", DraftStep.IDENTIFIER, id="identifier"),
        pytest.param("https", None, id="https has a usual answer"),
        pytest.param("slug", None, id="the last step is not before itself"),
    ],
)
def test_steps_are_taken_in_order(without: str, behind: DraftStep | None) -> None:
    """A step is shown when those before it are filled in."""
    given = MultiDict((name, value) for name, value in WHOLE.items() if name != without)
    assert first_incomplete(given, before=DraftStep.REVIEW) is behind


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        pytest.param("Brand portal", "brand-portal", id="words"),
        pytest.param("Perché è così", "perche-e-cosi", id="accents"),
        pytest.param("2024 / Press & Media!", "2024-press-media", id="signs"),
        pytest.param("日本語", "files", id="nothing that can stand there"),
        pytest.param("x" * 100, "x" * 40, id="long"),
        pytest.param("Taken", "taken-3", id="there is one already"),
    ],
)
def test_suggested_slug(name: str, slug: str) -> None:
    """A slug is suggested from the folder's name, and is free."""
    assert suggested_slug(name, taken={"taken", "taken-2"}) == slug
