"""content/search, as docs/thron.md 4.2 and 11 (rows 4 to 6) have it."""

from typing import Any

import pytest

from tests.sandbox.conftest import Answer, Caller, Clock
from tests.sandbox.small import (
    ARCHIVE,
    DRAFT,
    FILM,
    FOREIGN,
    LINK,
    MANUAL,
    MANUALS,
    OUTSIDE,
    PAGELET,
    PHOTO,
    PLAYLIST,
    PRODUCT,
    ROOT,
    SONG,
)

ALL = {MANUAL, PHOTO, FILM, DRAFT, LINK, PLAYLIST, PAGELET, SONG}


def linked(folder_id: str, *, cascade: bool = True, key: str = "haveAtLeastOne") -> dict[str, Any]:
    return {"linkedCategories": {key: [{"id": folder_id, "cascade": cascade}]}}


def ids(answer: Answer) -> set[str]:
    return {item["id"] for item in answer.json["items"]}


def sku(value: str, **more: str) -> dict[str, Any]:
    return {"imetadata": {"haveAll": [{"key": "sku", "value": value, **more}]}}


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        pytest.param({}, ALL, id="everything that the app sees"),
        pytest.param(linked(ROOT), ALL, id="cascade"),
        pytest.param(linked(MANUALS, cascade=False), {MANUAL}, id="one folder"),
        pytest.param(linked(MANUALS), {MANUAL, FILM}, id="two levels"),
        pytest.param(linked(OUTSIDE), set(), id="outside the root is invisible"),
        pytest.param(linked("products"), set(), id="a prettyId is no folder here"),
        pytest.param(linked(MANUALS, key="haveNot"), ALL - {MANUAL, FILM}, id="haveNot"),
        pytest.param({"contentType": ["VIDEO", "IMAGE"]}, {FILM, PHOTO}, id="types"),
        pytest.param({"contentType": "VIDEO"}, {FILM}, id="a single value for a list"),
        pytest.param({"ids": [MANUAL, FOREIGN, "no"]}, {MANUAL}, id="ids that it sees"),
        pytest.param({"ids": [MANUAL], **linked(ARCHIVE)}, {MANUAL}, id="ids and folder"),
        pytest.param({"ids": [PHOTO], **linked(ARCHIVE)}, set(), id="and means and"),
        pytest.param(sku("AB-12"), {MANUAL}, id="metadata, exact"),
        pytest.param(sku("ab-12"), {PHOTO}, id="metadata, case-sensitive"),
        pytest.param(sku("AB-12", classificationId=PRODUCT), {MANUAL}, id="in its classification"),
        pytest.param(sku("AB-12", classificationId="c2"), set(), id="in another one"),
        pytest.param(sku("AB-1"), set(), id="a part is no match"),
        pytest.param({"lemma": {"text": "manual"}}, {MANUAL}, id="words"),
        pytest.param({"sourceExtensions": ["mp4"]}, {FILM}, id="extension"),
        pytest.param({"lastUpdate": {"from": "2024-09"}}, {SONG}, id="since, shortened"),
        pytest.param({"lastUpdate": {"to": 1704096000000}}, {MANUAL}, id="until, epoch"),
        pytest.param({"somethingElse": 1}, ALL, id="unknown criteria are ignored"),
    ],
)
async def test_criteria(caller: Caller, criteria: dict[str, Any], found: set[str]) -> None:
    """Criteria select contents; between them AND, inside a list OR."""
    assert ids(await caller.search(criteria)) == found


async def test_details(caller: Caller) -> None:
    """Details hold the fields asked for, and nothing else."""
    answer = await caller.search({"ids": [MANUAL]}, "locales", "source", "availableChannels")
    item = answer.json["items"][0]
    assert item["details"] == {
        "locales": [
            {"locale": "EN", "name": "Owner manual"},
            {"locale": "IT", "name": "Manuale"},
        ],
        "source": {"fileName": "Owner manual v3.pdf", "extension": "pdf"},
        "availableChannels": ["WEB"],
    }
    assert item["contentType"] == "OTHER"
    assert item["creationDate"] == "2024-01-01T08:00:00.000Z"
    assert "details" not in (await caller.search({"ids": [MANUAL]})).json["items"][0]


async def test_more_details(caller: Caller) -> None:
    """prettyIds, metadata, folders and status, as the model has them; no legacy metadata."""
    fields = ("prettyIds", "imetadata", "linkedCategoryIds", "publishingStatus", "metadatas")
    details = (await caller.search({"ids": [MANUAL]}, *fields)).json["items"][0]["details"]
    assert details["prettyIds"] == [
        {"id": "owner-manual", "locale": "EN"},
        {"id": "Manuale_Utente", "locale": "IT"},
    ]
    assert details["imetadata"][0] == {
        "classificationId": PRODUCT,
        "key": "sku",
        "metadataDefinitionId": "d1",
        "value": "AB-12",
    }
    assert details["linkedCategoryIds"] == [MANUALS, ARCHIVE]
    assert details["publishingStatus"] == "PUBLISHED"
    assert "metadatas" not in details


async def test_thumbs(caller: Caller) -> None:
    """Thumbnail addresses come without their scheme."""
    answer = await caller.search(
        {"ids": [PHOTO]}, options={"thumbsOptions": [{"id": "t", "divArea": "150x150"}]}
    )
    url = answer.json["items"][0]["thumbs"][0]["url"]
    assert url.startswith("//127.0.0.1:")
    assert (await caller.plain(f"http:{url}")).status == 307


async def paged(caller: Caller, *, size: int = 3) -> list[list[str]]:
    pages: list[list[str]] = []
    token: str | None = None
    for _ in range(20):
        more = {"pageToken": token} if token else {}
        answer = await caller.search({}, options={"resultsPageSize": size}, **more)
        pages.append([item["id"] for item in answer.json["items"]])
        following = answer.json.get("nextPageToken")
        if not following or following == token:
            break
        token = following
    return pages


async def test_pages(caller: Caller) -> None:
    """Page tokens lead through everything once; the last page has none."""
    pages = await paged(caller)
    assert [len(page) for page in pages] == [3, 3, 2]
    assert set().union(*pages) == ALL


async def test_pages_that_shift(caller: Caller) -> None:
    """By switch an item comes twice, and none is missing."""
    caller.thron.switches.search_pages_shift = True
    pages = await paged(caller)
    listed = [one for page in pages for one in page]
    assert len(listed) > len(ALL)
    assert set(listed) == ALL


async def test_token_that_repeats(caller: Caller) -> None:
    """By switch the last page repeats its token."""
    caller.thron.switches.search_token_repeats = True
    assert set().union(*await paged(caller)) == ALL


async def test_last_token_empty(caller: Caller) -> None:
    """By switch the last token is an empty string."""
    caller.thron.switches.search_last_token_empty = True
    assert (await caller.search({})).json["nextPageToken"] == ""


async def test_page_size_is_cut(caller: Caller) -> None:
    """A page is never larger than the maximum, whatever is asked."""
    caller.thron.switches.search_page_maximum = 2
    assert [len(page) for page in await paged(caller, size=50)] == [2, 2, 2, 2]
    caller.thron.switches.oversized_page_refused = True
    assert (await caller.search({}, options={"resultsPageSize": 100})).status == 200
    assert (await caller.search({}, options={"resultsPageSize": 101})).status == 400


async def test_page_token_lapses(caller: Caller, clock: Clock) -> None:
    """Page tokens are opaque and lapse."""
    answer = await caller.search({}, options={"resultsPageSize": 1})
    token = answer.json["nextPageToken"]
    clock.pass_by(600)
    assert (await caller.search({}, pageToken=token)).status == 400
    assert (await caller.search({}, pageToken="made-up")).status == 400


async def test_total_is_an_estimate(caller: Caller) -> None:
    """The total is off, unless there is nothing."""
    assert (await caller.search({})).json["estimatedTotalResults"] != len(ALL)
    assert (await caller.search({"ids": ["no"]})).json["estimatedTotalResults"] == 0


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ({"lastUpdate": {"order": "desc"}}, SONG),
        ({"creationDate": {"order": "asc"}}, MANUAL),
        ({"name": {"order": "asc"}}, DRAFT),
    ],
)
async def test_sort(caller: Caller, sort: dict[str, Any], first: str) -> None:
    """An order that is asked for is kept."""
    answer = await caller.search({}, options={"sort": [sort]})
    assert answer.json["items"][0]["id"] == first


async def test_get_twin(caller: Caller) -> None:
    """The GET twin takes the same JSON as param; nonsense counts as nothing asked."""
    path = "/api/xcontents/resources/content/search/sandbox"
    param = "%7B%22criteria%22%3A%7B%22contentType%22%3A%22VIDEO%22%7D%7D"
    assert ids(await caller.get(f"{path}?param={param}")) == {FILM}
    assert ids(await caller.get(f"{path}?param=%7B%7B")) == ALL


async def test_bad_bodies(caller: Caller) -> None:
    """A body that is no JSON object is refused."""
    path = "/api/xcontents/resources/content/search/sandbox"
    fields = {"X-TOKENID": caller.token, "Content-Type": "application/json"}
    assert (await caller.ask("POST", path, data=b"{", headers=fields)).status == 400
    assert (await caller.ask("POST", path, data={"a": "b"})).status == 403


async def test_without_token(stranger: Caller) -> None:
    """Nothing is listed without a token."""
    assert (await stranger.search({})).status == 403


async def test_index_lag(caller: Caller, clock: Clock) -> None:
    """The index may know later what has changed."""
    caller.thron.switches.search_lag_s = 20
    caller.thron.unlink(MANUAL)
    assert MANUAL in ids(await caller.search({}))
    clock.pass_by(20)
    assert MANUAL not in ids(await caller.search({}))


async def test_unpublished(caller: Caller) -> None:
    """An unpublished content is listed with its status and without channels."""
    caller.thron.unpublish(MANUAL)
    answer = await caller.search({"ids": [MANUAL]}, "publishingStatus", "availableChannels")
    assert answer.json["items"][0]["details"] == {
        "publishingStatus": "READY",
        "availableChannels": [],
    }


async def test_shapes(caller: Caller) -> None:
    """The shape of answers varies by switch, as tolerant clients expect."""
    switches = caller.thron.switches
    switches.single_for_list = True
    switches.nulls_sent = True
    switches.unknown_fields_sent = True
    switches.locale_key = "lang"
    switches.lower_case_locales = True
    switches.key_metadata_has_lang = True
    switches.category_ids_with_ancestors = True
    switches.sso_code_sent = False
    fields = ("locales", "imetadata", "linkedCategoryIds")
    answer = (await caller.search({"ids": [MANUAL]}, *fields)).json
    assert answer["errorDescription"] is None
    assert answer["somethingNew"]
    assert "ssoCode" not in answer
    details = answer["items"]["details"]
    assert details["locales"][1]["lang"] == "it"
    assert details["imetadata"][0]["lang"] == "en"
    assert ROOT in details["linkedCategoryIds"]


async def test_empty_lists(caller: Caller) -> None:
    """By switch empty lists are left out."""
    caller.thron.switches.empty_lists_sent = False
    assert "items" not in (await caller.search({"ids": ["no"]})).json


async def test_folder_by_pretty_id(caller: Caller) -> None:
    """By switch a folder may be named by its prettyId."""
    caller.thron.switches.search_by_folder_pretty_id = True
    assert ids(await caller.search(linked("products"))) == ALL
