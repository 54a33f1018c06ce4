"""Elects the replica that does what only one may do: the one that holds a lock of the database.

PostgreSQL frees the lock when the connection that holds it ends, however its process ended. An
SQLite file has one process that writes the catalogue anyway.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

from sqlalchemy import text

from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database, failures
from proxy.errors import DatabaseFailed

# Any number that others are unlikely to lock in the same PostgreSQL database.
_LOCK = 0x74_64_63_01


class Leadership:
    """Holds the lock, or tries to get it each time it is asked."""

    def __init__(self, database: Database, held: AsyncExitStack) -> None:
        self._database = database
        self._held = held
        self._connection: AsyncConnection | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, database: Database) -> AsyncIterator[Self]:
        """Give a leadership that is not held yet; it ends with the block."""
        async with AsyncExitStack() as held:
            yield cls(database, held)

    async def is_held(self) -> bool:
        """Tell whether this process leads, trying to take the lock if nobody holds it."""
        if self._database.place.path is not None:
            return True
        try:
            return await (self._still() if self._connection is not None else self._get())
        except DatabaseFailed:
            await self._give_up()
            return False

    async def _still(self) -> bool:
        with failures():
            assert self._connection is not None  # noqa: S101 - the caller has looked
            await self._connection.execute(text("SELECT 1"))
        return True

    async def _get(self) -> bool:
        with failures():
            connection = await self._held.enter_async_context(self._database.unshared())
            # Back in the pool it would hold the lock for nobody.
            self._held.push_async_callback(connection.invalidate)
            self._connection = connection
            query = text(f"SELECT pg_try_advisory_lock({_LOCK})")
            if (await connection.execute(query)).scalar_one():
                return True
        await self._give_up()
        return False

    async def _give_up(self) -> None:
        """Let the connection go, and with it the lock."""
        self._connection = None
        with failures():
            await self._held.aclose()
