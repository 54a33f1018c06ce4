"""The questions about contents and folders: what is sent, and what is read of the answer."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import GatewayError, ThronAnswerInvalid, TokenRejected
from proxy.thron import messages
from proxy.thron.content import ContentType, PrettyId, Title
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.folder import (
    Category,
    Classification,
    MetadataDefinition,
    categories_below,
    category,
    classifications,
    metadata_definitions,
)
from proxy.thron.listing import Listing
from proxy.thron.messages import (
    MetadataCriterion,
    SearchCriteria,
    SearchOrder,
    SearchPage,
    SourceFile,
)
from proxy.thron.session import login, validate

JSON = "application/json"

QUESTIONS: tuple[Question[object], ...] = (
    login("acme", "app", "key"),
    validate("acme"),
    messages.search("acme", SearchCriteria()),
    messages.find_by_pretty_id("acme", "manual"),
    messages.find_by_legacy_metadata("acme", name="k", value="v", folder_id="f", cascade=True),
    messages.detail_source("acme", "94bd"),
    category("acme", "f"),
    categories_below("acme", "f"),
    classifications("acme"),
    metadata_definitions("acme", "c"),
)
_each_question = pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.request.path)


def reply(body: object, status: int = 200) -> Reply:
    """Return an answer of this JSON."""
    return Reply(status, JSON, orjson.dumps(body))


def test_search_asks_for_everything_it_reads() -> None:
    """Criteria, page and order stand where THRON expects them."""
    criteria = SearchCriteria(
        ids=("a", "b"),
        content_types=frozenset({ContentType.VIDEO, ContentType.IMAGE}),
        folder_id="f",
        cascade=False,
        imetadata=MetadataCriterion("c1", "sku", "AB-12"),
    )
    request = messages.search("acme", criteria, page_token="t", page_size=10).request
    assert (request.method, request.path) == (
        "POST",
        "/api/xcontents/resources/content/search/acme",
    )
    assert request.json is not None
    assert request.json["criteria"] == {
        "ids": ["a", "b"],
        "contentType": ["IMAGE", "VIDEO"],
        "linkedCategories": {"haveAtLeastOne": [{"id": "f", "cascade": False}]},
        "imetadata": {"haveAll": [{"key": "sku", "value": "AB-12", "classificationId": "c1"}]},
    }
    assert request.json["pageToken"] == "t"
    assert request.json["responseOptions"]["resultsPageSize"] == 10
    assert request.json["responseOptions"]["sort"] == [{"creationDate": {"order": "asc"}}]


@pytest.mark.parametrize(
    ("order", "form", "ordered"),
    [
        pytest.param(
            SearchOrder.UPDATED_LAST_FIRST,
            messages.SEARCH_FORMS[0],
            {"sort": [{"lastUpdate": {"order": "desc"}}]},
            id="sort",
        ),
        pytest.param(
            SearchOrder.CREATED,
            messages.SEARCH_FORMS[1],
            {"orderBy": "creationDate_a"},
            id="orderBy",
        ),
        pytest.param(SearchOrder.CREATED, messages.SEARCH_FORMS[2], {}, id="no order"),
    ],
)
def test_search_in_every_form(
    order: SearchOrder, form: messages.SearchForm, ordered: dict[str, object]
) -> None:
    """A tenant is asked for an order as it takes it, and for the details that it knows."""
    request = messages.search("a/c", SearchCriteria(), order=order, form=form).request
    assert request.path == "/api/xcontents/resources/content/search/a%2Fc"
    assert request.json is not None
    assert request.json["responseOptions"] == {
        "resultsPageSize": 50,
        "returnDetailsFields": list(form.details),
        **ordered,
    }


def test_first_page_has_no_token() -> None:
    """The first question leaves the page token out, and empty criteria too."""
    request = messages.search(
        "acme", SearchCriteria(), order=SearchOrder.UPDATED_LAST_FIRST
    ).request
    assert request.json is not None
    assert "pageToken" not in request.json
    assert request.json["criteria"] == {}
    assert request.json["responseOptions"]["sort"] == [{"lastUpdate": {"order": "desc"}}]


@pytest.mark.parametrize(("ids", "size"), [(0, 50), (1, 1), (50, 50), (60, 50)])
def test_page_size(ids: int, size: int) -> None:
    """No larger page is asked for than there are ids, nor than THRON is known to give."""
    criteria = SearchCriteria(ids=tuple(map(str, range(ids))))
    request = messages.search("acme", criteria).request
    assert request.json is not None
    assert request.json["responseOptions"]["resultsPageSize"] == size


def test_a_broken_item_is_skipped_and_counted() -> None:
    """One bad item does not lose the page."""
    item = {"id": "a", "contentType": "IMAGE"}
    page = messages.search("acme", SearchCriteria()).decipher(
        reply(
            {
                "resultCode": "OK",
                "items": [item, None, {"id": "b"}, 7],
                "nextPageToken": "n",
                "estimatedTotalResults": "12",
            }
        )
    )
    assert [content.id for content in page.contents] == ["a"]
    assert (page.skipped, page.next_page_token, page.estimated_total) == (2, "n", 12)


@pytest.mark.parametrize(
    "body",
    [
        {"resultCode": "OK"},
        {"resultCode": "OK", "items": None, "nextPageToken": ""},
        {"items": []},
        {"resultCode": "CATEGORY_NOT_EXISTS"},
    ],
    ids=["list left out", "null and empty", "no code", "no such folder"],
)
def test_empty_pages(body: object) -> None:
    """A page may be empty in several ways, and is then the last."""
    assert messages.search("acme", SearchCriteria()).decipher(reply(body)) == SearchPage()


def test_find_by_pretty_id() -> None:
    """A prettyId is asked for as a content id, in the page size's odd spelling."""
    question = messages.find_by_pretty_id("acme", "owner-manual")
    assert question.request.json is not None
    assert question.request.json["client"] == {"clientId": "acme"}
    assert question.request.json["criteria"] == {"contentIds": ["owner-manual"]}
    assert question.request.json["numberOfresults"] == 50
    item = {
        "content": {
            "id": "a",
            "contentType": "OTHER",
            "prettyIds": [{"id": "owner-manual", "lang": "EN"}],
        },
        "source": {"fileName": "m.pdf"},
    }
    (found,) = question.decipher(reply({"resultCode": "OK", "contents": item}))
    assert found.pretty_ids == (PrettyId("EN", "owner-manual"),)
    assert found.file_name == "m.pdf"


@pytest.mark.parametrize(
    ("value", "expression"),
    [
        ("AB-12", "^\\QAB-12\\E$"),
        (".*", "^\\Q.*\\E$"),
        ("a\\Eb", "^\\Qa\\E\\\\E\\Qb\\E$"),
    ],
    ids=["plain", "an expression", "the end of a quotation"],
)
def test_legacy_metadata_is_quoted(value: str, expression: str) -> None:
    """A legacy value is asked for as itself, never as an expression."""
    question = messages.find_by_legacy_metadata(
        "acme", name="sku", value=value, folder_id="f", cascade=True
    )
    assert question.request.json is not None
    assert question.request.json["criteria"]["metadatas"] == [{"name": "sku", "value": expression}]


IN_FOLDER = {"linkedCategoryOp": {"linkedCategoryIds": ["f"], "cascade": False}}


@pytest.mark.parametrize(
    ("ask", "criteria", "offset"),
    [
        pytest.param(
            lambda: messages.find_by_ids("acme", ("a", "b"), offset=50),
            {"contentIds": ["a", "b"]},
            50,
            id="ids",
        ),
        pytest.param(
            lambda: messages.folder_contents("acme", folder_id="f", cascade=False, offset=100),
            IN_FOLDER,
            100,
            id="folder",
        ),
        pytest.param(
            lambda: messages.find_by_legacy_metadata(
                "acme", name="k", value="v", folder_id="f", cascade=False
            ),
            {**IN_FOLDER, "metadatas": [{"name": "k", "value": "^\\Qv\\E$"}]},
            0,
            id="legacy metadata",
        ),
        pytest.param(
            lambda: messages.find_by_pretty_id("acme", "manual"),
            {"contentIds": ["manual"]},
            0,
            id="prettyID",
        ),
    ],
)
def test_find_by_properties(
    ask: Callable[[], Question[object]], criteria: dict[str, object], offset: int
) -> None:
    """One service gives contents with their legacy metadata; all that is read is asked for."""
    question = ask()
    assert question.request == Request(
        "POST",
        "/api/xcontents/resources/content/findByProperties",
        json={
            "client": {"clientId": "acme"},
            "criteria": criteria,
            "contentFieldOption": {
                "returnImetadata": True,
                "returnSource": True,
                "returnTotalResults": True,
            },
            "offset": offset,
            "numberOfresults": 50,
        },
    )
    assert question.decipher(reply({"resultCode": "OK", "contents": []})) in (Listing(()), ())


def test_detail_source() -> None:
    """The newest version's id, name, type and size are read."""
    question = messages.detail_source("a/c", "a/b")
    path = "/api/xadmin/resources/content/detailSource/a%2Fc/a%2Fb"
    assert question.request == Request("GET", path)
    body = {
        "resultCode": "OK",
        "item": {
            "id": "v2",
            "modifiedDate": "2024-01-02T00:00:00.000Z",
            "ref": {"id": "r", "name": "b.pdf", "mimetype": "application/pdf", "size": 1048576},
        },
    }
    modified = datetime(2024, 1, 2, tzinfo=UTC)
    assert question.decipher(reply(body)) == SourceFile(
        "v2", "b.pdf", "application/pdf", 1_048_576, modified
    )
    assert question.decipher(reply({"resultCode": "CONTENT_NOT_EXISTS"}, 418)) is None


def test_category() -> None:
    """A folder comes with names, ancestors and, if asked for, its sub-tree."""
    question = category("acme", "press", cascade=True)
    assert question.request.query == (
        ("clientId", "acme"),
        ("categoryId", "press"),
        ("cascade", "true"),
    )
    body = {
        "resultCode": "OK",
        "category": {
            "id": "f2",
            "upCategoryId": "f1",
            "ancestorIds": ["f0", "f1"],
            "locales": [{"locale": "EN", "name": "Press"}],
            "prettyIds": [{"id": "press", "locale": "EN"}],
            "linkedCategories": {"id": "f3", "locales": []},
        },
    }
    assert question.decipher(reply(body)) == Category(
        id="f2",
        names=(Title("EN", "Press"),),
        parent_id="f1",
        ancestor_ids=("f0", "f1"),
        pretty_ids=(PrettyId("EN", "press"),),
        children=(Category(id="f3"),),
    )
    assert question.decipher(reply({"resultCode": "CATEGORY_NOT_EXISTS"}, 418)) is None


def test_a_bottomless_folder_is_cut() -> None:
    """A tree deeper than any is read to a depth and no further."""
    tree: dict[str, object] = {"id": "f"}
    for _ in range(100):
        tree = {"id": "f", "linkedCategories": [tree]}
    found = category("acme", "f").decipher(reply({"category": tree}))
    depth = 0
    while found is not None and found.children:
        depth, found = depth + 1, found.children[0]
    assert depth == 50


def test_categories_below() -> None:
    """Folders below come with their counts and the total."""
    question = categories_below("acme", "f0", search_for="press", offset=50)
    assert question.request.json is not None
    assert question.request.json["properties"] == {"childOf": "f0", "textSearch": "press"}
    assert question.request.json["offset"] == 50
    body = {
        "categories": [
            {"category": {"id": "f1"}, "numberOfContents": 3, "numberOfSubCategories": 0},
            {"category": {}},
        ],
        "totalResults": 52,
    }
    assert question.decipher(reply(body)) == Listing(
        items=(Category("f1", contents=3, subfolders=0),), total=52, skipped=1
    )


def test_metadata_definitions() -> None:
    """A definition comes with its key, type and classification, and whether it can be used."""
    question = metadata_definitions("acme", "c1", keys=["sku"])
    assert question.request.json is not None
    assert question.request.json["criteria"] == {"keys": ["sku"]}
    body = {
        "resultCode": "OK",
        "items": [
            {
                "id": "m1",
                "key": "sku",
                "metadataType": "KEY",
                "names": {"lang": "EN", "label": "SKU"},
            },
            {
                "key": "age",
                "metadataType": "numeric_integer",
                "removed": True,
                "visible": False,
                "constraints": {"applicableTo": ["USER"]},
            },
        ],
    }
    assert question.decipher(reply(body)).items == (
        MetadataDefinition("sku", "KEY", "c1", (Title("EN", "SKU"),)),
        MetadataDefinition(
            "age", "NUMERIC_INTEGER", "c1", visible=False, removed=True, for_contents=False
        ),
    )


def test_classifications() -> None:
    """Classifications that are off or in the trash say so."""
    body = {"items": [{"id": "c1"}, {"id": "c2", "removed": "true"}, {"id": "c3", "active": False}]}
    assert classifications("acme").decipher(reply(body)).items == (
        Classification("c1"),
        Classification("c2", active=False),
        Classification("c3", active=False),
    )


@_each_question
def test_no_question_holds_a_token(question: Question[object]) -> None:
    """A request holds neither host nor token, and a GET no body."""
    request = question.request
    assert request.path.startswith("/api/")
    assert not [name for name, _ in request.query if "token" in name.lower()]
    assert request.method == "POST" or (request.json is None and not request.form)


@pytest.mark.parametrize("question", QUESTIONS[2:], ids=lambda q: q.request.path)
def test_every_question_knows_an_expired_session(question: Question[object]) -> None:
    """An expired session is the same for all of them, at any status."""
    for status in (200, 403, 418):
        with pytest.raises(TokenRejected):
            question.decipher(reply({"resultCode": "OK", "ssoCode": "SESSION_EXPIRED"}, status))


@pytest.mark.parametrize("question", QUESTIONS[2:], ids=lambda q: q.request.path)
def test_every_question_refuses_a_page(question: Question[object]) -> None:
    """A page of some edge server with status 200 is no answer."""
    with pytest.raises(ThronAnswerInvalid):
        question.decipher(Reply(200, "text/html", b"<!doctype html><html></html>"))


_NAMES = st.sampled_from(
    [
        "resultCode",
        "ssoCode",
        "items",
        "contents",
        "categories",
        "category",
        "item",
        "id",
        "key",
        "appUserTokenId",
        "app",
        "metadata",
        "details",
        "content",
        "contentType",
        "linkedCategories",
    ]
)
_CODES = st.sampled_from(["OK", "ACCESS_DENIED", "EXCEPTION", "CONTENT_NOT_EXISTS", "", "?"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5) | _CODES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=5),
    max_leaves=20,
)
_BODIES = st.binary(max_size=200) | st.dictionaries(_NAMES, _JSON, max_size=6).map(orjson.dumps)


@given(
    st.sampled_from(QUESTIONS),
    st.sampled_from([200, 206, 301, 400, 401, 403, 404, 418, 429, 500, 503]),
    st.sampled_from([JSON, "text/plain", "text/html", ""]),
    _BODIES,
)
def test_deciphering_raises_only_ours(
    question: Question[object], status: int, media_type: str, body: bytes
) -> None:
    """Whatever THRON answers is a value or an error of ours."""
    with suppress(GatewayError):
        question.decipher(Reply(status, media_type, body))


def test_pages_of_legacy_metadata() -> None:
    """The page that is asked for is told to THRON, and its contents are read."""
    question = messages.find_by_legacy_metadata(
        "acme", name="k", value="v", folder_id="f", cascade=True, offset=50
    )
    assert question.request.json is not None
    assert question.request.json["offset"] == 50
    found = question.decipher(
        reply({"resultCode": "OK", "contents": [{"id": "94bd", "contentType": "IMAGE"}]})
    )
    assert [each.id for each in found] == ["94bd"]


def test_detail_source_in_its_other_spelling() -> None:
    """The media type and the date stand under either of two names (docs/thron.md 3.4)."""
    source = messages.detail_source("acme", "94bd").decipher(
        reply(
            {
                "item": {
                    "createdDate": "2024-03-01T10:00:00.000+0000",
                    "ref": {"mimeType": "image/png"},
                }
            }
        )
    )
    assert source is not None
    assert (source.media_type, source.modified) == (
        "image/png",
        datetime(2024, 3, 1, 10, tzinfo=UTC),
    )


def test_a_source_that_is_not_there_is_named() -> None:
    """An answer without the member that the service answers with says which one is missing."""
    with pytest.raises(ThronAnswerInvalid, match="'item'"):
        messages.detail_source("acme", "94bd").decipher(reply({}))


def test_the_form_of_a_search_in_words() -> None:
    """As the log and ``check`` show which form THRON took."""
    forms = messages.SEARCH_FORMS
    assert str(forms[0]) == "order by sort, without nothing"
    assert str(forms[-1]).startswith("order by none, without ")
    left_out = str(forms[-1]).removeprefix("order by none, without ").split(", ")
    assert {*left_out, *forms[-1].details} == set(forms[0].details)
    assert len(left_out) > 1
