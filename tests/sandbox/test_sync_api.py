"""sync/export and sync/updatedContent, as docs/thron.md 4.3 has them."""

from typing import Any

import pytest

from proxy.sandbox.server import Sandbox
from tests.sandbox.conftest import Answer, Caller, Clock
from tests.sandbox.small import ARCHIVE, FILM, FOREIGN, MANUAL, MANUALS, PHOTO, ROOT

X = "/api/xcontents/resources/sync"


@pytest.fixture
def allowed(thron: Sandbox) -> None:
    thron.switches.sync_allowed = True


async def export(caller: Caller, folder: str = ROOT, **more: Any) -> Answer:
    criteria = {"linkedCategoryOp": {"linkedCategoryIds": [folder], "cascade": True}}
    return await caller.post(f"{X}/export/sandbox", {"criteria": criteria, **more})


async def updated(caller: Caller, since: str, **more: Any) -> Answer:
    criteria = {
        "linkedCategoryOp": {"linkedCategoryIds": [ROOT], "cascade": True},
        "fromDate": since,
        **more,
    }
    return await caller.post(f"{X}/updatedContent/sandbox", {"criteria": criteria})


def ids(answer: Answer) -> list[str]:
    return [item["content"]["id"] for item in answer.json["items"]]


async def test_without_the_role(caller: Caller) -> None:
    """Without CORE_SYNC_CONTENTS it is refused as any lacking right."""
    assert (await export(caller)).status == 403
    caller.thron.switches.denied_as = "418 envelope"
    assert (await export(caller)).json["resultCode"] == "ACCESS_DENIED"


@pytest.mark.usefixtures("allowed")
async def test_export(caller: Caller) -> None:
    """An export holds complete records, with what the options add."""
    answer = await export(caller, MANUALS)
    assert set(ids(answer)) == {MANUAL, FILM}
    item = answer.json["items"][0]
    assert item["content"]["metadatas"][0] == {"name": "sku", "value": "AB-12"}
    assert "imetadata" not in item["content"]
    assert "versionInfo" not in item
    options = {
        "returnImetadata": True,
        "returnLinkedCategories": True,
        "returnVersionInfo": True,
    }
    item = (await export(caller, ARCHIVE, options=options)).json["items"][0]
    assert item["content"]["imetadata"][0]["key"] == "sku"
    assert item["versionInfo"]["id"] == caller.thron.tenant.find(MANUAL).version.id
    assert {one["id"] for one in item["linkedCategories"]} == {MANUALS, ARCHIVE}


@pytest.mark.usefixtures("allowed")
async def test_export_pages(caller: Caller) -> None:
    """NextPage leads on until there is none."""
    first = await export(caller, pageSize=6)
    second = await export(caller, pageSize=6, nextPage=first.json["nextPage"])
    assert (len(ids(first)), len(ids(second))) == (6, 2)
    assert "nextPage" not in second.json
    assert (await export(caller, nextPage="made-up")).status == 400


@pytest.mark.usefixtures("allowed")
async def test_export_ignores_rights(caller: Caller) -> None:
    """The role sees folders that the application does not; prettyIds name folders too."""
    answer = await caller.post(f"{X}/export/sandbox", {})
    assert FOREIGN in ids(answer)
    assert MANUAL in ids(await export(caller, "products"))


@pytest.mark.usefixtures("allowed")
async def test_updated_content(caller: Caller, clock: Clock) -> None:
    """What changed in the window is told; what was removed, as removed."""
    thron = caller.thron
    thron.publish_new_version(MANUAL)
    clock.pass_by(600)
    thron.tenant.remove(PHOTO, now=clock())
    clock.pass_by(600)
    answer = await updated(caller, "2025-06-15")
    told = {item["content"]["id"]: item.get("removed") for item in answer.json["items"]}
    assert told == {MANUAL: None, PHOTO: True}
    assert ids(await updated(caller, "2025-06-15T15:10:00.000Z")) == [PHOTO]
    assert ids(await updated(caller, "2025-06-15", toDate="2025-06-15T15:10:00Z")) == [MANUAL]


@pytest.mark.usefixtures("allowed")
async def test_unlink(caller: Caller, clock: Clock) -> None:
    """An unlink is not told, unless switched."""
    caller.thron.unlink(PHOTO)
    clock.pass_by(60)
    assert ids(await updated(caller, "2025-06-15")) == []
    caller.thron.switches.sync_reports_unlinks = True
    answer = await updated(caller, "2025-06-15")
    assert (ids(answer), answer.json["items"][0]["removed"]) == ([PHOTO], True)


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    ("since", "more"),
    [
        pytest.param("2025-03-01", {}, id="more than two months back"),
        pytest.param("2025-06-15", {"toDate": "2025-06-14"}, id="ends before it begins"),
        pytest.param("yesterday", {}, id="no date"),
    ],
)
async def test_windows(caller: Caller, since: str, more: dict[str, Any]) -> None:
    """Windows that make no sense or reach too far are refused."""
    assert (await updated(caller, since, **more)).status == 400
