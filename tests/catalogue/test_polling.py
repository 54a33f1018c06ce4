"""Polling goes on, whatever happens to one call; purges are obeyed by every process."""

import asyncio

import pytest
from structlog.testing import capture_logs

from proxy.catalogue.database import Database
from proxy.catalogue.polling import PurgePoller, polling
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.errors import ConfigurationError, DatabaseFailed


class Scripted:
    """Does one thing after another, and says when the last is done."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.is_over = asyncio.Event()

    async def __call__(self) -> None:
        """Do the next thing."""
        if not self._outcomes:
            self.is_over.set()
            return
        outcome = self._outcomes.pop(0)
        if outcome is not None:
            raise outcome


async def _logged(*outcomes: Exception | None) -> list[tuple[str, str]]:
    poll = Scripted(*outcomes)
    with capture_logs() as logs:
        async with polling("things", poll, interval_s=0), asyncio.timeout(5):
            await poll.is_over.wait()
    return [(entry["log_level"], entry["event"]) for entry in logs]


async def test_an_outage_is_told_once() -> None:
    """Failures in a row are one line in the log, and their end another."""
    down = DatabaseFailed("down")
    assert await _logged(None, down, down, down, None, None) == [
        ("warning", "not read"),
        ("info", "read again"),
    ]


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        pytest.param(DatabaseFailed("x"), ("warning", "not read"), id="database"),
        pytest.param(ConfigurationError(["x"]), ("warning", "not read"), id="operator's slip"),
        pytest.param(ValueError("x"), ("error", "bug in polling"), id="bug"),
    ],
)
async def test_it_goes_on(failure: Exception, logged: tuple[str, str]) -> None:
    """After a failure, and after a bug, the next call comes; only a bug is an error."""
    assert logged in await _logged(failure)


async def test_it_ends_with_its_block() -> None:
    """At the end of the block nothing runs any more, even in the middle of a call."""
    begun = asyncio.Event()

    async def stuck() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with polling("things", stuck, interval_s=0):
        await begun.wait()
    assert "things" not in {task.get_name() for task in asyncio.all_tasks()}


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
        PurgePoller.open(ours, obeyed, interval_s=0.01),
        asyncio.timeout(10),
    ):
        await PurgeStore(theirs).order(Purge(PurgeKind.CONTENT, "c-1"), actor="cli")
        await obeyed.once.wait()
    assert obeyed.purges == [Purge(PurgeKind.CONTENT, "c-1")]


async def test_each_order_once(sqlite_url: str) -> None:
    """Several orders are obeyed in their order, and none of them twice."""
    obeyed = Obeyed()
    orders = [Purge(PurgeKind.CONNECTOR, "files"), ALL, ALL]
    async with (
        Database.open(sqlite_url) as database,
        PurgePoller.open(database, obeyed, interval_s=NEVER_S) as watch,
    ):
        for order in orders:
            await PurgeStore(database).order(order, actor="cli")
        await watch.refresh()
        await watch.refresh()
    assert obeyed.purges == orders


async def test_earlier_orders_are_ignored(sqlite_url: str) -> None:
    """A process that starts later knows nothing yet, so it obeys no order from before."""
    obeyed = Obeyed()
    async with Database.open(sqlite_url) as database:
        await PurgeStore(database).order(ALL, actor="cli")
        async with PurgePoller.open(database, obeyed, interval_s=NEVER_S) as watch:
            await watch.refresh()
            assert obeyed.purges == []
            await PurgeStore(database).order(ALL, actor="cli")
            await watch.refresh()
            assert obeyed.purges == [ALL]
