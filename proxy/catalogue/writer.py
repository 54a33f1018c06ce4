"""What a listing shows, entered into the catalogue: some pages in one transaction, removals in one.

Rule 1: every transaction leaves the catalogue whole: how each line stands, and whom an address
leads to, is resolved in the same one.
Rule 2: rows that a run has seen carry its id; so a run knows what it has not seen without keeping
the ids of a whole folder in memory.
Rule 3: most contents are as they were. That is found by their digests, and noted by one statement;
the rest is written in slices, between which the event loop is others'.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    update,
)

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.content_rows import ContentRows, content_rows
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, enter_purges
from proxy.catalogue.queries import is_present
from proxy.catalogue.sync_runs import Run
from proxy.catalogue.url_row_writer import (
    Key,
    NewCollision,
    resolve_collisions,
    slices,
    write_url_rows,
)
from proxy.clock import utc_now
from proxy.connectors.model import Connector
from proxy.thron.content import Content

_CONTENT = schema.content
_AT = _CONTENT.c
_LINE = schema.address.c
_RUN = schema.sync_run

# Of contents one by one; where more leave at once, the whole connector is purged.
_MOST_PURGES = 1000

# A content that left the folder may come back, and then its former prettyIDs count again.
_REMOVED_KEPT = timedelta(days=90)


class ConnectorChanged(Exception):
    """What was listed is of a connector as it is not any more."""


@dataclass(frozen=True, slots=True)
class PageChanges:
    """What some pages changed.

    Attributes:
        seen: Contents that this run had not shown before.
        added: Contents that were new, or back.
        changed: Contents that were different.
        collisions: Addresses that several contents claim since these pages.
    """

    seen: int = 0
    added: int = 0
    changed: int = 0
    collisions: tuple[NewCollision, ...] = ()


@dataclass(frozen=True, slots=True)
class Missing:
    """What a full listing has not shown.

    Attributes:
        contents: Contents of the catalogue that it did not show.
        of: Contents that the catalogue has, those included.
        twice: Those of them that the listing before did not show either.
    """

    contents: int
    of: int
    twice: int


class CatalogueWriter:
    """Writes the catalogue; every method raises DatabaseFailed where there is no answer."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def enter(
        self,
        run: Run,
        connector: Connector,
        contents: Sequence[Content],
        *,
        expected: int | None = None,
        skipped: int = 0,
    ) -> PageChanges:
        """Enter some pages of a listing.

        Args:
            run: Whose pages they are; what they count is noted with it.
            connector: As it was listed.
            contents: Each may come again, on other pages too.
            expected: THRON's estimate of how many there are.
            skipped: Items of the pages that could not be read.

        Raises:
            ConnectorChanged: The connector was changed meanwhile.
        """
        listed = {each.id: each for each in contents}

        async def write(connection: AsyncConnection) -> PageChanges:
            await _require_shape(connection, connector)
            entered = await _enter(connection, run, connector, listed, self._now())
            counts = {
                "seen": _RUN.c.seen + entered.seen,
                "added": _RUN.c.added + entered.added,
                "changed": _RUN.c.changed + entered.changed,
                "skipped": _RUN.c.skipped + skipped,
                "expected": expected if expected is not None else _RUN.c.expected,
            }
            await connection.execute(update(_RUN).where(_RUN.c.id == run.id).values(counts))
            return entered

        return await self._database.write(write)

    async def changed_until(self, connector: Connector) -> datetime | None:
        """Return THRON's date of the newest change that is entered; None without any."""
        query = select(func.max(_LINE.updated_s)).where(_LINE.connector == connector.slug)

        async def read(connection: AsyncConnection) -> datetime | None:
            newest = (await connection.execute(query)).scalar_one()
            return datetime.fromtimestamp(newest, UTC) if newest else None

        return await self._database.read(read)

    async def missing(self, run: Run, connector: Connector, *, before: Run | None) -> Missing:
        """Count what a full listing has not shown, of what was shown since the connector changed.

        Args:
            run: The listing.
            connector: Whose it is.
            before: The full listing before it, if that was suspended.
        """
        twice = _AT.run < (before.id if before is not None else 0)
        query = select(
            func.count(),
            func.count().filter(_AT.run < run.id),
            func.count().filter(twice),
        ).where(*_here(connector), _AT.run > 0)

        async def read(connection: AsyncConnection) -> Missing:
            of, contents, twice = (await connection.execute(query)).one()
            return Missing(contents, of, twice)

        return await self._database.read(read)

    async def next_missing(
        self, run: Run, connector: Connector, *, after: str, most: int
    ) -> tuple[str, ...]:
        """Return ids of contents that a run has not seen, in order, after one of them."""
        query = (
            select(_AT.id)
            .where(*_here(connector), _AT.run < run.id, _AT.id > after)
            .order_by(_AT.id)
            .limit(most)
        )

        async def read(connection: AsyncConnection) -> tuple[str, ...]:
            return tuple((await connection.execute(query)).scalars())

        return await self._database.read(read)

    async def spare(self, run: Run, connector: Connector, ids: Sequence[str]) -> None:
        """Leave contents in the catalogue of which nothing is known, neither good nor bad."""
        query = update(_CONTENT).where(*_here(connector), _AT.id.in_(ids)).values(run=run.id)

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(query)

        await self._database.write(write)

    async def remove_missing(self, run: Run, connector: Connector) -> int:
        """Note that what a run has not seen has left the folder; return how many those are.

        Raises:
            ConnectorChanged: The connector was changed meanwhile.
        """
        now, gone = self._now(), (*_here(connector), _AT.run < run.id)

        async def write(connection: AsyncConnection) -> int:
            await _require_shape(connection, connector)
            number: int = await _remove(connection, connector, gone, now=now)
            await _forget_removed(connection, connector, before=now - _REMOVED_KEPT)
            count = update(_RUN).where(_RUN.c.id == run.id).values(removed=_RUN.c.removed + number)
            await connection.execute(count)
            return number

        return await self._database.write(write)


def _here(connector: Connector) -> tuple[ColumnElement[bool], ...]:
    return _AT.connector == connector.slug, _AT.removed_at.is_(None)


async def _require_shape(connection: AsyncConnection, connector: Connector) -> None:
    if not (await connection.execute(select(is_present(connector)))).scalar_one():
        raise ConnectorChanged(connector.slug)


async def _enter(
    connection: AsyncConnection,
    run: Run,
    connector: Connector,
    listed: Mapping[str, Content],
    now: datetime,
) -> PageChanges:
    query: Select[Any] = select(_AT.id, _AT.digest, _AT.run, _AT.was_published, _AT.removed_at)
    query = query.where(_AT.connector == connector.slug, _AT.id.in_(list(listed)))
    known = {row.id: row for row in (await connection.execute(query)).all()}
    new: list[ContentRows] = []
    different: list[ContentRows] = []
    async for some in slices(list(listed.values())):
        for content in some:
            row = known.get(content.id)
            was_published = row is not None and row.was_published and row.removed_at is None
            record = content_rows(connector, content, was_published=was_published)
            if row is None:
                new.append(record)
            elif row.digest != record.digest or row.removed_at is not None:
                different.append(record)
    async for records in slices(new):
        rows = [_new_row(each, connector, run, now) for each in records]
        await connection.execute(insert(_CONTENT), rows)
    async for records in slices(different):
        await connection.execute(_CHANGE, [_changes(each, connector, now) for each in records])
    if known:
        # This run has seen them, and they are in the folder now.
        seen = update(_CONTENT).where(_AT.connector == connector.slug, _AT.id.in_(list(known)))
        newest = case((_AT.run < run.id, run.id), else_=_AT.run)
        await connection.execute(seen.values(confirmed=now, run=newest))
    collisions = await write_url_rows(connection, connector, new=new, different=different, now=now)
    changed = [Purge(PurgeKind.CHANGED, each.content.id) for each in different]
    await enter_purges(connection, changed, actor="sync", now=now)
    back = sum(known[each.content.id].removed_at is not None for each in different)
    return PageChanges(
        seen=len(new) + sum(row.run < run.id for row in known.values()),
        added=len(new) + back,
        changed=len(different) - back,
        collisions=collisions,
    )


def _new_row(each: ContentRows, connector: Connector, run: Run, now: datetime) -> dict[str, Any]:
    return {
        **each.values,
        "connector": connector.slug,
        "id": each.content.id,
        "digest": each.digest,
        "first_seen": now,
        "changed": now,
        "confirmed": now,
        "run": run.id,
    }


def _changes(each: ContentRows, connector: Connector, now: datetime) -> dict[str, Any]:
    return {
        **each.values,
        "_connector": connector.slug,
        "_id": each.content.id,
        "digest": each.digest,
        "changed": now,
        "removed_at": None,
    }


async def _remove(
    connection: AsyncConnection,
    connector: Connector,
    gone: Sequence[ColumnElement[bool]],
    *,
    now: datetime,
) -> int:
    """Note that contents have left the folder; their lines stay as removed ones for a while."""
    ids = select(_AT.id).where(*gone)
    theirs = _LINE.connector == connector.slug, _LINE.content_id.in_(ids)
    # Found before the contents are gone: who else claims their addresses may have them now.
    shared = await _shared(connection, connector, theirs)
    lines = update(schema.address).where(*theirs)
    await connection.execute(lines.values(status=AddressStatus.REMOVED.value, serves=False))
    few = list((await connection.execute(ids.limit(_MOST_PURGES + 1))).scalars())
    purges = (
        [Purge(PurgeKind.CHANGED, each) for each in few]
        if len(few) <= _MOST_PURGES
        else [Purge(PurgeKind.CONNECTOR, connector.slug)]
    )
    await enter_purges(connection, purges, actor="sync", now=now)
    contents = update(_CONTENT).where(*gone)
    removed = await connection.execute(contents.values(removed_at=now, is_servable=False))
    await resolve_collisions(connection, connector, shared)
    return removed.rowcount


async def _shared(
    connection: AsyncConnection, connector: Connector, theirs: Sequence[ColumnElement[bool]]
) -> list[Key]:
    """Return the addresses of some lines that other lines have too."""
    other = schema.address.alias()
    rivals = (
        select(other.c.id)
        .where(
            other.c.connector == connector.slug,
            other.c.value == _LINE.value,
            other.c.language == _LINE.language,
            other.c.id != _LINE.id,
        )
        .exists()
    )
    query = select(_LINE.language, _LINE.value).where(*theirs, _LINE.is_addressable, rivals)
    found = (await connection.execute(query.distinct())).all()
    return [(row.language, row.value) for row in found]


async def _forget_removed(
    connection: AsyncConnection, connector: Connector, *, before: datetime
) -> None:
    """Forget contents that left the folder long ago, and their former prettyIDs."""
    old = _AT.connector == connector.slug, _AT.removed_at < before
    ids = select(_AT.id).where(*old)
    lines = delete(schema.address).where(
        _LINE.connector == connector.slug, _LINE.content_id.in_(ids)
    )
    await connection.execute(lines)
    await connection.execute(delete(_CONTENT).where(*old))


_CHANGE = update(_CONTENT).where(
    _AT.connector == bindparam("_connector"), _AT.id == bindparam("_id")
)
