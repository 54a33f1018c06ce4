"""The control endpoints, by which tests and people outside change the sandbox."""

import base64

import pytest

from tests.sandbox.conftest import Caller
from tests.sandbox.small import MANUAL, MANUALS, PHOTO

VALIDATE = "/api/xsso/resources/accessmanager/validateToken/sandbox"


async def test_state(caller: Caller) -> None:
    """The state names what a connector needs to be set up, and counts."""
    state = (await caller.plain("/sandbox/state")).json
    thron = caller.thron
    assert state["client_id"] == thron.client_id
    assert state["cdn_url"] == thron.cdn_url
    assert (state["logins"], state["living_tokens"]) == (1, 1)
    assert state["switches"]["redirect_status"] == 307


async def test_expire_tokens(caller: Caller) -> None:
    """All tokens end at once."""
    assert (await caller.control("tokens/expire")).json == {"expired": 1}
    assert (await caller.get(VALIDATE)).status == 403


async def test_api_down(caller: Caller) -> None:
    """The API goes down and up."""
    await caller.control("api/down")
    assert caller.thron.api_down
    assert (await caller.plain("/sandbox/state")).json["api_down"]
    await caller.control("api/up")
    assert (await caller.get(VALIDATE)).status == 200


async def test_version(caller: Caller) -> None:
    """A new version is published, with data or without."""
    data = base64.b64encode(b"new bytes").decode()
    answer = await caller.control(f"contents/{MANUAL}/version", {"data": data})
    assert answer.json["number"] == 2
    assert caller.thron.tenant.bytes_of(MANUAL) == b"new bytes"
    await caller.control(f"contents/{MANUAL}/version")
    assert caller.thron.tenant.bytes_of(MANUAL).startswith(b"version 3 of")
    assert (await caller.control("contents/owner-manual/version")).json["number"] == 4


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("contents/no/version", {}, 404),
        (f"contents/{MANUAL}/version", {"data": "***"}, 400),
        (f"contents/{MANUAL}/version", {"date": ""}, 400),
        (f"contents/{MANUAL}/version", [], 400),
        ("switches", {"no_such_switch": 1}, 400),
        ("faults", {"kind": "earthquake"}, 400),
        ("faults", {"kind": "status", "how": 1}, 400),
    ],
)
async def test_bad_orders(caller: Caller, path: str, body: object, status: int) -> None:
    """An order that cannot be carried out is refused."""
    assert (await caller.control(path, body)).status == status


async def test_links(caller: Caller) -> None:
    """Contents are unlinked, linked, trashed and removed."""
    answer = await caller.control(f"contents/{MANUAL}/unlink", {"folder_id": MANUALS})
    assert MANUALS not in answer.json["folder_ids"]
    answer = await caller.control(f"contents/{MANUAL}/link", {"folder_id": MANUALS})
    assert MANUALS in answer.json["folder_ids"]
    assert (await caller.control(f"contents/{MANUAL}/unlink")).json["folder_ids"] == []
    answer = await caller.control(f"contents/{MANUAL}/trash")
    assert answer.json["folder_ids"] == ["_TRASH_"]
    await caller.control(f"contents/{MANUAL}/remove")
    assert caller.thron.tenant.content(MANUAL) is None


async def test_publication(caller: Caller) -> None:
    """A content is taken off its channels and put back."""
    answer = await caller.control(f"contents/{MANUAL}/unpublish")
    assert (answer.json["status"], answer.json["channels"]) == ("READY", [])
    answer = await caller.control(f"contents/{MANUAL}/unpublish", {"status": "ERROR"})
    assert answer.json["status"] == "ERROR"
    answer = await caller.control(f"contents/{MANUAL}/publish")
    assert (answer.json["status"], answer.json["channels"]) == ("PUBLISHED", ["WEB"])


async def test_change(caller: Caller) -> None:
    """PrettyIds and metadata change; a prettyId that is taken is refused."""
    path = f"contents/{MANUAL}/change"
    answer = await caller.control(path, {"pretty_ids": [["EN", "new-name"]]})
    assert answer.json["pretty_ids"] == [["EN", "new-name"]]
    assert caller.thron.tenant.of_key("owner-manual") is None
    answer = await caller.control(path, {"pretty_ids": [["EN", "photo"]]})
    assert (answer.status, answer.body) == (409, b"PRETTYID_ALREADY_EXISTS")
    answer = await caller.control(path, {"imetadata": [["c", "sku", None, "X"]]})
    assert answer.json["imetadata"] == [["c", "sku", None, "X"]]
    found = await caller.search({"imetadata": {"haveAll": [{"key": "sku", "value": "X"}]}})
    assert [item["id"] for item in found.json["items"]] == [MANUAL]


async def test_app(caller: Caller) -> None:
    """The application's right, its state and its share key can be changed."""
    answer = await caller.control("app", {"may_share": False, "active": False})
    assert answer.json["may_share"] is False
    old = caller.thron.pkey
    assert (await caller.control("pkey/new")).json["pkey"] == caller.thron.pkey != old


async def test_switches(caller: Caller) -> None:
    """Switches are set by name."""
    body = {"redirect_status": 302, "source_token_in": ["POST form"]}
    await caller.control("switches", body)
    assert caller.thron.switches.redirect_status == 302
    assert caller.thron.switches.source_token_in == ("POST form",)


async def test_faults(caller: Caller) -> None:
    """Faults are added and taken back."""
    body = {"kind": "status", "where": "delivery", "status": 500, "times": None}
    assert len((await caller.control("faults", body)).json) == 1
    url = caller.delivery("image", PHOTO, "std", "0x0", "x")
    assert (await caller.plain(url)).status == 500
    assert (await caller.ask("DELETE", "/sandbox/faults")).json == []
    assert (await caller.plain(url)).status == 307


async def test_log(caller: Caller) -> None:
    """The requests received can be read and forgotten; orders are not among them."""
    entries = (await caller.plain("/sandbox/log")).json
    assert [entry["target"] for entry in entries] == ["/api/xadmin/resources/apps/loginApp/sandbox"]
    await caller.ask("DELETE", "/sandbox/log")
    assert len(caller.thron.log) == 0


async def test_contents(caller: Caller) -> None:
    """The contents are shown, a hundred at a time."""
    assert len((await caller.plain("/sandbox/contents")).json) == 9
    assert len((await caller.plain("/sandbox/contents?offset=8")).json) == 1
