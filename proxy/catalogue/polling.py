"""Notices changes in the database by asking at an interval."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeStore
from proxy.errors import ConfigurationError, DatabaseFailed

log = structlog.get_logger("proxy.polling")
purge_log = structlog.get_logger("proxy.purges")

# A change is to be seen within two seconds, whoever made it.
INTERVAL_S = 1.0


@asynccontextmanager
async def polling(
    name: str, poll: Callable[[], Awaitable[None]], *, interval_s: float = INTERVAL_S
) -> AsyncIterator[None]:
    """Call at an interval, until the end of the block.

    Args:
        name: Of the task, and of what is not read when the database fails.
        poll: Its failures are logged, an outage once, and it is called again.
        interval_s: Between two calls.
    """
    task = asyncio.create_task(_poll_forever(name, poll, interval_s), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _poll_forever(name: str, poll: Callable[[], Awaitable[None]], interval_s: float) -> None:
    failing: str | None = None
    while True:
        await asyncio.sleep(interval_s)
        try:
            await poll()
        except (DatabaseFailed, ConfigurationError) as exc:
            if failing != str(exc):  # an outage is told once, not every second
                failing = str(exc)
                log.warning("not read", what=name, reason=failing)
        except Exception:
            log.exception("bug in polling", what=name)
        else:
            if failing is not None:
                failing = None
                log.info("read again", what=name)


class PurgePoller:
    """Carries out purges ordered since it was opened; a new process has nothing to purge."""

    def __init__(
        self, database: Database, obey: Callable[[Purge], Awaitable[None]], *, since: int
    ) -> None:
        self._database = database
        self._obey = obey
        self._seen = since

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        obey: Callable[[Purge], Awaitable[None]],
        *,
        interval_s: float = INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Carry out purges until the end of the block.

        Args:
            database: Where they are ordered.
            obey: Called with each, in their order.
            interval_s: How often the database is asked.

        Raises:
            DatabaseFailed: It does not answer even once.
        """
        self = cls(database, obey, since=await PurgeStore(database).last())
        async with polling("purges", self.refresh, interval_s=interval_s):
            yield self

    async def refresh(self) -> None:
        """Carry out the purges ordered since the last time.

        Raises:
            DatabaseFailed: The database does not answer; they are obeyed the next time.
        """
        for number, purge in await PurgeStore(self._database).since(self._seen):
            self._seen = number
            await self._obey(purge)
            purge_log.info("purged", kind=purge.kind, value=purge.value)
