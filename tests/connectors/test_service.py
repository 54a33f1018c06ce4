"""What applying connectors would do, before it is done, and what is done then."""

import pytest

from proxy.catalogue.database import Database
from proxy.connectors.changes import MARK, Reason, breaks
from proxy.connectors.model import Connector
from proxy.connectors.service import ConnectorService, Plan
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError, ThronUnreachable
from proxy.sandbox.server import Sandbox
from proxy.settings import Settings
from proxy.thron.content import ContentType
from tests.catalogue.entering import NAMES, Catalogue, named
from tests.listed import listed
from tests.running import Running, by_id, by_name, by_sku

IMAGES = frozenset({ContentType.IMAGE})


def service(running: Running, *, can_force_https: bool = False) -> ConnectorService:
    settings = running.gateway.context.settings
    if can_force_https:
        settings = settings.model_copy(update={"trusted_proxies": ("127.0.0.1/32",)})
    return ConnectorService(
        ConnectorStore(running.gateway.context.database),
        settings,
        previewer=lambda: running.tenant.previewer,
        watch=running.gateway.watch,
    )


async def planned(running: Running, *wanted: Connector) -> Plan:
    """Plan as the command does, which looks up everything again."""
    return await service(running).plan(wanted, anew=True)


def public(plan: Plan) -> dict[str, int]:
    """Return how many contents become public, by slug, where there could be more than now."""
    return {
        each.new.slug: each.public
        for each in plan.impacts
        if each.new is not None and each.public is not None
    }


async def test_nothing(connector: Running, thron: Sandbox) -> None:
    """Connectors as they are already are no change, though their folders are unresolved here."""
    found = await planned(connector, by_id(thron), by_name(thron), by_sku(thron))
    assert found.is_nothing
    assert public(found) == {}
    assert all(each.is_harmless for each in found.impacts)


async def test_new_and_changed(connector: Running, thron: Sandbox) -> None:
    """New connectors, and those that reach further, count what they make public."""
    found = await planned(
        connector,
        by_id(thron),
        by_name(thron, content_types=IMAGES),
        by_id(thron, "more", content_types=IMAGES),
    )
    assert not found.is_nothing
    assert (found.changes.created, found.changes.changed) == (("more",), ("media",))
    assert found.changes.unchanged == ("files",)
    files, media, more = found.impacts
    assert files.statistics is None
    assert 0 < media.contents <= more.contents
    assert public(found) == {"more": more.contents}
    assert [each.slug for each in found.connectors] == ["files", "media", "more"]
    assert all(each.folder_id for each in found.connectors)


async def test_breaks(connector: Running, thron: Sandbox) -> None:
    """What would break is told of the connectors that it would break of."""
    found = await planned(
        connector, by_id(thron, subfolders=False), by_name(thron, max_age_s=5), by_id(thron, "new")
    )
    assert [breaks(each.old, each.new) for each in found.impacts if each.new is not None] == [
        ("URLs of contents in folders below would stop working.",),
        (),
        (),
    ]


async def test_disabled_connectors_publish_nothing(connector: Running, thron: Sandbox) -> None:
    """A connector that is to be disabled is a change, and makes nothing public."""
    found = await planned(connector, by_id(thron, enabled=False))
    assert (found.is_nothing, public(found)) == (False, {})
    [impact] = found.impacts
    assert impact.new is not None
    assert "disabled" in breaks(impact.old, impact.new)[0]


async def test_every_problem_at_once(connector: Running, thron: Sandbox) -> None:
    """Problems of all connectors, of every kind, are told together."""
    with pytest.raises(ConfigurationError) as raised:
        await planned(
            connector,
            by_id(thron, "a", host="one.example.com", force_https=True),
            by_id(thron, "b", host="one.example.com").model_copy(update={"folder": "nowhere"}),
            by_sku(thron, "c").model_copy(update={"metadata": "skuu", "folder": "nowhere"}),
            by_sku(thron, "d", max_age_s=1),
        )
    told = " ".join(raised.value.problems)
    assert "host one.example.com: a and b want it" in told
    assert "connector a: force_https needs HTTPS" in told
    assert told.count("knows no folder 'nowhere'") == 2
    assert len(raised.value.problems) == 4


async def test_forced_https_that_can_be_known(connector: Running, thron: Sandbox) -> None:
    """With native TLS or trusted proxies force_https is no problem."""
    wanted = by_id(thron, force_https=True)
    found = await service(connector, can_force_https=True).plan([wanted])
    assert found.changes.changed == ("files",)


async def test_nothing_is_changed(connector: Running, thron: Sandbox) -> None:
    """A plan is only a plan."""
    before = connector.gateway.watch.connectors
    await planned(connector, by_name(thron, "new"))
    await connector.gateway.watch.refresh()
    assert connector.gateway.watch.connectors is before


async def test_what_was_applied_is_served(connector: Running, thron: Sandbox) -> None:
    """As soon as it is applied, or removed."""
    by = service(connector)
    await by.apply(await by.plan([by_id(thron, max_age_s=7)]), actor="test")
    served = connector.gateway.watch.connectors.of_slug("files")
    assert served is not None
    assert served.max_age_s == 7
    assert await by.remove("files", actor="test")
    assert connector.gateway.watch.connectors.of_slug("files") is None
    assert not await by.remove("files", actor="test")


async def test_thron_is_asked_only_for_what_it_knows(connector: Running, thron: Sandbox) -> None:
    """Without THRON what is no matter of its can be changed, and nothing can become public."""
    by = service(connector)
    thron.api_down = True
    narrower = by_id(thron, max_age_s=7, content_types=IMAGES)
    assert (await by.plan([narrower])).changes.changed == ("files",)
    for wanted in (by_id(thron, only_published=False), by_id(thron, "new")):
        with pytest.raises(ThronUnreachable):
            await by.plan([wanted])
    with pytest.raises(ThronUnreachable):
        await by.plan([narrower], anew=True)


async def test_what_was_agreed_to_is_what_is_done(connector: Running, thron: Sandbox) -> None:
    """A plan is refused once somebody else has changed the connector; others do not matter."""
    by = service(connector)
    mine = await by.plan([by_id(thron, max_age_s=7)])
    await by.apply(await by.plan([by_name(thron, max_age_s=8)]), actor="test")
    await by.apply(mine, actor="test")
    stale = await by.plan([by_id(thron, max_age_s=9)])
    await by.apply(await by.plan([by_id(thron, content_types=IMAGES)]), actor="test")
    with pytest.raises(ConfigurationError, match="connector files: somebody else changed it"):
        await by.apply(stale, actor="test")


async def test_removal_breaks_all(connector: Running) -> None:
    """The URLs that work now, by the catalogue, are told; nothing has to be asked of THRON."""
    files = connector.gateway.watch.connectors.of_slug("files")
    assert files is not None
    await listed(connector, "files")
    found = await service(connector).plan_removal(files)
    assert found.broken.total > 0
    assert [each.reason for each in found.broken.by_reason] == [Reason.REMOVED]


async def test_a_list_is_planned_once_for_all_its_pages(connector: Running) -> None:
    """Its next page has what was found for the first; what is applied is planned anew."""
    await listed(connector, "files")
    files = connector.gateway.watch.connectors.of_slug("files")
    assert files is not None
    by, narrower = service(connector), files.model_copy(update={"content_types": IMAGES})
    first = await by.plan_once(files, narrower, at_most_s=60)
    removal = await by.plan_once(files, None, at_most_s=60)
    assert first.broken.total < removal.broken.total
    assert await by.plan_once(files, narrower, at_most_s=60) is first
    assert (await by.plan([narrower])).impacts[0] is not first
    # A third makes the first give way: of a large folder each holds megabytes.
    await by.plan_once(files, files.model_copy(update={"enabled": False}), at_most_s=60)
    assert await by.plan_once(files, None, at_most_s=60) is removal
    assert await by.plan_once(files, narrower, at_most_s=60) is not first


async def test_a_page_deep_in_a_long_list(database_url: str) -> None:
    """Whatever the page, it has the URLs of its place, and the last one ends the list."""
    async with Database.open(database_url) as database:
        run = await Catalogue(database).begin(NAMES)
        contents = [named(number, f"en:name-{number}") for number in range(2 * MARK + 50)]
        await Catalogue(database).writer.enter(run, NAMES, contents)
        by = ConnectorService(
            ConnectorStore(database), Settings(public_url="https://dl.example.com")
        )
        found = await by.plan_removal(NAMES)
        assert (found.broken.total, len(found.broken.marks)) == (len(contents), 2)
        whole = [each.url async for each in by.each_broken_url(found)]
        for first in (0, 25, MARK - 1, MARK, MARK + 1, 2 * MARK, 2 * MARK + 40, 3 * MARK):
            page = await by.broken_page(found, first=first, limit=25)
            assert [each.url for each in page] == whole[first : first + 25]
