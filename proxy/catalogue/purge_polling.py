"""Purges as they are ordered, by whichever process: the database is polled, and they are obeyed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.catalogue.purges import Purge

log = structlog.get_logger("proxy.purges")


class PurgeWatch:
    """Obeys the purges ordered since it was opened; earlier ones concern nobody who starts now."""

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
        """Obey purges until the end of the block.

        Args:
            database: Where they are ordered.
            obey: Called with each, in their order.
            interval_s: How often the database is asked.

        Raises:
            DatabaseFailed: It does not answer even once.
        """
        self = cls(database, obey, since=await database.last_purge())
        async with polling("purges", self.refresh, interval_s=interval_s):
            yield self

    async def refresh(self) -> None:
        """Obey the purges ordered since the last time.

        Raises:
            DatabaseFailed: The database does not answer; they are obeyed the next time.
        """
        for number, purge in await self._database.purges_since(self._seen):
            self._seen = number
            await self._obey(purge)
            log.info("purged", kind=purge.kind, value=purge.value)
