"""How far each purge hook has got: what its cache has been told outlives a restart."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, enter_purges

_HOOK = schema.purge_hook
_PURGE = schema.purge.c


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a hook has still to hand on.

    Attributes:
        purges: How many.
        since: When the oldest of them was ordered; None without any.
    """

    purges: int = 0
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class HookProgress:
    """Reads and writes it; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def follow(self, names: Collection[str]) -> None:
        """Keep purges for these hooks from now on, beside those that another process knows."""

        async def known_names(connection: AsyncConnection) -> set[str]:
            return set((await connection.execute(select(_HOOK.c.name))).scalars())

        async def follow(connection: AsyncConnection) -> None:
            known = await known_names(connection)
            last = (await connection.execute(select(func.max(_PURGE.id)))).scalar_one() or 0
            rows = [{"name": each, "done": last} for each in names if each not in known]
            if rows:
                await connection.execute(insert(_HOOK), rows)

        if not await self.database.read(known_names) >= set(names):
            await self.database.write_at_start(follow)

    async def drop(self, name: str) -> None:
        """Keep purges no more for a hook."""
        query = delete(_HOOK).where(_HOOK.c.name == name)
        await self.database.write(lambda connection: connection.execute(query))

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

    async def give_up(self, name: str, *, until: int) -> None:
        """Have a hook's cache forget everything, once it can be told, in place of many purges.

        Args:
            name: Of the hook.
            until: The last of these purges.
        """
        done = select(_HOOK.c.done).where(_HOOK.c.name == name).scalar_subquery()
        # What is purged of everything is what connectors have that there are.
        removed = (
            select(_PURGE.value)
            .distinct()
            .where(_PURGE.id > done, _PURGE.id <= until, _PURGE.kind == PurgeKind.CONNECTOR.value)
            .where(_PURGE.value.not_in(select(schema.connector.c.slug)))
        )

        async def write(connection: AsyncConnection) -> None:
            slugs = (await connection.execute(removed)).scalars()
            purges = [Purge(PurgeKind.CONNECTOR, each) for each in slugs]
            purges.append(Purge(PurgeKind.ALL, name))
            await connection.execute(
                update(_HOOK).where(_HOOK.c.name == name, _HOOK.c.done < until).values(done=until)
            )
            await enter_purges(
                connection, purges, actor="hook", now=self.database.now(), is_repeat=True
            )

        await self.database.write(write)

    async def waiting(self) -> Mapping[str, Waiting]:
        """Return what each hook has still to hand on."""
        query = (
            select(
                _HOOK.c.name,
                func.count(_PURGE.id).label("purges"),
                func.min(_PURGE.at).label("since"),
            )
            .outerjoin(schema.purge, _PURGE.id > _HOOK.c.done)
            .group_by(_HOOK.c.name)
        )

        async def read(connection: AsyncConnection) -> Mapping[str, Waiting]:
            found = await connection.execute(query)
            return {row.name: Waiting(row.purges, row.since) for row in found}

        return await self.database.read(read)
