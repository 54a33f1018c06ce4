"""Sessions through the API."""

from tests.admin.visitor import Visitor
from tests.catalogue.audited import audited
from tests.running import Running


async def test_counted_and_ended(connector: Running, admin: Visitor, nobody: Visitor) -> None:
    """A machine counts the sessions, and ends them all where it may change something."""
    made = await connector.gateway.console.tokens.make("m", can_change=True, actor="test")
    counted = await nobody.call("GET", "/api/sessions", token=made.secret)
    assert counted.json == {"count": 1}
    assert (await nobody.call("DELETE", "/api/sessions", token=made.secret)).status == 204
    assert (await admin.get("/audit")).status == 303
    entry = (await audited(connector.gateway.context.database, newest=1))[0]
    assert (entry.actor, entry.action) == ("token m", "signed out everywhere")
