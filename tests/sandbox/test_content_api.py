"""Single contents and findByProperties, as docs/thron.md 3.3, 3.4, 4.4 and 4.5 have them."""

from typing import Any

import pytest

from tests.sandbox.conftest import Answer, Caller
from tests.sandbox.small import ARCHIVE, FOREIGN, MANUAL, MANUALS, PHOTO, ROOT

FIND = "/api/xcontents/resources/content/findByProperties"
DETAIL = "/api/xcontents/resources/content/detail?clientId=sandbox"
WALL = "/api/xcontents/resources/delivery/getContentDetail?clientId=sandbox"
ADMIN = "/api/xadmin/resources/content"


async def find(caller: Caller, criteria: dict[str, Any], **more: Any) -> Answer:
    body = {"client": {"clientId": "sandbox"}, "criteria": criteria, **more}
    return await caller.post(FIND, body)


def ids(answer: Answer) -> set[str]:
    return {one["content"]["id"] for one in answer.json["contents"]}


def sku(value: str) -> dict[str, Any]:
    return {"name": "sku", "value": value}


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        pytest.param({"contentIds": [MANUAL]}, {MANUAL}, id="by id"),
        pytest.param({"contentIds": ["owner-manual"]}, {MANUAL}, id="by prettyId"),
        pytest.param({"contentIds": ["photo", MANUAL]}, {MANUAL, PHOTO}, id="by either"),
        pytest.param({"contentIds": ["Photo"]}, set(), id="prettyIds have their case"),
        pytest.param({"contentIds": [FOREIGN]}, set(), id="invisible"),
        pytest.param({"metadatas": [sku(r"^\QAB-12\E$")]}, {MANUAL}, id="quoted"),
        pytest.param({"metadatas": [sku(r"^ab-1\d$")]}, {MANUAL}, id="expression, any case"),
        pytest.param({"metadatas": [{"name": "SKU", "value": "."}]}, set(), id="case of names"),
        pytest.param({"metadatas": [sku("no"), sku("AB")]}, {MANUAL}, id="or"),
        pytest.param(
            {"metadatas": [{"name": "#AND_OPERATOR#"}, sku("no"), sku("AB")]}, set(), id="and"
        ),
        pytest.param(
            {"imetadataKeyOp": {"imetadata": [{"key": "sku", "value": "ab-12"}]}},
            {PHOTO},
            id="KEY metadata",
        ),
        pytest.param(
            {"linkedCategoryOp": {"linkedCategoryIds": [MANUALS]}, "contentType": ["OTHER"]},
            {MANUAL},
            id="folder and type",
        ),
        pytest.param(
            {
                "contentIds": [MANUAL, PHOTO],
                "linkedCategoryOp": {"linkedCategoryIds": [f"!_{MANUALS}"]},
            },
            {PHOTO},
            id="not in a folder",
        ),
    ],
)
async def test_find_by_properties(
    caller: Caller, criteria: dict[str, Any], found: set[str]
) -> None:
    """Contents are found by id, prettyId, legacy metadata, folder and type."""
    assert ids(await find(caller, criteria)) == found


async def test_found_record(caller: Caller) -> None:
    """A found content is the complete record, legacy metadata included."""
    option = {"returnImetadata": True, "returnSource": True, "returnLinkedCategories": True}
    answer = await find(caller, {"contentIds": [MANUAL]}, contentFieldOption=option)
    one = answer.json["contents"][0]
    assert {"name": "sku", "value": "AB-12"} in one["content"]["metadatas"]
    assert {"name": "_SOURCE_MIMETYPE_", "value": "application/pdf"} in one["content"]["metadatas"]
    assert one["content"]["externalIds"] == [{"key": "erp", "value": "4711"}]
    assert one["content"]["weebo"]["totalVersions"] == 1
    assert one["source"] == {"fileName": "Owner manual v3.pdf", "extension": "pdf"}
    assert {folder["id"] for folder in one["linkedCategories"]} == {MANUALS, ARCHIVE}


async def test_find_pages(caller: Caller) -> None:
    """Paging is by offset, fifty at most, with a total if asked for."""
    answer = await find(
        caller,
        {},
        offset=2,
        numberOfresults=3,
        orderBy="contentName_A",
        contentFieldOption={"returnTotalResults": True},
    )
    names = [one["content"]["locales"][0]["name"] for one in answer.json["contents"]]
    assert (names, answer.json["totalResults"]) == (["Link", "Owner manual", "Page"], 8)


async def test_find_by_bad_expression(caller: Caller) -> None:
    """What is no regular expression is refused."""
    assert (await find(caller, {"metadatas": [sku("(")]})).status == 400


async def test_another_client(caller: Caller) -> None:
    """A token counts for its own tenant only."""
    answer = await caller.post(FIND, {"client": {"clientId": "other"}})
    assert answer.status == 403


async def test_detail(caller: Caller) -> None:
    """content/detail gives the record, what else is asked for, and languages as lang."""
    url = f"{DETAIL}&contentId={MANUAL}&returnLinkedCategories=true&returnThumbUrl=true"
    answer = await caller.get(url)
    assert answer.json["content"]["id"] == MANUAL
    assert answer.json["content"]["locales"][0]["lang"] == "EN"
    assert "imetadata" not in answer.json["content"]
    assert answer.json["thumbUrls"][0].startswith("//")
    assert {one["id"] for one in answer.json["linkedCategories"]} == {MANUALS, ARCHIVE}


async def test_detail_refused(caller: Caller) -> None:
    """Unknown is said by envelope or text; invisible is a lacking right."""
    answer = await caller.get(f"{DETAIL}&contentId=no")
    assert (answer.status, answer.json["resultCode"]) == (418, "CONTENT_NOT_EXISTS")
    caller.thron.switches.not_found_as = "404 text"
    answer = await caller.get(f"{DETAIL}&contentId=no")
    assert (answer.status, answer.media_type) == (404, "text/plain")
    assert (await caller.get(f"{DETAIL}&contentId={FOREIGN}")).status == 403
    assert (await caller.get(DETAIL)).status == 400


@pytest.mark.parametrize(
    ("form", "status"), [("403 envelope", 403), ("418 envelope", 418), ("200 envelope", 200)]
)
async def test_denied(caller: Caller, form: str, status: int) -> None:
    """How a lacking right is refused is a switch."""
    caller.thron.switches.denied_as = form  # type: ignore[assignment]  # the table's strings
    answer = await caller.get(f"{DETAIL}&contentId={FOREIGN}")
    assert (answer.status, answer.json["resultCode"]) == (status, "ACCESS_DENIED")


async def test_wall(caller: Caller) -> None:
    """GetContentDetail takes a pkey, or a token in its slot; a wrong one finds nothing."""
    url = f"{WALL}&xcontentId=owner-manual"
    for key in (caller.thron.pkey, caller.token):
        answer = await caller.plain(f"{url}&pkey={key}")
        assert answer.json["content"]["deliveryInfo"][0]["channelType"] == "WEB"
    answer = await caller.plain(f"{url}&pkey=wrong")
    assert (answer.status, answer.json["resultCode"]) == (418, "CONTENT_NOT_FOUND")
    assert (await caller.plain(url)).status == 403


async def test_show_contents(caller: Caller) -> None:
    """ShowContents lists a folder, named by id or prettyId."""
    url = "/api/xcontents/resources/contentlist/showContents?clientId=sandbox&categoryId="
    more = "&searchOnSubCategories=true&contentType=OTHER,IMAGE&returnTotalResults=true"
    answer = await caller.get(f"{url}products{more}")
    assert answer.json["totalResults"] == 3
    assert (await caller.get(f"{url}no")).json["resultCode"] == "CATEGORY_NOT_EXISTS"
    assert len((await caller.get(f"{url}{ROOT}&contentType=IMAGE")).json["contents"]) == 1


async def test_detail_source(caller: Caller) -> None:
    """DetailSource tells version, name, type and size of the present file."""
    url = f"{ADMIN}/detailSource/sandbox/{MANUAL}"
    item = (await caller.get(url)).json["item"]
    assert item["ref"]["name"] == "Owner manual v3.pdf"
    assert item["ref"]["mimetype"] == "application/pdf"
    assert item["ref"]["size"] == len(caller.thron.tenant.bytes_of(MANUAL))
    caller.thron.publish_new_version(MANUAL, b"12345", file_name="v4.pdf")
    newer = (await caller.get(url)).json["item"]
    assert (newer["ref"]["name"], newer["ref"]["size"]) == ("v4.pdf", 5)
    assert newer["id"] != item["id"]


async def test_new_version_in_the_record(caller: Caller) -> None:
    """A new version raises version, totalVersions and, unless switched, lastUpdate."""
    before = (await caller.get(f"{DETAIL}&contentId={MANUAL}")).json["content"]
    caller.thron.publish_new_version(MANUAL)
    after = (await caller.get(f"{DETAIL}&contentId={MANUAL}")).json["content"]
    assert after["version"] == before["version"] + 1
    assert after["weebo"]["totalVersions"] == 2
    assert after["lastUpdate"] > before["lastUpdate"]
    caller.thron.switches.replacement_raises_last_update = False
    caller.thron.publish_new_version(MANUAL)
    last = (await caller.get(f"{DETAIL}&contentId={MANUAL}")).json["content"]
    assert last["lastUpdate"] == after["lastUpdate"]


async def test_list_versions(caller: Caller) -> None:
    """ListVersions needs MODIFY, which the application does not have."""
    answer = await caller.post(f"{ADMIN}/listVersions/sandbox/{MANUAL}", {})
    assert answer.status == 403


async def test_detail_lag(caller: Caller) -> None:
    """Cached services may tell what was."""
    caller.thron.switches.detail_lag_s = 20
    caller.thron.unpublish(MANUAL)
    answer = await caller.get(f"{DETAIL}&contentId={MANUAL}")
    assert answer.json["content"]["weebo"]["status"] == "PUBLISHED"
