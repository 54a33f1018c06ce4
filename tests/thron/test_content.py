"""A content, read from every shape that THRON gives it in."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.thron.content import (
    Content,
    MetadataValue,
    PrettyId,
    Title,
    publication,
    read_content,
)

SEARCH_ITEM: dict[str, Any] = {
    "id": "94bd",
    "contentType": "OTHER",
    "creationDate": "2023-04-01T08:00:00.000Z",
    "details": {
        "lastUpdate": "2024-02-11T17:48:36.000Z",
        "locales": [{"locale": "EN", "name": "Manual"}, {"lang": "IT", "name": "Manuale"}],
        "prettyIds": [{"id": "owner-manual", "locale": "EN"}],
        "imetadata": [
            {"classificationId": "c1", "key": "sku", "metadataDefinitionId": "m", "value": "AB-12"},
            {"classificationId": "c1", "key": "use", "lang": "IT", "value": ["casa", "ufficio"]},
        ],
        "source": {"fileName": "Owner manual v3.pdf", "extension": "pdf"},
        "availableChannels": ["WEB"],
        "publishingStatus": "PUBLISHED",
    },
    "thumbs": [{"id": "t", "url": "//acme-cdn.thron.com/x?v=47"}],
}

MANUAL = Content(
    id="94bd",
    content_type="OTHER",
    creation_date=datetime(2023, 4, 1, 8, tzinfo=UTC),
    last_update=datetime(2024, 2, 11, 17, 48, 36, tzinfo=UTC),
    titles=(Title("EN", "Manual"), Title("IT", "Manuale")),
    pretty_ids=(PrettyId("EN", "owner-manual"),),
    metadata=(
        MetadataValue("sku", "AB-12", None, "c1"),
        MetadataValue("use", "casa", "IT", "c1"),
        MetadataValue("use", "ufficio", "IT", "c1"),
    ),
    file_name="Owner manual v3.pdf",
    channels=("WEB",),
    status="PUBLISHED",
)

WRAPPED: dict[str, Any] = {
    "content": {
        "id": "94bd",
        "contentType": "OTHER",
        "creationDate": 1_680_336_000_000,
        "lastUpdate": "2024-02-11T17:48:36Z",
        "locales": [{"lang": "EN", "name": "Manual"}, {"locale": "IT", "name": "Manuale"}],
        "prettyIds": {"id": "owner-manual", "locale": "EN"},
        "imetadata": SEARCH_ITEM["details"]["imetadata"],
        "weebo": {
            "status": "PUBLISHED",
            "weeboChannels": [
                {"channelType": "WEB"},
                {"channelType": "WEBDOC", "status": "PUBLISHING_INPROGRESS"},
            ],
        },
    },
    "source": {"fileName": "Owner manual v3.pdf"},
}


@pytest.mark.parametrize("item", [SEARCH_ITEM, WRAPPED], ids=["search", "record in a wrapper"])
def test_shapes(item: dict[str, Any]) -> None:
    """A search item and a record of the older services give the same content."""
    assert read_content(item) == MANUAL


@pytest.mark.parametrize(
    "item",
    [
        None,
        5,
        "x",
        [],
        {},
        {"id": "a"},
        {"contentType": "IMAGE"},
        {"id": "", "contentType": "IMAGE"},
    ],
    ids=repr,
)
def test_broken_items(item: Any) -> None:
    """An item without id or type is no content."""
    assert read_content(item) is None


@pytest.mark.parametrize(
    ("facts", "metadata"),
    [
        pytest.param(
            {"metadatas": [{"name": "sku", "value": "A", "locale": "EN"}]},
            (MetadataValue("sku", "A", "EN"),),
            id="legacy",
        ),
        pytest.param(
            {"metadatas": [{"name": "_SOURCE_MIMETYPE_", "value": "image/png"}]}, (), id="system"
        ),
        pytest.param(
            {"metadatas": [{"name": "_sku", "value": "A"}]},
            (MetadataValue("_sku", "A"),),
            id="a company's, though it begins with a line",
        ),
        pytest.param(
            {"imetadata": [{"key": "k", "value": ""}]}, (MetadataValue("k", ""),), id="empty"
        ),
        pytest.param(
            {"imetadata": {"key": "n", "value": 7}}, (MetadataValue("n", "7"),), id="number"
        ),
        pytest.param(
            {"imetadata": [{"key": "b", "value": True}]}, (MetadataValue("b", "true"),), id="truth"
        ),
        pytest.param(
            {"imetadatas": [{"key": "k", "values": ["a", "b"]}]},
            (MetadataValue("k", "a"), MetadataValue("k", "b")),
            id="as older services call it",
        ),
        pytest.param({"imetadata": [{"key": "o", "value": {"x": 1}}]}, (), id="object"),
        pytest.param({"imetadata": [None, 3, {"value": "v"}]}, (), id="broken"),
    ],
)
def test_metadata(facts: dict[str, Any], metadata: tuple[MetadataValue, ...]) -> None:
    """Every value of every custom metadata is kept as text."""
    content = read_content({"id": "a", "contentType": "image", **facts})
    assert content is not None
    assert content.metadata == metadata


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({"availableChannels": ["web", "WEB", "WEBHD"]}, id="words"),
        pytest.param(
            {"availableChannels": [{"channelType": "WEB"}, {"channelType": "WEBHD"}]}, id="records"
        ),
        pytest.param(
            {
                "weebo": {
                    "weeboChannels": [
                        {"channelType": "WEB", "status": "published"},
                        {"channelType": "WEBHD"},
                        {"channelType": "WEBDOC", "status": "READY"},
                        {"status": "PUBLISHED"},
                    ]
                }
            },
            id="those of them that are published",
        ),
    ],
)
def test_channels(facts: dict[str, Any]) -> None:
    """The public channels are read from every shape, each once."""
    content = read_content({"id": "a", "contentType": "OTHER", **facts})
    assert content is not None
    assert content.channels == ("WEB", "WEBHD")


def test_a_pretty_id_without_language() -> None:
    """A word alone is one, of no language; so is a name."""
    names = {"prettyIds": ["manual"], "locales": [{"name": "Manual"}]}
    content = read_content({"id": "a", "contentType": "OTHER", **names})
    assert content is not None
    assert content.pretty_ids == (PrettyId("", "manual"),)
    assert content.titles == (Title("", "Manual"),)


def test_null_details_hide_nothing() -> None:
    """A null in the details leaves what the item itself says."""
    content = read_content(
        {"id": "a", "contentType": "AUDIO", "lastUpdate": "2024", "details": {"lastUpdate": None}}
    )
    assert content is not None
    assert content.last_update == datetime(2024, 1, 1, tzinfo=UTC)


_NAMES = st.sampled_from([*SEARCH_ITEM, *SEARCH_ITEM["details"], *WRAPPED, "metadatas", "weebo"])
_ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=6),
    max_leaves=25,
)


@given(_ANY)
def test_reading_never_raises(item: Any) -> None:
    """Whatever stands in a list, it is a content or nothing."""
    content = read_content(item)
    assert content is None or (content.id and content.content_type)


@pytest.mark.parametrize(
    ("status", "channels", "found"),
    [
        pytest.param("PUBLISHED", "", "published", id="published"),
        pytest.param("Published", "", "published", id="any case"),
        pytest.param("PUBLISHED_IN_SOME_CHANNELS", "", "published", id="in some channels"),
        pytest.param("READY", "WEB", "published", id="one channel is ready, another public"),
        pytest.param("ERROR", "WEB", "published", id="one channel failed, another is public"),
        pytest.param("UNPUBLISHING_IN_PROGRESS", "WEB", "published", id="one is on its way out"),
        pytest.param("PUBLISHING_INPROGRESS", "WEB", "published", id="spelled as of a channel"),
        pytest.param("READY", "STREAMHTTP", "published", id="a word and any channel"),
        pytest.param(None, "WEB", "published", id="a channel and no word"),
        pytest.param("WHATEVER", "WEB", "published", id="a channel and an unknown word"),
        pytest.param("DRAFT", "WEB", "draft", id="a draft is one whatever its channels"),
        pytest.param("DRAFT", "", "draft", id="draft"),
        pytest.param("READY", "", "in_progress", id="nothing public yet"),
        pytest.param("ERROR", "", "in_progress", id="failed at once"),
        pytest.param("PUBLISH_IN_PROGRESS", "", "in_progress", id="first publication"),
        pytest.param("INGESTION_INPROGRESS", "", "in_progress", id="first ingestion"),
        pytest.param(None, "", "no_channel", id="neither word nor channel"),
        pytest.param("", "", "no_channel", id="empty word"),
        pytest.param("WHATEVER", "", "no_channel", id="an unknown word alone"),
        pytest.param(None, "STREAMHTTP", "no_channel", id="streaming alone gives no file"),
    ],
)
def test_publication(status: str | None, channels: str, found: str) -> None:
    """The channels decide before the word, which is that of the slowest of them."""
    assert publication(status, channels.split()) == found


@pytest.mark.parametrize(
    ("status", "found"),
    [
        pytest.param("PUBLISH_IN_PROGRESS", "published", id="a new version is published"),
        pytest.param("INGESTION_IN_PROGRESS", "published", id="a new version is read"),
        pytest.param("ERROR", "published", id="a new version failed"),
        pytest.param("READY", "in_progress", id="taken off"),
        pytest.param("UNPUBLISHING_IN_PROGRESS", "in_progress", id="being taken off"),
        pytest.param("DRAFT", "draft", id="a draft again"),
        pytest.param(None, "no_channel", id="no word any more"),
    ],
)
def test_publication_of_what_was_published(status: str | None, found: str) -> None:
    """It goes on while a new version is on its way, and not when it is taken off."""
    assert publication(status, [], was_published=True) == found
