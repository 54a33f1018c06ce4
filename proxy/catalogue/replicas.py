"""The processes that serve, by their own word: what each has obeyed, so that caches may be told.

A process that has been silent for too long is removed by whoever waits for it. It learns that from
its next heartbeat, which meets no row: no clocks are compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

_REPLICA = schema.replica


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a process says of itself.

    Attributes:
        id: Random, of the process.
        beats: Grows from heartbeat to heartbeat.
        purge: The number of the last purge that it has obeyed.
        revision: Of the connectors that it serves.
    """

    id: str
    beats: int
    purge: int
    revision: int


@dataclass(frozen=True, slots=True)
class ReplicaStore:
    """Reads and writes them; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def join(self, id_: str, *, revision: int, purge: int | None = None) -> int:
        """Enter a process that remembers nothing; return the last purge that it has obeyed.

        Args:
            id_: Of the process.
            revision: Of the connectors that it serves.
            purge: The last that it has obeyed; None for a new one, which needs to obey none of
                those that there have been.
        """
        newest = select(func.max(schema.purge.c.id))

        async def join(connection: AsyncConnection) -> int:
            last = purge
            if last is None:
                last = (await connection.execute(newest)).scalar_one() or 0
            row = {"id": id_, "beats": 0, "purge": last, "revision": revision}
            await connection.execute(insert(_REPLICA).values(row))
            return last

        # A new one cannot serve before it is waited for; one that serves does not stop at that.
        write = self.database.write_at_start if purge is None else self.database.write
        return await write(join)

    async def beat(self, id_: str, *, purge: int, revision: int) -> bool:
        """Note a heartbeat; False where the process has been given up, and must join anew."""
        query = (
            update(_REPLICA)
            .where(_REPLICA.c.id == id_)
            .values(beats=_REPLICA.c.beats + 1, purge=purge, revision=revision)
        )

        async def beat(connection: AsyncConnection) -> bool:
            return (await connection.execute(query)).rowcount > 0

        return await self.database.write(beat)

    async def leave(self, id_: str) -> None:
        """Wait no more for a process: it ends."""
        query = delete(_REPLICA).where(_REPLICA.c.id == id_)
        await self.database.write(lambda connection: connection.execute(query))

    async def give_up(self, silent: Iterable[Heartbeat]) -> frozenset[str]:
        """Wait no more for silent processes; return the ids of those still silent by then."""

        async def give_up(connection: AsyncConnection) -> frozenset[str]:
            removed = set()
            for each in silent:
                is_silent = (_REPLICA.c.id == each.id) & (_REPLICA.c.beats == each.beats)
                if (await connection.execute(delete(_REPLICA).where(is_silent))).rowcount:
                    removed.add(each.id)
            return frozenset(removed)

        return await self.database.write(give_up)

    async def all(self) -> tuple[Heartbeat, ...]:
        """Return the last heartbeat of each."""

        async def read(connection: AsyncConnection) -> tuple[Heartbeat, ...]:
            found = await connection.execute(select(_REPLICA))
            return tuple(Heartbeat(**row) for row in found.mappings())

        return await self.database.read(read)
