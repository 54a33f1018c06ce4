"""The connectors as they are now: the database's revision is polled, and followed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.connectors.model import Connectors
from proxy.connectors.store import ConnectorStore

log = structlog.get_logger("proxy.connectors")


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
        self._told = connectors.revision
        self.connectors = connectors

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        *,
        changed: Callable[[], Awaitable[None]],
        interval_s: float = INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Read the connectors, and follow their changes until the end of the block.

        Args:
            database: Open.
            changed: Called after each newer revision, again if it fails: it may be the tenant
                that has changed.
            interval_s: Between two looks at the revision.

        Raises:
            DatabaseFailed: They cannot be read even once.
        """
        self = cls(database, await ConnectorStore(database).read(), changed)
        async with polling("connectors", self.refresh, interval_s=interval_s):
            yield self

    async def refresh(self) -> None:
        """Read the connectors if there is a newer revision.

        Raises:
            DatabaseFailed: The database does not answer; what was read before stands.
        """
        number = await self._database.revision()
        if number != self.connectors.revision:
            self.connectors = await ConnectorStore(self._database).read()
            log.info(
                "connectors read",
                revision=self.connectors.revision,
                slugs=[each.slug for each in self.connectors.all],
            )
        if self._told != self.connectors.revision:
            await self._changed()
            self._told = self.connectors.revision
