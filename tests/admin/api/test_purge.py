"""Purges, ordered by machines."""

from proxy.catalogue.purges import PurgeStore
from tests.admin.visitor import Visitor
from tests.catalogue.audited import audited
from tests.running import Running


async def test_ordered(connector: Running, nobody: Visitor) -> None:
    """A token that may change things orders a purge, under its name."""
    made = await connector.gateway.console.tokens.make("ci", can_change=True, actor="test")
    order = {"by": "connector", "value": "media"}
    page = await nobody.call("POST", "/api/purge", order, token=made.secret)
    assert (page.status, page.json) == (202, {"number": 1})
    entry = (await audited(connector.gateway.context.database, newest=1))[0]
    assert (entry.action, entry.actor, entry.subject) == ("purged", "token ci", "media")


async def test_refused(connector: Running, nobody: Visitor, admin: Visitor) -> None:
    """A token that may only read orders nothing, and nobody purges what there is not."""
    made = await connector.gateway.console.tokens.make("ci", can_change=False, actor="test")
    page = await nobody.call("POST", "/api/purge", {"by": "all"}, token=made.secret)
    assert page.status == 403
    page = await admin.call("POST", "/api/purge", {"by": "url", "value": "/nothing/here"})
    assert page.status == 422
    assert page.json["problems"] == [
        {"field": "value", "detail": "No connector has an address like this."}
    ]
    assert not await PurgeStore(connector.gateway.context.database).since(0)
