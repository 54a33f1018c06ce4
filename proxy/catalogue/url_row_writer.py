"""The rows of contents that changed, written, and who serves each address resolved anew."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, TypeVar

from sqlalchemy import Row, Select, bindparam, delete, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.collisions import (
    AddressClaim,
    AddressStatus,
    ResolvedClaim,
    resolve_claims,
    unaddressed,
)
from proxy.catalogue.content_rows import ContentRows
from proxy.catalogue.served_files import fill_lines
from proxy.catalogue.url_entries import UrlEntry
from proxy.connectors.identifiers import strategy
from proxy.connectors.model import Connector

_ADDRESS = schema.address
_AT = _ADDRESS.c
_CONTENT = schema.content.c
# Takes 2 ms or so; and is far below what SQLite and asyncpg take as parameters (32,766).
_SLICE = 50

T = TypeVar("T")

# Language and value of an address.
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class NewCollision:
    """An address that several contents claim, and did not before.

    Attributes:
        content_ids: The first has the address.
    """

    language: str
    value: str
    content_ids: tuple[str, ...]


async def write_url_rows(
    connection: AsyncConnection,
    connector: Connector,
    *,
    new: Sequence[ContentRows],
    different: Sequence[ContentRows],
    now: datetime,
) -> tuple[NewCollision, ...]:
    """Write the lines of contents, their own rows being written already.

    A prettyID that a content has no more stays as a former one; other lines go.
    """
    mine: dict[str, dict[Key, Row[Any]]] = {each.content.id: {} for each in (*new, *different)}
    async for records in slices(different):  # new ones have no lines yet
        for row in await _lines_of(connection, connector, [each.content.id for each in records]):
            mine[row.content_id][row.language, row.value] = row
    touched: set[Key] = set()
    async for records in slices((*new, *different)):
        edits = _Edits(connector, now)
        for each in records:
            edits.take(each, mine[each.content.id])
        await edits.write(connection)
        touched |= edits.touched
    async for records in slices(different):  # new ones have not been served yet
        ids = [each.content.id for each in records]
        await connection.execute(fill_lines(connector.slug, ids))
    return await resolve_collisions(connection, connector, touched)


async def resolve_collisions(
    connection: AsyncConnection, connector: Connector, keys: Iterable[Key]
) -> tuple[NewCollision, ...]:
    """Settle who serves some addresses and how their lines stand; return new collisions."""
    wanted = set(keys)
    found: list[NewCollision] = []
    async for values in slices(sorted({value for _, value in wanted})):
        claims = await _claims(connection, connector, values)
        changes: list[dict[str, Any]] = []
        for key, group in groupby(claims, key=lambda row: (row.language, row.value)):
            if key in wanted:
                found += _resolved(key, list(group), changes)
        if changes:
            await connection.execute(_STANDING, changes)
    return tuple(found)


class _Edits:
    """The insertions, changes and deletions that some records come to."""

    def __init__(self, connector: Connector, now: datetime) -> None:
        self._connector = connector
        self._now = now
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []
        self._gone: list[int] = []
        self.touched: set[Key] = set()

    def take(self, record: ContentRows, present: Mapping[Key, Row[Any]]) -> None:
        wanted = {(each.language, each.value): each for each in record.entries}
        for key, entry in wanted.items():
            self._want(record, entry, present.get(key))
        for key, row in present.items():
            if key not in wanted:
                self._drop(record, row)
        self.touched.update(key for key, each in wanted.items() if each.is_addressable)
        self.touched.update(key for key, row in present.items() if row.is_addressable)

    async def write(self, connection: AsyncConnection) -> None:
        if self._gone:
            await connection.execute(delete(_ADDRESS).where(_AT.id.in_(self._gone)))
        if self._changed:
            await connection.execute(_CHANGE, self._changed)
        if self._new:
            await connection.execute(insert(_ADDRESS), self._new)

    def _want(self, record: ContentRows, entry: UrlEntry, row: Row[Any] | None) -> None:
        values = {**record.row_values(entry), "is_current": True, **_alone(record, entry)}
        if row is None:
            key = {"language": entry.language, "value": entry.value}
            whose = {"connector": self._connector.slug, "content_id": record.content.id}
            self._new.append({**values, **key, **whose, "since": self._now})
        else:
            self._change(row, values, is_same=row.is_current)

    def _drop(self, record: ContentRows, row: Row[Any]) -> None:
        if not (strategy(self._connector).keeps_former and row.is_addressable):
            self._gone.append(row.id)
            return
        entry = UrlEntry(
            row.language, row.value, is_addressable=True, is_shortened=row.is_shortened
        )
        values = {**record.row_values(entry), "is_current": False}
        resolved = {"status": row.status, "serves": row.serves}
        self._change(row, {**values, **resolved}, is_same=not row.is_current)

    def _change(self, row: Row[Any], values: Mapping[str, Any], *, is_same: bool) -> None:
        since = row.since if is_same else self._now
        self._changed.append({**values, "since": since, "_id": row.id})


def _alone(record: ContentRows, entry: UrlEntry) -> dict[str, Any]:
    """Return how a line stands if nobody else claims its address."""
    if entry.is_addressable:
        status = AddressStatus.OK if record.is_servable else AddressStatus.UNPUBLISHED
        return {"status": status.value, "serves": record.is_servable}
    resolved = unaddressed(value=entry.value, is_servable=record.is_servable)
    return {"status": resolved.status.value, "serves": resolved.serves}


def _resolved(
    key: Key, claims: Sequence[Row[Any]], changes: list[dict[str, Any]]
) -> list[NewCollision]:
    found = resolve_claims([_claim(row) for row in claims])
    for row, resolved in zip(claims, found, strict=True):
        if (row.status, row.serves) != (resolved.status.value, resolved.serves):
            changes.append(
                {"_id": row.id, "_status": resolved.status.value, "_serves": resolved.serves}
            )
    collides = any(each.status is AddressStatus.COLLISION for each in found)
    if not collides or any(row.status == AddressStatus.COLLISION.value for row in claims):
        return []
    return [NewCollision(*key, content_ids=_rivals(claims, found))]


def _rivals(claims: Sequence[Row[Any]], found: Sequence[ResolvedClaim]) -> tuple[str, ...]:
    rivals = [
        (not resolved.serves, row.content_id)
        for row, resolved in zip(claims, found, strict=True)
        if resolved.status is AddressStatus.COLLISION
    ]
    return tuple(content_id for _, content_id in sorted(rivals))


def _claim(row: Row[Any]) -> AddressClaim:
    return AddressClaim(
        content_id=row.content_id,
        created=row.created,
        is_servable=row.is_servable,
        is_current=row.is_current,
        since=row.since,
        is_removed=row.removed_at is not None,
        is_shortened=row.is_shortened,
    )


async def _lines_of(
    connection: AsyncConnection, connector: Connector, ids: Sequence[str]
) -> list[Row[Any]]:
    query = select(_ADDRESS).where(_AT.connector == connector.slug, _AT.content_id.in_(ids))
    return list((await connection.execute(query)).all())


async def _claims(
    connection: AsyncConnection, connector: Connector, values: Sequence[str]
) -> list[Row[Any]]:
    """Return the claims to the addresses with some values, those of one address in a row."""
    whose = (_CONTENT.connector == _AT.connector) & (_CONTENT.id == _AT.content_id)
    query: Select[Any] = (
        select(
            *(_AT.id, _AT.language, _AT.value, _AT.content_id, _AT.is_current),
            *(_AT.since, _AT.status, _AT.serves, _AT.is_shortened),
            *(_CONTENT.created, _CONTENT.is_servable, _CONTENT.removed_at),
        )
        .join_from(_ADDRESS, schema.content, whose)
        .where(_AT.connector == connector.slug, _AT.value.in_(values), _AT.is_addressable)
        .order_by(_AT.value, _AT.language)
    )
    return list((await connection.execute(query)).all())


async def slices(of: Sequence[T]) -> AsyncIterator[Sequence[T]]:
    """Give a sequence in slices; after each one the event loop does what others wait for."""
    for at in range(0, len(of), _SLICE):
        yield of[at : at + _SLICE]
        await asyncio.sleep(0)


_STANDING = (
    update(_ADDRESS)
    .where(_AT.id == bindparam("_id"))
    .values(status=bindparam("_status"), serves=bindparam("_serves"))
)
_CHANGE = update(_ADDRESS).where(_AT.id == bindparam("_id"))
