"""What names contents in addresses: their claims, and who of several wins."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.connectors.identifiers import (
    PLAIN_NAMINGS,
    STRATEGIES,
    Claim,
    Naming,
    Strategy,
    claims,
    is_addressable,
    naming_of,
    strategy,
    winner,
)
from proxy.connectors.model import Connector, Identifier
from proxy.thron import messages
from proxy.thron.content import Content, MetadataValue, PrettyId
from proxy.thron.exchange import Question
from proxy.thron.messages import MetadataCriterion, SearchCriteria

BY_ID = Connector(slug="a", folder="f", identifier=Identifier.CONTENT_ID)
BY_PRETTY_ID = Connector(slug="a", folder="f", identifier=Identifier.PRETTY_ID)
BY_SKU = Connector(
    slug="a", folder="f", identifier=Identifier.METADATA, metadata="sku", classification_id="c1"
)
CONNECTORS = {each.identifier: each for each in (BY_ID, BY_PRETTY_ID, BY_SKU)}


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
        Claim("pt", "Film"),
    )


def test_a_language_of_its_own_is_not_made_of_a_region() -> None:
    """A content with a prettyId for a language has no other under it."""
    content = Content("c", "VIDEO", pretty_ids=(PrettyId("en", "a"), PrettyId("en_US", "b")))
    assert claims(BY_PRETTY_ID, content) == (Claim("en", "a"), Claim("en_us", "b"))


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


SAME = Claim(None, "same")


def sharing(content_id: str, created: datetime | None = None) -> Content:
    """Return a content with a value that others have too."""
    return Content(
        content_id, "VIDEO", created, metadata=(MetadataValue("sku", "same", None, "c1"),)
    )


def test_winner_is_the_oldest() -> None:
    """An address belongs to the content that was created first, then to the smaller id."""
    oldest, undated = sharing("z", NOON), sharing("0")
    later = sharing("a", NOON + timedelta(seconds=1))
    stranger = Content("stranger", "VIDEO", NOON - timedelta(days=1))
    assert winner(BY_SKU, SAME, [undated, later, stranger, oldest]) is oldest
    assert winner(BY_SKU, SAME, [sharing("b", NOON), sharing("a", NOON)]) == sharing("a", NOON)
    assert winner(BY_SKU, SAME, [undated]) is undated
    assert winner(BY_SKU, SAME, []) is None


@given(
    st.lists(
        st.builds(
            sharing,
            st.text(min_size=1, max_size=3),
            st.none() | st.datetimes(timezones=st.just(UTC)),
        ),
        min_size=1,
        unique_by=lambda each: each.id,
    ),
    st.randoms(use_true_random=False),
)
def test_winner_in_any_order(contents: list[Content], random: Random) -> None:
    """Whoever asks, in whatever order THRON lists them, the same content wins."""
    first = winner(BY_SKU, SAME, contents)
    random.shuffle(contents)
    assert winner(BY_SKU, SAME, contents) == first


def named(content_id: str, *languages: str) -> Content:
    """Return a content with one prettyId, given for some languages."""
    return Content(
        content_id, "VIDEO", pretty_ids=tuple(PrettyId(each, "film") for each in languages)
    )


@pytest.mark.parametrize(
    ("contents", "first"),
    [
        pytest.param([named("a", "en_US")], "a", id="alone"),
        pytest.param([named("a", "en_US"), named("b", "it")], "a", id="alone in its language"),
        pytest.param([named("a", "en_US", "en_GB")], "a", id="twice by one content"),
        pytest.param([named("a", "en_US"), named("b", "en")], "b", id="gives way"),
        pytest.param([named("a", "en_US"), named("b", "en_GB")], None, id="not the only one"),
    ],
)
def test_winner_of_a_shortened_language(contents: list[Content], first: str | None) -> None:
    """``en_US`` is found under ``en`` too, unless another content could be meant."""
    found = winner(BY_PRETTY_ID, Claim("en", "film"), contents)
    assert (found and found.id) == first


@pytest.mark.parametrize("by", STRATEGIES.values(), ids=list(STRATEGIES))
def test_values_are_given_and_taken_back(by: Strategy) -> None:
    """What the catalogue kept of a content's addresses makes a content with the same addresses."""
    connector = CONNECTORS[by.identifier]
    content = Content(
        "c-1",
        "VIDEO",
        pretty_ids=(PrettyId("en", "film"), PrettyId("it", "pellicola")),
        metadata=(MetadataValue("sku", "A/1", None, "c1"), MetadataValue("sku", "B", None, "c1")),
    )
    values = tuple(by.values(connector, content))
    again = by.with_values(connector, Content("c-1", "VIDEO"), values)
    assert claims(connector, again) == claims(connector, content) != ()


@pytest.mark.parametrize("connector", [BY_ID, BY_SKU], ids=["content id", "metadata"])
def test_searches_are_for_the_value(connector: Connector) -> None:
    """What a search can find is searched for: an id by itself, a metadata in both spellings."""
    sought = strategy(connector).sought(connector, "caf\u00e9", client_id="acme")
    spellings = ["caf\u00e9", "cafe\u0301"]
    assert sought == {
        Identifier.CONTENT_ID: (SearchCriteria(ids=("caf\u00e9",)),),
        Identifier.METADATA: tuple(
            SearchCriteria(imetadata=MetadataCriterion("c1", "sku", each)) for each in spellings
        ),
    }.get(connector.identifier)


@pytest.mark.parametrize(
    ("connector", "question"),
    [
        pytest.param(BY_PRETTY_ID, messages.find_by_pretty_id("acme", "film"), id="prettyID"),
        pytest.param(
            BY_SKU.model_copy(
                update={"classification_id": None, "folder_id": "f-1", "subfolders": False}
            ),
            messages.find_by_legacy_metadata(
                "acme", name="sku", value="film", folder_id="f-1", cascade=False
            ),
            id="legacy metadata",
        ),
    ],
)
def test_what_no_search_finds_is_asked_for(
    connector: Connector, question: Question[object]
) -> None:
    """A prettyID and a legacy metadata are asked for by the service that knows them."""
    by = strategy(connector)
    sought = by.sought(connector, "film", client_id="acme")
    assert isinstance(sought, Question)
    assert sought.request == question.request
    assert by.is_in_search(connector) is (connector.identifier is Identifier.PRETTY_ID)


def test_how_contents_may_be_named() -> None:
    """Each identifier gives the ways in which a content can be named; a connector has one."""
    values = MetadataValue("sku", "AB", None, "c1"), MetadataValue("code", "7")
    content = Content("c-1", "VIDEO", metadata=values)
    sku = Naming(Identifier.METADATA, "sku", "c1")
    found = {each.identifier: list(each.namings(content)) for each in STRATEGIES.values()}
    assert found == {
        Identifier.CONTENT_ID: [Naming(Identifier.CONTENT_ID)],
        Identifier.PRETTY_ID: [Naming(Identifier.PRETTY_ID)],
        Identifier.METADATA: [sku, Naming(Identifier.METADATA, "code")],
    }
    assert naming_of(BY_SKU) == sku


def test_every_identifier_has_a_strategy() -> None:
    """Each kind is one strategy; all but those with a key can be chosen by themselves."""
    assert STRATEGIES.keys() == {*Identifier}
    assert [each.identifier for each in PLAIN_NAMINGS] == ["pretty_id", "content_id"]
