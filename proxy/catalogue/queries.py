"""Reads the catalogue: the contents of every connector as the last listings had them.

Nothing here asks THRON; ``sync`` fills what is read. What was entered for a connector as it
was before its folder, types or identifier changed is as good as not there.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    case,
    exists,
    func,
    insert,
    select,
    tuple_,
)

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.catalogue.url_entries import catalogue_fingerprint, folded
from proxy.catalogue.url_rows import (
    CataloguedContent,
    Collision,
    SeenVersion,
    Selection,
    Sort,
    Tally,
    UrlRow,
    UrlRowPage,
)
from proxy.clock import utc_now
from proxy.connectors.identifiers import strategy
from proxy.connectors.model import Connector
from proxy.thron.content import Content, Publication, Title, publication
from proxy.thron.messages import SourceFile

_ADDRESS = schema.address.c
_CONTENT = schema.content.c
_IS_HIDDEN = _ADDRESS.status == AddressStatus.UNPUBLISHED.value
_ROWS: Select[Any] = select(
    # By their places ``read_url_row`` reads these.
    *(_ADDRESS.id, _ADDRESS.content_id, _ADDRESS.content_type, _ADDRESS.title, _ADDRESS.language),
    *(_ADDRESS.value, _ADDRESS.is_addressable, _ADDRESS.status, _ADDRESS.serves, _ADDRESS.since),
    *(_ADDRESS.updated_s, _CONTENT.file_name, _ADDRESS.is_shortened),
    *(_ADDRESS.media_type, _ADDRESS.size, _ADDRESS.modified_s),
    # Of the other statuses they are not needed.
    case((_IS_HIDDEN, _CONTENT.status)).label("word"),
    case((_IS_HIDDEN, _CONTENT.channels)).label("channels"),
    # What else the table is sorted by.
    _ADDRESS.title_key,
).outerjoin_from(
    schema.address,
    schema.content,
    (_CONTENT.connector == _ADDRESS.connector) & (_CONTENT.id == _ADDRESS.content_id),
)

_ORDERS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    Sort.TITLE: (_ADDRESS.title_key, _ADDRESS.id),
    Sort.TYPE: (_ADDRESS.content_type, _ADDRESS.title_key, _ADDRESS.id),
    Sort.LANGUAGE: (_ADDRESS.language, _ADDRESS.title_key, _ADDRESS.id),
    Sort.IDENTIFIER: (_ADDRESS.value, _ADDRESS.language, _ADDRESS.id),
    Sort.STATUS: (_ADDRESS.status, _ADDRESS.title_key, _ADDRESS.id),
    Sort.SIZE: (_ADDRESS.size, _ADDRESS.title_key, _ADDRESS.id),
    Sort.MEDIA_TYPE: (_ADDRESS.media_type, _ADDRESS.title_key, _ADDRESS.id),
    Sort.MODIFIED: (_ADDRESS.modified_s, _ADDRESS.title_key, _ADDRESS.id),
    Sort.UPDATED: (_ADDRESS.updated_s, _ADDRESS.id),
}
# Lines without the first of these columns are a part of their own, after the others.
_WITH_UNKNOWN = frozenset({Sort.SIZE, Sort.MEDIA_TYPE, Sort.MODIFIED})

EVERYTHING = Selection()
_COLLIDING = Selection(statuses=frozenset({AddressStatus.COLLISION}))

_VERSION = schema.content_version.c

# Lines read at a time where all are wanted: what stands in memory, and takes a few milliseconds.
_AT_A_TIME = 500


class Contents:
    """Reads the catalogue; every method raises DatabaseFailed where there is no answer."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def page(
        self,
        connector: Connector,
        selection: Selection = EVERYTHING,
        *,
        sort: Sort = Sort.TITLE,
        descending: bool = False,
        offset: int = 0,
        limit: int = 50,
    ) -> UrlRowPage:
        """Return one page of the summary table, and how many lines the selection has."""

        async def read(connection: AsyncConnection) -> UrlRowPage:
            ids: list[int] = []
            total = 0
            for part in _parts(connector, selection, sort, descending=descending):
                start = max(0, offset - total)
                found, number = await part.page(connection, start, limit - len(ids))
                ids += found
                total += number
            lines = await connection.execute(_ROWS.where(_ADDRESS.id.in_(ids)))
            by_id = {row.id: read_url_row(row) for row in lines.all()}
            return UrlRowPage(tuple(by_id[each] for each in ids if each in by_id), total, offset)

        return await self._database.read(read)

    async def each(
        self,
        connector: Connector,
        selection: Selection = EVERYTHING,
        *,
        sort: Sort = Sort.TITLE,
        descending: bool = False,
    ) -> AsyncIterator[UrlRow]:
        """Give all lines of a selection, few at a time in memory."""
        async for batch in self.batches(connector, selection, sort=sort, descending=descending):
            for line in batch:
                yield line

    async def batches(
        self,
        connector: Connector,
        selection: Selection = EVERYTHING,
        *,
        sort: Sort = Sort.TITLE,
        descending: bool = False,
    ) -> AsyncIterator[Sequence[UrlRow]]:
        """Give all lines of a selection as they are read, many at once: it costs less.

        What changes meanwhile may be seen or not, but no line comes twice for it.
        """
        for part in _parts(connector, selection, sort, descending=descending):
            query: Select[Any] | None = part.ordered(_ROWS)
            while query is not None:
                found = await self._read(query.limit(_AT_A_TIME))
                yield [read_url_row(row) for row in found]
                query = part.after(_ROWS, found[-1]) if len(found) == _AT_A_TIME else None

    async def tally(self, connector: Connector) -> Tally:
        """Count lines and contents, for the heads of the table's filters."""
        lines = (
            select(_ADDRESS.status, _ADDRESS.language, func.count().label("number"))
            .where(_ADDRESS.connector == connector.slug, is_present(connector))
            .group_by(_ADDRESS.status, _ADDRESS.content_type, _ADDRESS.language)
        )
        contents = (
            select(_CONTENT.content_type, func.count().label("number"))
            .where(
                _CONTENT.connector == connector.slug,
                _CONTENT.removed_at.is_(None),
                is_present(connector),
            )
            .group_by(_CONTENT.content_type)
        )

        async def read(connection: AsyncConnection) -> Tally:
            counted = (await connection.execute(lines)).all()
            by_type = (await connection.execute(contents)).all()
            by_status = dict.fromkeys(AddressStatus, 0)
            by_language: dict[str, int] = {}
            for row in counted:
                by_status[AddressStatus(row.status)] += row.number
                if row.status != AddressStatus.REMOVED.value:
                    by_language[row.language] = by_language.get(row.language, 0) + row.number
            removed = by_status.pop(AddressStatus.REMOVED)
            return Tally(
                contents=sum(row.number for row in by_type),
                lines=sum(by_status.values()),
                removed=removed,
                by_status=by_status,
                by_type={row.content_type: row.number for row in by_type},
                by_language=by_language,
            )

        return await self._database.read(read)

    async def collisions(
        self, connector: Connector, *, offset: int = 0, limit: int = 50
    ) -> tuple[Collision, ...]:
        """Return addresses that several contents claim, in the order of their values."""
        keys = colliding(connector).limit(limit).offset(offset)

        async def read(connection: AsyncConnection) -> list[UrlRow]:
            wanted = [(row.value, row.language) for row in (await connection.execute(keys)).all()]
            lines = url_rows(connector, _COLLIDING).where(
                _ADDRESS.value.in_({value for value, _ in wanted})
            )
            found = map(read_url_row, (await connection.execute(lines)).all())
            return [line for line in found if (line.value, line.language or "") in wanted]

        lines = sorted(await self._database.read(read), key=_rivalry)
        rivals = groupby(lines, key=lambda line: (line.language, line.value or ""))
        return tuple(
            Collision(language, value, tuple(lines)) for (language, value), lines in rivals
        )

    async def content(self, connector: Connector, content_id: str) -> CataloguedContent | None:
        """Return one content with all its addresses; None if the folder never held it."""
        selection = Selection(statuses=frozenset(AddressStatus), content_id=content_id)
        lines = url_rows(connector, selection)
        record = select(schema.content).where(
            _CONTENT.connector == connector.slug,
            _CONTENT.id == content_id,
            is_present(connector),
        )
        versions = (
            select(schema.content_version)
            .where(_VERSION.content_id == content_id)
            .order_by(_VERSION.first_seen.desc(), _VERSION.modified.desc())
        )

        async def read(connection: AsyncConnection) -> CataloguedContent | None:
            row = (await connection.execute(record)).one_or_none()
            if row is None:
                return None
            found = map(read_url_row, (await connection.execute(lines)).all())
            in_order = sorted(found, key=lambda line: (line.language or "", line.value or ""))
            seen = map(_version, (await connection.execute(versions)).all())
            claimed = [
                (each.language or "", each.value)
                for each in in_order
                if each.value is not None
                and each.status is not AddressStatus.FORMER
                and not each.is_shortened
            ]
            return CataloguedContent(
                content=read_content(connector, row, claimed),
                is_servable=row.is_servable,
                lines=tuple(in_order),
                first_seen=row.first_seen,
                changed=row.changed,
                confirmed=row.confirmed,
                removed_at=row.removed_at,
                versions=tuple(seen),
            )

        return await self._database.read(read)

    async def served_at(self, connector: Connector, line: UrlRow) -> UrlRow | None:
        """Return the line of the content that a line's address leads to; None if to no content."""
        query = url_rows(connector, EVERYTHING).where(
            _ADDRESS.language == (line.language or ""),
            _ADDRESS.value == (line.value or ""),
            _ADDRESS.serves,
        )
        found = await self._read(query.limit(1))
        return read_url_row(found[0]) if found else None

    async def note_version(self, content_id: str, file: SourceFile) -> None:
        """Remember a version of a content's source file, unless it is known or has no id."""
        table, now = schema.content_version, self._now()
        if file.version_id is None:
            return
        key = (_VERSION.content_id == content_id) & (_VERSION.version_id == file.version_id)

        async def write(connection: AsyncConnection) -> None:
            if (await connection.execute(select(_VERSION.version_id).where(key))).first() is None:
                await connection.execute(
                    insert(table).values(
                        content_id=content_id,
                        version_id=file.version_id,
                        file_name=file.file_name,
                        media_type=file.media_type,
                        size=file.size,
                        modified=file.modified,
                        first_seen=now,
                    )
                )

        await self._database.write(write)

    async def _read(self, query: Any) -> list[Row[Any]]:
        async def read(connection: AsyncConnection) -> list[Row[Any]]:
            return list((await connection.execute(query)).all())

        return await self._database.read(read)


def _rivalry(line: UrlRow) -> tuple[str, str, bool, str]:
    """Order lines by their address, and those of one address so that who has it is first."""
    return (line.value or "", line.language or "", not line.serves, line.content_id)


def _version(row: Row[Any]) -> SeenVersion:
    return SeenVersion(
        file=SourceFile(
            version_id=row.version_id,
            file_name=row.file_name,
            media_type=row.media_type,
            size=row.size,
            modified=row.modified,
        ),
        first_seen=row.first_seen,
    )


def is_present(connector: Connector) -> ColumnElement[bool]:
    """Return the condition that a connector's rows were made for it as it is now."""
    table = schema.catalogued.c
    return exists(
        select(table.connector).where(
            table.connector == connector.slug, table.shape == catalogue_fingerprint(connector)
        )
    )


def conditions(connector: Connector, selection: Selection) -> list[ColumnElement[bool]]:
    """Return the conditions that the lines of a selection fulfil."""
    found = [_ADDRESS.connector == connector.slug, is_present(connector)]
    if selection.statuses:
        found.append(_ADDRESS.status.in_(sorted(selection.statuses)))
    else:
        found.append(_ADDRESS.status != AddressStatus.REMOVED.value)
    if selection.types:
        found.append(_ADDRESS.content_type.in_(sorted(selection.types)))
    if selection.languages:
        found.append(_ADDRESS.language.in_(sorted(selection.languages)))
    if selection.numbers:
        found.append(_ADDRESS.id.in_(sorted(selection.numbers)))
    if selection.content_id is not None:
        found.append(_ADDRESS.content_id == selection.content_id)
    words = folded(selection.search).split()
    if words:
        # By a query of its own: the index for it holds all that it reads.
        has_words = (_ADDRESS.search.contains(word, autoescape=True) for word in words)
        hits = select(_ADDRESS.id).where(_ADDRESS.connector == connector.slug, *has_words)
        found.append(_ADDRESS.id.in_(hits))
    return found


def url_rows(connector: Connector, selection: Selection) -> Select[Any]:
    """Return the query of the lines of a selection, in no order yet."""
    return _ROWS.where(*conditions(connector, selection))


@dataclass(frozen=True, slots=True)
class _OrderedPart:
    """The lines of a selection that one order holds for; no two are equal in it."""

    conditions: Sequence[ColumnElement[bool]]
    order: Sequence[ColumnElement[Any]]
    descending: bool

    def ordered(self, query: Select[Any], *, turned: bool = False) -> Select[Any]:
        """Return a query for these lines, in their order or the other way round."""
        down = self.descending is not turned
        return query.where(*self.conditions).order_by(
            *(each.desc() if down else each.asc() for each in self.order)
        )

    def after(self, query: Select[Any], last: Row[Any]) -> Select[Any]:
        """Return a query for those that come after one."""
        here = tuple_(*self.order)
        there = tuple_(*(getattr(last, each.key or "") for each in self.order))
        return self.ordered(query).where(here < there if self.descending else here > there)

    async def page(
        self, connection: AsyncConnection, start: int, limit: int
    ) -> tuple[list[int], int]:
        """Return the numbers of some lines, and how many lines there are."""
        number: int | None = None
        if start:
            number = (await connection.execute(self.count())).scalar_one()
            limit = max(0, min(limit, number - start))
        is_turned = number is not None and 2 * start > number
        if is_turned and number is not None:
            # The end is nearer, and what comes before the page is read: the other way round.
            start = max(0, number - start - limit)
        query = self.ordered(select(_ADDRESS.id), turned=is_turned).limit(limit).offset(start)
        ids = list((await connection.execute(query)).scalars()) if limit else []
        if is_turned:
            ids.reverse()
        if number is None:
            number = len(ids)
            if number == limit:  # else these are all of them
                number = (await connection.execute(self.count())).scalar_one()
        return ids, number

    def count(self) -> Select[int]:
        """Return the query of how many these are."""
        return select(func.count()).select_from(schema.address).where(*self.conditions)


def _parts(
    connector: Connector, selection: Selection, sort: Sort, *, descending: bool
) -> Sequence[_OrderedPart]:
    """Return the parts that a selection has in an order, one after the other."""
    here, order = conditions(connector, selection), _ORDERS[sort]
    if sort not in _WITH_UNKNOWN:
        return [_OrderedPart(here, order, descending)]
    key, *rest = order
    return [
        _OrderedPart([*here, key.is_not(None)], order, descending),
        _OrderedPart([*here, key.is_(None)], rest, descending),
    ]


def colliding(connector: Connector) -> Select[Any]:
    """Return the query of the addresses that several contents claim, in order.

    What it sorts by stands in no index, so that the few lines of that status are what it reads.
    """
    value = func.coalesce(_ADDRESS.value, "").label("value")
    language = func.coalesce(_ADDRESS.language, "").label("language")
    status = AddressStatus.COLLISION.value
    query = select(value, language).where(
        _ADDRESS.connector == connector.slug, _ADDRESS.status == status, is_present(connector)
    )
    return query.distinct().order_by(value, language)


def _instant(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


_STATUSES = {each.value: each for each in AddressStatus}


def read_url_row(row: Sequence[Any]) -> UrlRow:
    """Return the line of a row of ``url_rows``; after its columns there may be more."""
    # An export reads 200,000 rows: nothing here makes a list of some of them.
    # fmt: off
    (number, content_id, content_type, title, language, value, is_addressable, word, serves, since,
     updated_s, file_name, is_shortened, media_type, size, modified_s, thron_status, channels,
     ) = row[:18]
    # fmt: on
    status, hidden = _STATUSES[word], None
    if status is AddressStatus.UNPUBLISHED:
        why = publication(thron_status, (channels or "").split())
        hidden = why if why is not Publication.PUBLISHED else None
    updated, modified = _instant(updated_s), _instant(modified_s)
    # fmt: off
    return UrlRow(
        number, content_id, content_type, title, language or None, value or None, is_addressable,
        status, serves, since, updated, file_name, hidden, is_shortened, media_type, size, modified,
    )
    # fmt: on


def read_content(connector: Connector, row: Any, claimed: Sequence[tuple[str, str]]) -> Content:
    """Return the content of a row, with the addresses that are current.

    Args:
        connector: Whose addresses they are.
        row: Of the table ``content``.
        claimed: Languages and values of its current addresses.
    """
    content = Content(
        id=row.id,
        content_type=row.content_type,
        creation_date=row.created,
        last_update=row.updated,
        titles=tuple(Title(language, text) for language, text in row.titles),
        file_name=row.file_name,
        channels=tuple(row.channels.split()),
        status=row.status,
    )
    return strategy(connector).with_values(connector, content, claimed)
