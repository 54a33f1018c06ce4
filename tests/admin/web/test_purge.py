"""The purge page: asked first, then ordered; what was remembered is looked up anew."""

from proxy.catalogue.purges import PurgeStore
from tests.admin.visitor import Visitor
from tests.catalogue.audited import audited
from tests.running import Running
from tests.waiting import until

FILM = "strada-sl-film"


async def _remember(connector: Running) -> str:
    path = f"/files/{connector.thron.tenant.find(FILM).id}"
    await connector.get(path)
    assert connector.tenant.resolver.remembered == 1
    return path


async def _is_forgotten(connector: Running) -> None:
    async def is_forgotten() -> bool:
        return connector.tenant.resolver.remembered == 0

    await until(is_forgotten)


async def test_of_an_address(connector: Running, admin: Visitor) -> None:
    """An address is forgotten once that is confirmed, and not before; the audit says who did it."""
    path = await _remember(connector)
    await admin.get("/purge")
    asked = await admin.send("/purge", by="url", value=connector.gateway.public_url + path)
    assert "Purge this address?" in asked.words
    assert path in asked.words
    assert not await PurgeStore(connector.gateway.context.database).since(0)
    done = await admin.send("/purge", by="url", value=path, is_confirmed="on")
    assert (done.status, done.fields["Location"]) == (303, "/purge?done")
    assert "within 2 seconds" in (await admin.get("/purge?done")).words
    await _is_forgotten(connector)
    entry = (await audited(connector.gateway.context.database, newest=1))[0]
    assert (entry.action, entry.actor, entry.detail) == ("purged", "admin", {"kind": "address"})


async def test_of_more(connector: Running, admin: Visitor) -> None:
    """A content, a connector and everything can be forgotten, too."""
    content_id = connector.thron.tenant.find(FILM).id
    for order in (
        {"by": "content", "value": content_id},
        {"by": "connector", "value": "files"},
        {"by": "all"},
    ):
        await _remember(connector)
        assert (await admin.send("/purge", **order)).status == 200
        assert (await admin.send("/purge", **order, is_confirmed="on")).status == 303
        await _is_forgotten(connector)


async def test_nothing_of_that_name(connector: Running, admin: Visitor) -> None:
    """What names nothing comes back with the reason, and with what was typed."""
    for by, value, reason in (
        ("url", "/nothing/here", "No connector has an address like this."),
        ("content", "a b", "This is not a content ID."),
        ("connector", "gone", "There is no connector with this name."),
        ("no-such-way", "x", ""),
    ):
        page = await admin.send("/purge", by=by, value=value, is_confirmed="on")
        assert page.status == 422
        assert reason in page.words
    assert not await PurgeStore(connector.gateway.context.database).since(0)
    page = await admin.send("/purge", by="url", value='"><script>alert(1)</script>')
    assert 'value="&#34;&gt;&lt;script' in page.text


async def test_filled_in(admin: Visitor) -> None:
    """A link can lead here with what is to be forgotten."""
    page = await admin.get("/purge?by=url&value=/media/en/film")
    assert 'value="/media/en/film"' in page.text
    assert (await admin.get("/purge?by=no&value=x")).status == 200
