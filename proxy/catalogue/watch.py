"""The connectors as they are now: the database's revision is polled, and followed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from proxy.catalogue.connector import Connectors
from proxy.catalogue.database import Database
from proxy.errors import DatabaseFailed

log = structlog.get_logger("proxy.connectors")

# A change is to be seen within two seconds, whoever made it.
_INTERVAL_S = 1.0


class ConnectorWatch:
    """Holds the connectors of the newest revision seen."""

    def __init__(
        self,
        database: Database,
        connectors: Connectors,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._changed = changed
        self.connectors = connectors

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        *,
        changed: Callable[[], Awaitable[None]],
        interval_s: float = _INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Read the connectors, and follow their changes until the end of the block.

        Args:
            database: Open.
            changed: Called after each newer revision: it may be the tenant that has changed.
            interval_s: Between two looks at the revision.

        Raises:
            DatabaseFailed: They cannot be read even once.
        """
        self = cls(database, await database.connectors(), changed)
        task = asyncio.create_task(self._follow(interval_s), name="connector-watch")
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def refresh(self) -> None:
        """Read the connectors if there is a newer revision.

        Raises:
            DatabaseFailed: The database does not answer; what was read before stands.
        """
        if await self._database.revision() != self.connectors.revision:
            self.connectors = await self._database.connectors()
            log.info(
                "connectors read",
                revision=self.connectors.revision,
                slugs=[each.slug for each in self.connectors.all],
            )
            await self._changed()

    async def _follow(self, interval_s: float) -> None:
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self.refresh()
            except DatabaseFailed as exc:
                log.warning("connectors not read", reason=str(exc))
            except Exception:
                log.exception("bug in connector watch")
