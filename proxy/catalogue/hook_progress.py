"""How far each purge hook has got: what its cache has been told outlives a restart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

_HOOK = schema.purge_hook
_PURGE = schema.purge.c


@dataclass(frozen=True, slots=True)
class HookProgress:
    """Reads and writes it; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def follow(self, names: Collection[str]) -> None:
        """Keep purges for these hooks from now on, and for no others."""

        async def follow(connection: AsyncConnection) -> None:
            await connection.execute(delete(_HOOK).where(_HOOK.c.name.not_in(names)))
            known = set((await connection.execute(select(_HOOK.c.name))).scalars())
            last = (await connection.execute(select(func.max(_PURGE.id)))).scalar_one() or 0
            rows = [{"name": each, "done": last} for each in names if each not in known]
            if rows:
                await connection.execute(insert(_HOOK), rows)

        await self.database.write(follow)

    async def done(self, name: str) -> int:
        """Return the last purge that a hook has handed on."""
        query = select(_HOOK.c.done).where(_HOOK.c.name == name)

        async def read(connection: AsyncConnection) -> int:
            return (await connection.execute(query)).scalar_one_or_none() or 0

        return await self.database.read(read)

    async def note(self, name: str, number: int) -> None:
        """Note that a hook has handed on all purges up to one."""
        query = update(_HOOK).where(_HOOK.c.name == name, _HOOK.c.done < number)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(query.values(done=number))

        await self.database.write(write)

    async def waiting(self) -> Mapping[str, int]:
        """Return how many purges each hook has still to hand on."""
        query = (
            select(_HOOK.c.name, func.count(_PURGE.id).label("waiting"))
            .outerjoin(schema.purge, _PURGE.id > _HOOK.c.done)
            .group_by(_HOOK.c.name)
        )

        async def read(connection: AsyncConnection) -> Mapping[str, int]:
            return {row.name: row.waiting for row in await connection.execute(query)}

        return await self.database.read(read)
