"""The rules of a connector: what it serves, under which addresses, and for whom they are."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.connector import (
    Claim,
    Connector,
    Connectors,
    Identifier,
    claims,
    is_addressable,
    is_servable,
    winner,
)
from proxy.thron.messages import Content, ContentType, MetadataValue, PrettyId

BY_ID = Connector(slug="a", folder="f", identifier=Identifier.CONTENT_ID)
BY_PRETTY_ID = Connector(slug="a", folder="f", identifier=Identifier.PRETTY_ID)
BY_SKU = Connector(
    slug="a", folder="f", identifier=Identifier.METADATA, metadata="sku", classification_id="c1"
)
VIDEOS = Connector(
    slug="v",
    folder="f",
    identifier=Identifier.CONTENT_ID,
    content_types=frozenset({ContentType.VIDEO}),
)


@pytest.mark.parametrize(
    ("connector", "content_type", "answer"),
    [
        pytest.param(BY_ID, "VIDEO", True, id="video"),
        pytest.param(BY_ID, "OTHER", True, id="document"),
        pytest.param(BY_ID, "image", True, id="any case"),
        pytest.param(BY_ID, "PLAYLIST", False, id="playlist"),
        pytest.param(BY_ID, "URL", False, id="link"),
        pytest.param(BY_ID, "PAGELET", False, id="pagelet"),
        pytest.param(BY_ID, "LIVEEVENT", False, id="live event"),
        pytest.param(BY_ID, "PROGRAMS", False, id="programs"),
        pytest.param(BY_ID, "", False, id="no type"),
        pytest.param(VIDEOS, "VIDEO", True, id="of the types"),
        pytest.param(VIDEOS, "IMAGE", False, id="not of the types"),
    ],
)
def test_types(connector: Connector, content_type: str, *, answer: bool) -> None:
    """A connector serves its own types, and never more than the four."""
    content = Content("x", content_type, status="PUBLISHED")
    assert is_servable(connector, content) is answer


@pytest.mark.parametrize(
    ("status", "channels", "answer"),
    [
        pytest.param("PUBLISHED", (), True, id="published"),
        pytest.param("Published", (), True, id="any case"),
        pytest.param("PUBLISHED_IN_SOME_CHANNELS", (), True, id="in some channels"),
        pytest.param(None, (), True, id="status left out"),
        pytest.param("PUBLISH_IN_PROGRESS", (), False, id="first publication"),
        pytest.param("PUBLISH_IN_PROGRESS", ("WEB",), True, id="new version published"),
        pytest.param("INGESTION_IN_PROGRESS", (), False, id="first ingestion"),
        pytest.param("INGESTION_IN_PROGRESS", ("WEB",), True, id="new version ingested"),
        pytest.param("ERROR", (), False, id="failed"),
        pytest.param("ERROR", ("WEB",), True, id="new version failed"),
        pytest.param("DRAFT", ("WEB",), False, id="draft"),
        pytest.param("READY", ("WEB",), False, id="ready"),
        pytest.param("UNPUBLISHING_IN_PROGRESS", ("WEB",), False, id="being unpublished"),
        pytest.param("WHATEVER", ("WEB",), False, id="unknown state"),
    ],
)
def test_publication(status: str | None, channels: tuple[str, ...], *, answer: bool) -> None:
    """What is published is served, and goes on being served while a new version is made."""
    content = Content("x", "VIDEO", status=status, channels=channels)
    assert is_servable(BY_ID, content) is answer


def test_content_id_claim() -> None:
    """With content ids a content claims exactly its own."""
    assert claims(BY_ID, Content("c-1", "VIDEO")) == (Claim(None, "c-1"),)


def test_pretty_id_claims() -> None:
    """With prettyIds a content claims each under its language, printed in lower case."""
    content = Content(
        "c-1",
        "VIDEO",
        pretty_ids=(
            PrettyId("EN", "Film"),
            PrettyId("it", "pellicola"),
            PrettyId("IT", "pellicola"),
            PrettyId("pt_BR", "Film"),
            PrettyId("", "homeless"),
            PrettyId("DE", ""),
            PrettyId("FR", "not/one"),
        ),
    )
    assert claims(BY_PRETTY_ID, content) == (
        Claim("en", "Film"),
        Claim("it", "pellicola"),
        Claim("pt_br", "Film"),
    )


def test_metadata_claims() -> None:
    """With a metadata a content claims each distinct value of that key, in NFC."""
    content = Content(
        "c-1",
        "VIDEO",
        metadata=(
            MetadataValue("sku", "caffe\u0300", "IT", "c1"),
            MetadataValue("sku", "caff\u00e8", "EN", "c1"),
            MetadataValue("sku", "A/1", None, "c1"),
            MetadataValue("sku", "..", None, "c1"),
            MetadataValue("sku", "", None, "c1"),
            MetadataValue("sku", "other", None, "c2"),
            MetadataValue("SKU", "upper", None, "c1"),
            MetadataValue("name", "x", None, "c1"),
        ),
    )
    assert claims(BY_SKU, content) == (Claim(None, "caff\u00e8"), Claim(None, "A/1"))


def test_metadata_of_any_classification() -> None:
    """Without a classification the key alone decides, as with legacy metadata."""
    legacy = Connector(slug="a", folder="f", identifier=Identifier.METADATA, metadata="sku")
    content = Content(
        "c-1", "VIDEO", metadata=(MetadataValue("sku", "1"), MetadataValue("sku", "2", None, "c2"))
    )
    assert claims(legacy, content) == (Claim(None, "1"), Claim(None, "2"))


def test_values_of_a_host_of_its_own() -> None:
    """On a host of its own a connector leaves robots.txt and its like to the gateway."""
    hosted = Connector(
        slug="a", folder="f", identifier=Identifier.METADATA, metadata="sku", host="m.example.com"
    )
    assert not is_addressable(hosted, "robots.txt")
    assert is_addressable(BY_SKU, "robots.txt")


NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def test_winner_is_the_oldest() -> None:
    """An address belongs to the content that was created first, then to the smaller id."""
    oldest = Content("z", "VIDEO", NOON)
    same_day = Content("a", "VIDEO", NOON + timedelta(seconds=1))
    undated = Content("0", "VIDEO")
    assert winner([undated, same_day, oldest]) is oldest
    assert winner([Content("b", "VIDEO", NOON), Content("a", "VIDEO", NOON)]) == Content(
        "a", "VIDEO", NOON
    )
    assert winner([undated]) is undated
    assert winner([]) is None


@given(
    st.lists(
        st.builds(
            Content,
            st.text(min_size=1, max_size=3),
            st.just("VIDEO"),
            st.none() | st.datetimes(timezones=st.just(UTC)),
        ),
        min_size=1,
        unique_by=lambda each: each.id,
    ),
    st.randoms(use_true_random=False),
)
def test_winner_in_any_order(contents: list[Content], random: Random) -> None:
    """Whoever asks, in whatever order THRON lists them, the same content wins."""
    first = winner(contents)
    random.shuffle(contents)
    assert winner(contents) == first


@pytest.mark.parametrize(
    ("host", "found"),
    [
        pytest.param("media.example.com", True, id="as written"),
        pytest.param("Media.Example.COM", True, id="any case"),
        pytest.param("media.example.com:8443", True, id="with a port"),
        pytest.param("media.example.com.", True, id="with the root's dot"),
        pytest.param("media.example.com.:80", True, id="dot and port"),
        pytest.param("example.com", False, id="another host"),
        pytest.param("", False, id="empty"),
        pytest.param("[::1]:8080", False, id="IPv6 literal"),
    ],
)
def test_of_host(host: str, *, found: bool) -> None:
    """A Host field names the connector whose own host it is."""
    hosted = Connector(
        slug="m", folder="f", identifier=Identifier.CONTENT_ID, host="media.example.com"
    )
    connectors = Connectors(1, (BY_ID, hosted))
    assert connectors.of_host(host) is (hosted if found else None)
    assert connectors.of_slug("a") is BY_ID
    assert connectors.of_slug("A") is None
