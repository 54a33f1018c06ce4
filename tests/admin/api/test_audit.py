"""The audit through the API."""

from proxy.catalogue.audit import note
from tests.admin.visitor import Visitor
from tests.running import Running


async def test_pages(connector: Running, admin: Visitor) -> None:
    """Pages follow each other by the number of the last entry, newest first."""
    database = connector.gateway.context.database
    for number in range(5):
        await note(
            database, actor="test", action="purged", subject=str(number), detail={"n": number}
        )
    first = (await admin.call("GET", "/api/audit?limit=3")).json
    assert [each["subject"] for each in first["items"]] == ["4", "3", "2"]
    assert first["items"][0]["detail"] == {"n": 4}
    rest = (await admin.call("GET", f"/api/audit?limit=200&before={first['before']}")).json
    assert [each["subject"] for each in rest["items"]][:2] == ["1", "0"]
    assert rest["before"] is None
