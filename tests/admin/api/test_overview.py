"""How the connector is doing, for machines."""

from tests.admin.visitor import Visitor
from tests.running import Running


async def test_overview(connector: Running, nobody: Visitor) -> None:
    """A token that may read is enough to learn how things stand."""
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    await connector.get("/files/nothing")
    page = await nobody.call("GET", "/api/overview", token=made.secret)
    assert page.status == 200
    assert page.json["thron"]["health"] == "good"
    assert page.json["hour"]["requests"] == 1
    assert {each["connector"] for each in page.json["syncs"]} == {"files", "media", "products"}


async def test_requests(connector: Running, admin: Visitor) -> None:
    """The recent requests, newest first, and those alone that are asked for."""
    for path in ("/files/nothing?secret=1", "/media/en/nothing", "/nowhere"):
        await connector.get(path)
    page = await admin.call("GET", "/api/requests")
    assert [each["path"] for each in page.json["items"]] == [
        "/nowhere",
        "/media/en/nothing",
        "/files/nothing",
    ]
    assert "secret" not in page.text
    page = await admin.call("GET", "/api/requests?status=4xx&connector=media&limit=1")
    assert [each["connector"] for each in page.json["items"]] == ["media"]
    page = await admin.call("GET", "/api/requests?status=nonsense&limit=0")
    assert (page.status, len(page.json["problems"])) == (422, 2)
