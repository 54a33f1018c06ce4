"""Purges are obeyed by every process that runs when they are ordered."""

import asyncio

from proxy.catalogue.database import Database
from proxy.catalogue.purge_polling import PurgeWatch
from proxy.catalogue.purges import Purge, PurgeKind

NEVER_S = 3600.0
ALL = Purge(PurgeKind.ALL)


class Obeyed:
    """Remembers what it was ordered."""

    def __init__(self) -> None:
        self.purges: list[Purge] = []
        self.once = asyncio.Event()

    async def __call__(self, purge: Purge) -> None:
        """Remember an order."""
        self.purges.append(purge)
        self.once.set()


async def test_another_process_s_order_is_obeyed(sqlite_url: str) -> None:
    """An order through another connection to the database is seen without being asked for."""
    obeyed = Obeyed()
    async with (
        Database.open(sqlite_url) as ours,
        Database.open(sqlite_url) as theirs,
        PurgeWatch.open(ours, obeyed, interval_s=0.01),
        asyncio.timeout(10),
    ):
        await theirs.purge(Purge(PurgeKind.CONTENT, "c-1"), actor="cli")
        await obeyed.once.wait()
    assert obeyed.purges == [Purge(PurgeKind.CONTENT, "c-1")]


async def test_each_order_once(sqlite_url: str) -> None:
    """Several orders are obeyed in their order, and none of them twice."""
    obeyed = Obeyed()
    orders = [Purge(PurgeKind.CONNECTOR, "files"), ALL, ALL]
    async with (
        Database.open(sqlite_url) as database,
        PurgeWatch.open(database, obeyed, interval_s=NEVER_S) as watch,
    ):
        for order in orders:
            await database.purge(order, actor="cli")
        await watch.refresh()
        await watch.refresh()
    assert obeyed.purges == orders


async def test_earlier_orders_are_ignored(sqlite_url: str) -> None:
    """A process that starts later knows nothing yet, so it obeys no order from before."""
    obeyed = Obeyed()
    async with Database.open(sqlite_url) as database:
        await database.purge(ALL, actor="cli")
        async with PurgeWatch.open(database, obeyed, interval_s=NEVER_S) as watch:
            await watch.refresh()
            assert obeyed.purges == []
            await database.purge(ALL, actor="cli")
            await watch.refresh()
            assert obeyed.purges == [ALL]
