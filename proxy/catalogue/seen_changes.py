"""Contents that a verification found to be different: what was known of them is purged everywhere.

The other processes, and caches in front, would learn of it no sooner than they ask themselves.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.polling import polling
from proxy.catalogue.purges import PurgeStore
from proxy.errors import DatabaseFailed

log = structlog.get_logger("proxy.purges")

_WRITTEN_EVERY_S = 0.2
# An origin whose answers differ each time, such as two servers that do not agree, must not have
# its content purged with every download.
_AGAIN_AFTER_S = 10.0
_MOST_AT_ONCE = 1000


class SeenChanges:
    """Notes contents, and orders their purge: no download waits for it."""

    def __init__(self, database: Database, *, monotonic: Callable[[], float]) -> None:
        self._database = database
        self._monotonic = monotonic
        self._noted: dict[str, None] = {}
        self._news = asyncio.Event()
        self._ordered_at: dict[str, float] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, *, monotonic: Callable[[], float] = time.monotonic
    ) -> AsyncIterator[Self]:
        """Order purges of what is noted, until the end of the block."""
        self = cls(database, monotonic=monotonic)
        every_s = _WRITTEN_EVERY_S
        async with polling(
            "seen changes", self.write, interval_s=every_s, news=self._next, apart_s=every_s
        ):
            yield self
        # The next process remembers nothing, and so would not notice.
        self._ordered_at.clear()
        try:
            while self._noted:
                await self.write()
        except DatabaseFailed as exc:
            log.warning("changes not purged", contents=len(self._noted), reason=str(exc))

    def note(self, content_id: str) -> None:
        """Note that a content is not what it was, or is gone."""
        self._noted[content_id] = None
        self._news.set()

    def _next(self) -> asyncio.Event:
        self._news.clear()
        return self._news

    async def write(self) -> None:
        """Order the purge of what was noted.

        Raises:
            DatabaseFailed: The database does not answer; it is ordered the next time.
        """
        now = self._monotonic()
        self._ordered_at = {
            each: at for each, at in self._ordered_at.items() if now - at < _AGAIN_AFTER_S
        }
        due = [each for each in self._noted if each not in self._ordered_at][:_MOST_AT_ONCE]
        if not due:
            return
        for each in due:  # noted again while it is written, it is another change
            del self._noted[each]
        try:
            await PurgeStore(self._database).note_changes(due)
        except BaseException:
            self._noted = {**dict.fromkeys(due), **self._noted}
            raise
        self._ordered_at |= dict.fromkeys(due, now)
