"""The lines that a content has in the table of a connector."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.url_entries import (
    UrlEntry,
    address_fingerprint,
    catalogue_fingerprint,
    entries,
    folded,
    search_text,
    title,
)
from proxy.connectors.identifiers import claims
from proxy.connectors.model import Connector, Identifier
from proxy.thron.content import Content, ContentType, MetadataValue, PrettyId
from tests.catalogue.entering import FILES, NAMES, SKUS, content, named, with_sku


def entry(value: str, language: str = "", *, is_addressable: bool = True) -> UrlEntry:
    return UrlEntry(language, value, is_addressable)


@pytest.mark.parametrize(
    ("connector", "given_content", "expected"),
    [
        pytest.param(FILES, content(1), [entry("id-1")], id="content id"),
        pytest.param(
            NAMES,
            named(1, "en:a", "it:b"),
            [entry("a", "en"), entry("b", "it")],
            id="each language",
        ),
        pytest.param(NAMES, named(1), [entry("", is_addressable=False)], id="without prettyID"),
        pytest.param(
            NAMES, named(1, ":a"), [entry("a", is_addressable=False)], id="without a language"
        ),
        pytest.param(
            NAMES,
            named(1, "en:a/b", "it:c"),
            [entry("c", "it"), entry("a/b", "en", is_addressable=False)],
            id="one that cannot be a prettyID",
        ),
        pytest.param(
            SKUS, with_sku(1, "A 1", "B/2"), [entry("A 1"), entry("B/2")], id="several values"
        ),
        pytest.param(SKUS, with_sku(1, "e\u0301"), [entry("\u00e9")], id="NFC"),
        pytest.param(
            SKUS, with_sku(1, ".."), [entry("..", is_addressable=False)], id="a dot segment"
        ),
        pytest.param(SKUS, with_sku(1, ""), [entry("", is_addressable=False)], id="empty"),
        pytest.param(
            SKUS,
            content(1, metadata=(MetadataValue("sku", "x", None, "other"),)),
            [entry("", is_addressable=False)],
            id="of another classification",
        ),
        pytest.param(
            SKUS,
            with_sku(1, "x" * 5000),
            [entry("x" * 200, is_addressable=False)],
            id="too long, so its beginning is shown",
        ),
        pytest.param(
            SKUS, with_sku(1, "a\0b"), [entry("a\ufffdb", is_addressable=False)], id="with a NUL"
        ),
    ],
)
def test_entries(connector: Connector, given_content: Content, expected: list[UrlEntry]) -> None:
    """A content has a line for each identifier, or one that says that it has none."""
    assert list(entries(connector, given_content)) == expected


@given(st.lists(st.text(max_size=1100), max_size=5))
def test_every_claim_has_its_line(values: list[str]) -> None:
    """What can be addressed is a line, lines are different, and there is always one."""
    found = entries(SKUS, with_sku(1, *values))
    addressed = {each.value for each in found if each.is_addressable}
    assert addressed == {claim.value for claim in claims(SKUS, with_sku(1, *values))}
    assert len({(each.language, each.value) for each in found}) == len(found) > 0


def test_shape_is_of_contents_and_addresses_only() -> None:
    """How a content is delivered does not matter to the catalogue; which one is, does."""
    assert catalogue_fingerprint(NAMES) == catalogue_fingerprint(
        NAMES.model_copy(update={"max_age_s": 1, "enabled": False, "force_https": True})
    )
    others = [
        NAMES.model_copy(update={"folder_id": "g"}),
        NAMES.model_copy(update={"subfolders": False}),
        NAMES.model_copy(update={"content_types": frozenset({ContentType.IMAGE})}),
        NAMES.model_copy(update={"identifier": Identifier.CONTENT_ID}),
        SKUS.model_copy(update={"metadata": "ean"}),
    ]
    assert catalogue_fingerprint(NAMES) not in {catalogue_fingerprint(each) for each in others}
    assert address_fingerprint(NAMES) == address_fingerprint(
        NAMES.model_copy(update={"folder_id": "g"})
    )
    assert address_fingerprint(SKUS) != address_fingerprint(
        SKUS.model_copy(update={"metadata": "ean"})
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Perché NO", "perche no", id="accents and case"),
        pytest.param("Straße", "strasse", id="one letter becomes two"),
        pytest.param("\ufb01lm", "film", id="ligatures"),
        pytest.param("\ud800", "?", id="a lone surrogate"),
        pytest.param("a\0b", "a\ufffdb", id="NUL"),
    ],
)
def test_folded(text: str, expected: str) -> None:
    """Texts that people take for the same are the same."""
    assert folded(text) == expected


def test_sought_is_bounded() -> None:
    """However long a title is, what is searched fits into an index."""
    assert len(search_text("x" * 10_000, "y" * 10_000)) == 600
    assert search_text("Ä", None, "b") == "a\nb"


def test_title_is_that_of_the_language() -> None:
    """A line shows the title in its language, else the first there is."""
    assert title(content(1), "it") == "Titolo 1"
    assert title(content(1), "de") == "Title 1"
    assert title(content(1, titles=()), "en") == ""
    assert title(content(1, pretty_ids=(PrettyId("EN", "a"),)), "") == "Title 1"
