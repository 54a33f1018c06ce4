"""Purges: orders to forget an address, a content, a connector or all, kept for every process."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, insert, select, true, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database, revision

_AT = schema.content.c
_LINE = schema.address.c
_PURGE = schema.purge

# Every running process has seen a purge long before.
KEPT = timedelta(days=1)


class PurgeKind(StrEnum):
    """By what the resolutions to forget are named.

    CHANGED is a content that was seen to be another now, or gone: what is known of the absence of
    contents stays. CONTENT is one that somebody named, who may know more.
    """

    ADDRESS = "address"
    CHANGED = "changed"
    CONTENT = "content"
    CONNECTOR = "connector"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Purge:
    """An order to forget resolutions, so that THRON is asked anew.

    Attributes:
        kind: By what they are named.
        value: An address's ``cache_key``, a content id or a slug; empty for all, or the name of
            the purge hook whose cache alone is meant.
    """

    kind: PurgeKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class PurgeOrder:
    """A purge as it was ordered.

    Attributes:
        number: Grows from order to order.
        purge: What is to be forgotten.
        revision: Of the connectors that were when it was ordered.
        is_repeat: Whether processes have obeyed it before, and only caches are to be told again.
        at: When it was ordered, aware time.
    """

    number: int
    purge: Purge
    revision: int = field(default=0, compare=False)
    is_repeat: bool = False
    at: datetime = field(default=datetime.min.replace(tzinfo=UTC), compare=False)


@dataclass(frozen=True, slots=True)
class PurgeStore:
    """Orders and reads purges; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def order(self, purge: Purge, *, actor: str) -> int:
        """Order every running process to forget resolutions, and return the order's number."""
        now = self.database.now()

        async def order(connection: AsyncConnection) -> int:
            await enter_purges(connection, [purge], actor=actor, now=now)
            await _invalidate(connection, purge)
            detail = {"kind": purge.kind.value}
            await self.database.note(
                connection, actor=actor, action="purged", subject=purge.value, detail=detail
            )
            return await _last(connection)

        return await self.database.write(order)

    async def note_changes(self, content_ids: Iterable[str]) -> None:
        """Order what was known of some contents to be forgotten: they were seen to be different."""
        now = self.database.now()
        purges = [Purge(PurgeKind.CHANGED, each) for each in content_ids]

        async def order(connection: AsyncConnection) -> None:
            await enter_purges(connection, purges, actor="verification", now=now)

        await self.database.write(order)

    async def repeat(self, purges: Iterable[Purge]) -> None:
        """Order caches to be told again, as answers that had begun before have ended since."""
        now, again = self.database.now(), list(purges)

        async def order(connection: AsyncConnection) -> None:
            await enter_purges(connection, again, actor="repeat", now=now, is_repeat=True)

        await self.database.write(order)

    async def last(self) -> int:
        """Return the number of the newest purge that is kept, 0 without any."""
        return await self.database.read(_last)

    async def since(self, number: int, *, most: int | None = None) -> tuple[PurgeOrder, ...]:
        """Return the purges ordered after one, oldest first."""
        query = select(_PURGE).where(_PURGE.c.id > number).order_by(_PURGE.c.id).limit(most)

        async def read(connection: AsyncConnection) -> tuple[PurgeOrder, ...]:
            found = await connection.execute(query)
            return tuple(
                PurgeOrder(
                    row.id,
                    Purge(PurgeKind(row.kind), row.value),
                    row.revision,
                    row.is_repeat,
                    row.at,
                )
                for row in found
            )

        return await self.database.read(read)


async def enter_purges(
    connection: AsyncConnection,
    purges: Iterable[Purge],
    *,
    actor: str,
    now: datetime,
    is_repeat: bool = False,
) -> None:
    """Order purges in the transaction of what they follow from, and drop those of long ago.

    Args:
        connection: Of the transaction; a new revision of the connectors is in it already.
        purges: In their order.
        actor: Who orders them.
        now: Aware time.
        is_repeat: As ``PurgeOrder`` has it.
    """
    number = await revision(connection)
    rows = [
        {
            "at": now.astimezone(UTC),
            "kind": each.kind.value,
            "value": each.value,
            "actor": actor,
            "revision": number,
            "is_repeat": is_repeat,
        }
        for each in purges
    ]
    if rows:
        # Dropped is what everybody has obeyed long ago, and every hook has handed on.
        waited_for = select(func.min(schema.purge_hook.c.done)).scalar_subquery()
        is_done = _PURGE.c.id <= func.coalesce(waited_for, _PURGE.c.id)
        is_old = _PURGE.c.at < now.astimezone(UTC) - KEPT
        await connection.execute(delete(_PURGE).where(is_old, is_done))
        await connection.execute(insert(_PURGE), rows)


async def _last(connection: AsyncConnection) -> int:
    return (await connection.execute(select(func.max(_PURGE.c.id)))).scalar_one() or 0


async def _invalidate(connection: AsyncConnection, purge: Purge) -> None:
    """Let contents be served again only after THRON has been asked about them."""
    meant: ColumnElement[bool]
    match purge.kind:
        case PurgeKind.ALL:
            meant = true()
        case PurgeKind.CONNECTOR:
            meant = _AT.connector == purge.value
        case PurgeKind.CONTENT | PurgeKind.CHANGED:
            meant = _AT.id == purge.value
        case PurgeKind.ADDRESS:
            slug, _, rest = purge.value.partition("/")
            language, _, value = rest.partition("/")
            holders = select(_LINE.content_id).where(
                _LINE.connector == slug, _LINE.value == value, _LINE.language == language
            )
            meant = (_AT.connector == slug) & _AT.id.in_(holders)
    await connection.execute(update(schema.content).where(meant).values(confirmed=None))
