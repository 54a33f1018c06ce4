"""Purges that are ordered, and what the catalogue may still say after one."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.hook_progress import HookProgress
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.purges import Purge, PurgeKind, PurgeOrder, PurgeStore
from proxy.connectors.addresses import Address
from tests.catalogue.audited import audited
from tests.catalogue.entering import NAMES, Catalogue, named

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
ONE, TWO = Address("names", "en", "one"), Address("names", "en", "two")


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        found = Catalogue(database)
        await found.listed(NAMES, named(1, "en:one"), named(2, "en:two"))
        yield found


@pytest.mark.parametrize(
    ("purge", "doubted"),
    [
        pytest.param(Purge(PurgeKind.ALL), [True, True], id="all"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "names"), [True, True], id="connector"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "other"), [False, False], id="another connector"),
        pytest.param(Purge(PurgeKind.CONTENT, "id-1"), [True, False], id="content"),
        pytest.param(Purge(PurgeKind.ADDRESS, TWO.cache_key), [False, True], id="address"),
    ],
)
async def test_doubt(catalogue: Catalogue, purge: Purge, doubted: list[bool]) -> None:
    """What was purged is not served unverified until a listing has shown it again."""
    await PurgeStore(catalogue.database).order(purge, actor="test")
    assert [await _is_doubted(catalogue, each) for each in (ONE, TWO)] == doubted
    await catalogue.listed(NAMES, named(1, "en:one"), named(2, "en:two"))
    assert [await _is_doubted(catalogue, each) for each in (ONE, TWO)] == [False, False]


async def _is_doubted(catalogue: Catalogue, address: Address) -> bool:
    known = KnownContents(catalogue.database, now=catalogue.now)
    (found,) = await known.of(NAMES, address)
    return found.age_s is None


async def test_purges(database_url: str) -> None:
    """Purges are seen in their order by whoever has seen fewer, and audited."""
    async with Database.open(database_url, now=lambda: NOON) as database:
        assert await PurgeStore(database).last() == 0
        orders = [Purge(PurgeKind.CONTENT, "c-1"), Purge(PurgeKind.ALL)]
        numbers = [await PurgeStore(database).order(order, actor="cli") for order in orders]
        ordered = tuple(map(PurgeOrder, numbers, orders))
        assert await PurgeStore(database).since(0) == ordered
        assert await PurgeStore(database).since(numbers[0]) == ordered[1:]
        assert await PurgeStore(database).last() == numbers[1]
        entry = (await audited(database))[1]
        assert (entry.at, entry.actor, entry.action, entry.subject, entry.detail) == (
            NOON,
            "cli",
            "purged",
            "c-1",
            {"kind": "content"},
        )


async def test_old_purges_are_dropped(database_url: str) -> None:
    """A day later a purge is dropped; its number is not given again."""
    now = NOON
    async with Database.open(database_url, now=lambda: now) as database:
        first = await PurgeStore(database).order(Purge(PurgeKind.ALL), actor="cli")
        now = NOON + timedelta(days=1, seconds=1)
        second = await PurgeStore(database).order(Purge(PurgeKind.ALL), actor="cli")
        assert await PurgeStore(database).since(0) == (PurgeOrder(second, Purge(PurgeKind.ALL)),)
        assert second > first


async def test_a_hook_that_waits_keeps_its_purges(database_url: str) -> None:
    """However old: what a cache has not been told yet is dropped once it has."""
    now = NOON
    async with Database.open(database_url, now=lambda: now) as database:
        purges, progress = PurgeStore(database), HookProgress(database)
        await progress.follow(["varnish"])
        first = await purges.order(Purge(PurgeKind.ALL), actor="cli")
        now = NOON + timedelta(days=9)
        second = await purges.order(Purge(PurgeKind.ALL), actor="cli")
        assert [each.number for each in await purges.since(0)] == [first, second]
        await progress.note("varnish", first)
        third = await purges.order(Purge(PurgeKind.ALL), actor="cli")
        assert [each.number for each in await purges.since(0)] == [second, third]
