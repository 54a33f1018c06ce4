"""Purges: orders to forget an address, a content, a connector or all, kept for every process."""

from dataclasses import dataclass
from datetime import UTC, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, delete, func, insert, select, true, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

_AT = schema.content.c
_LINE = schema.address.c
_PURGE = schema.purge

# Every running process has seen a purge long before.
_KEPT = timedelta(days=1)


class PurgeKind(StrEnum):
    """By what the resolutions to forget are named."""

    ADDRESS = "address"
    CONTENT = "content"
    CONNECTOR = "connector"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Purge:
    """An order to forget resolutions, so that THRON is asked anew.

    Attributes:
        kind: By what they are named.
        value: An address's ``cache_key``, a content id or a slug; empty for all.
    """

    kind: PurgeKind
    value: str = ""


@dataclass(frozen=True, slots=True)
class PurgeStore:
    """Orders and reads purges; every method raises DatabaseFailed where there is no answer."""

    database: Database

    async def order(self, purge: Purge, *, actor: str) -> int:
        """Order every running process to forget resolutions, and return the order's number."""
        now = self.database.now().astimezone(UTC)

        async def order(connection: AsyncConnection) -> int:
            await connection.execute(delete(_PURGE).where(_PURGE.c.at < now - _KEPT))
            ordered = await connection.execute(
                insert(_PURGE)
                .values(at=now, kind=purge.kind.value, value=purge.value, actor=actor)
                .returning(_PURGE.c.id)
            )
            await _invalidate(connection, purge)
            detail = {"kind": purge.kind.value}
            await self.database.note(
                connection, actor=actor, action="purged", subject=purge.value, detail=detail
            )
            number: int = ordered.scalar_one()
            return number

        return await self.database.write(order)

    async def last(self) -> int:
        """Return the number of the newest purge that is kept, 0 without any."""

        async def read(connection: AsyncConnection) -> int:
            return (await connection.execute(select(func.max(_PURGE.c.id)))).scalar_one() or 0

        return await self.database.read(read)

    async def since(self, number: int) -> tuple[tuple[int, Purge], ...]:
        """Return the purges ordered after one, oldest first, each with its number."""
        query = select(_PURGE).where(_PURGE.c.id > number).order_by(_PURGE.c.id)

        async def read(connection: AsyncConnection) -> tuple[tuple[int, Purge], ...]:
            found = await connection.execute(query)
            return tuple((row.id, Purge(PurgeKind(row.kind), row.value)) for row in found)

        return await self.database.read(read)


async def _invalidate(connection: AsyncConnection, purge: Purge) -> None:
    """Let contents be served again only after THRON has been asked about them."""
    meant: ColumnElement[bool]
    match purge.kind:
        case PurgeKind.ALL:
            meant = true()
        case PurgeKind.CONNECTOR:
            meant = _AT.connector == purge.value
        case PurgeKind.CONTENT:
            meant = _AT.id == purge.value
        case PurgeKind.ADDRESS:
            slug, _, rest = purge.value.partition("/")
            language, _, value = rest.partition("/")
            holders = select(_LINE.content_id).where(
                _LINE.connector == slug, _LINE.value == value, _LINE.language == language
            )
            meant = (_AT.connector == slug) & _AT.id.in_(holders)
    await connection.execute(update(schema.content).where(meant).values(confirmed=None))
