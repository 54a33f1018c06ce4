"""Elects the replica that does what only one may do: the one that holds a lock of the database.

PostgreSQL frees the lock when the connection that holds it ends, however its process ended. It ends
a connection that says nothing for too long, so that a process that hangs, or whose machine is gone,
leads no more (idle_session_timeout, PostgreSQL 14). Beside an SQLite file there is a file to lock,
which the kernel frees in the same way (flock(2)).
"""

import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from sqlalchemy import text

from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database, failures
from proxy.errors import DatabaseFailed

# Any number that others are unlikely to lock in the same PostgreSQL database.
_LOCK = 0x74_64_63_01
# A leader asks every second; another one is to have taken its place within half a minute.
_SILENCE_S = 20.0


class Leadership:
    """Holds the lock, or tries to get it each time it is asked."""

    def __init__(self, database: Database, held: AsyncExitStack, *, silence_s: float) -> None:
        self._database = database
        self._held = held
        self._silence_ms = round(1000 * silence_s)
        self._connection: AsyncConnection | None = None  # the same while it follows and leads
        self._has_lock = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: Database, *, silence_s: float = _SILENCE_S
    ) -> AsyncIterator[Self]:
        """Give a leadership that is not held yet; it ends with the block.

        Args:
            database: Where it is held.
            silence_s: After so long without a question it is lost, where PostgreSQL keeps it.
        """
        async with AsyncExitStack() as held:
            yield cls(database, held, silence_s=silence_s)

    async def is_held(self) -> bool:
        """Tell whether this process leads, trying to take the lock if nobody holds it."""
        if self._database.place.path is not None:
            return self._has_lock or self._get_file(self._database.place.path)
        try:
            return await (self._still() if self._has_lock else self._get())
        except DatabaseFailed:
            await self._give_up()
            return False

    def _get_file(self, path: Path) -> bool:
        """Lock the file beside a database, unless its predecessor still has it."""
        try:
            lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # a full disk: there is hardly another one
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        except OSError:  # a file system without locks
            os.close(lock)
            return True
        self._held.callback(os.close, lock)
        self._has_lock = True
        return True

    async def _still(self) -> bool:
        with failures():
            assert self._connection is not None  # noqa: S101 - the caller has looked
            await self._connection.execute(text("SELECT 1"))
        return True

    async def _get(self) -> bool:
        with failures():
            connection = self._connection or await self._connect()
            query = text(f"SELECT pg_try_advisory_lock({_LOCK})")
            self._has_lock = bool((await connection.execute(query)).scalar_one())
        return self._has_lock

    async def _connect(self) -> AsyncConnection:
        connection = await self._held.enter_async_context(self._database.unshared())
        # Back in the pool it would hold the lock for nobody.
        self._held.push_async_callback(connection.invalidate)
        await connection.execute(text(f"SET idle_session_timeout = {self._silence_ms}"))
        self._connection = connection
        return connection

    async def _give_up(self) -> None:
        """Let the connection go, and with it the lock."""
        self._connection = None
        self._has_lock = False
        with failures():
            await self._held.aclose()
