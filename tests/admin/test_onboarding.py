"""The check-list from a new installation to its first copied link."""

import re
import sqlite3
from pathlib import Path

from proxy.admin.onboarding import Onboarding
from proxy.clock import utc_now
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.listed import listed
from tests.running import Running, by_id, running

PAGE = "text/html"
NOTHING = {"client_id": None, "app_id": None, "app_key": None}


def _steps(text: str) -> list[tuple[str, str, bool]]:
    """Return path, name, and whether each is the next, as a page lists them."""
    found = re.findall(
        r'<li class="first-step[^"]*"( aria-current="step")?><a href="([^"]+)">.*?</span>([\w ]+)<',
        text,
    )
    return [(path, name.strip(), bool(is_next)) for is_next, path, name in found]


async def test_a_new_installation(thron: Sandbox, tmp_path: Path) -> None:
    """Every page says what to do first, and where."""
    async with running(thron, tmp_path, **NOTHING) as bare, visitor(bare.gateway) as admin:
        await admin.enter(bare.gateway.demo_url())
        assert _steps((await admin.get("/", Accept=PAGE)).text) == [
            ("/connection", "Connect the tenant", True),
            ("/connectors/new", "Install a connector", False),
            ("/connectors", "See its contents listed", False),
            ("/connectors", "Copy the first link", False),
        ]


async def test_each_step_leads_to_the_next(thron: Sandbox, tmp_path: Path) -> None:
    """With a tenant the connector is next, with that its folder, and then a link."""

    async def next_step(admin: Visitor) -> str:
        steps = _steps((await admin.get("/connection", Accept=PAGE)).text)
        return next(name for _, name, is_next in steps if is_next)

    async with running(thron, tmp_path) as whole, visitor(whole.gateway) as admin:
        await admin.enter(whole.gateway.demo_url())
        assert await next_step(admin) == "Install a connector"
        await whole.apply(by_id(thron))
        assert await next_step(admin) == "See its contents listed"
        await listed(whole, "files")
        assert await next_step(admin) == "Copy the first link"


async def test_it_does_not_come_back(connector: Running, admin: Visitor) -> None:
    """Once it is over it is over for every process, for good, however often that is said."""
    context, watch = connector.gateway.context, connector.gateway.watch
    other = Onboarding(context.database, context.connection, watch)
    assert await other.steps()
    for each in (other, Onboarding(context.database, context.connection, watch)):
        await each.end(at=utc_now())
    assert not await other.steps()
    assert not await Onboarding(context.database, context.connection, watch).steps()
    assert not _steps((await admin.get("/access", Accept=PAGE)).text)


async def test_it_is_for_pages(admin: Visitor, nobody: Visitor) -> None:
    """Pictures, events and the API are not asked about it, and who has not signed in sees none."""
    assert not _steps((await admin.get("/access", Accept="image/*")).text)
    assert not _steps((await nobody.get("/login", Accept=PAGE)).text)


async def test_no_page_is_lost_for_it(admin: Visitor, tmp_path: Path) -> None:
    """Where the database cannot say how far one is, the list is left out."""
    with sqlite3.connect(tmp_path / "connector.db") as database:
        database.execute("DROP TABLE onboarding")
    page = await admin.get("/api", Accept=PAGE)
    assert (page.status, _steps(page.text)) == (200, [])
