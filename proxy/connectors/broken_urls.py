"""Which public URLs a change of a connector would break, by the catalogue."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from sqlalchemy import Row, Select

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.queries import EVERYTHING, read_url_row, url_rows
from proxy.catalogue.url_rows import UrlRow
from proxy.connectors.addresses import public_url
from proxy.connectors.changes import (
    MARK,
    BrokenUrl,
    BrokenUrls,
    Reason,
    ReasonCount,
    break_reason,
)
from proxy.connectors.identifiers import naming_of
from proxy.connectors.model import Connector, Identifier

_ADDRESS = schema.address.c

# Rows read at a time: what stands in memory, and takes a few milliseconds.
_AT_A_TIME = 500
_SHOWN = 20


async def broken_urls(
    database: Database,
    old: Connector,
    new: Connector | None,
    *,
    base: str,
    holds: Callable[[str], bool],
) -> BrokenUrls:
    """Return the URLs that work now by the catalogue, and would not after a change.

    Args:
        database: Has the catalogue.
        old: The connector as it is.
        new: As it would be, resolved; None: removed.
        base: Of public URLs.
        holds: As for ``break_reason``.

    Raises:
        DatabaseFailed: The catalogue cannot be read.
    """
    counts: dict[Reason, int] = {}
    sample: list[BrokenUrl] = []
    marks: list[int] = []
    total = 0
    async for row, why in _broken_rows(database, old, new, holds=holds, after=0):
        total += 1
        counts[why] = counts.get(why, 0) + 1
        if len(sample) < _SHOWN:
            sample.append(_broken(old, new, read_url_row(row), why, base))
        if total % MARK == 0:
            marks.append(row.id)
    by_reason = tuple(ReasonCount(each, counts[each]) for each in Reason if each in counts)
    return BrokenUrls(total, by_reason, tuple(sample), tuple(marks))


async def each_broken_url(
    database: Database,
    old: Connector,
    new: Connector | None,
    *,
    base: str,
    holds: Callable[[str], bool],
    after: int = 0,
) -> AsyncIterator[BrokenUrl]:
    """Give all of them after a number, as ``broken_urls`` has them, few at a time in memory."""
    async for row, why in _broken_rows(database, old, new, holds=holds, after=after):
        yield _broken(old, new, read_url_row(row), why, base)


async def _broken_rows(
    database: Database,
    old: Connector,
    new: Connector | None,
    *,
    holds: Callable[[str], bool],
    after: int,
) -> AsyncIterator[tuple[Row[Any], Reason]]:
    """Give the rows behind them: of a large folder most are only counted."""
    serving = (
        url_rows(old, EVERYTHING)
        .add_columns(schema.content.c.was_published)
        .where(_ADDRESS.serves)
        .order_by(_ADDRESS.id)
        .limit(_AT_A_TIME)
    )
    while True:
        query = serving.where(_ADDRESS.id > after)

        async def read(connection: AsyncConnection, query: Select[Any] = query) -> list[Row[Any]]:
            return list((await connection.execute(query)).all())

        found = await database.read(read)
        for row in found:
            why = break_reason(
                old,
                new,
                content_id=row.content_id,
                content_type=row.content_type,
                is_published=row.was_published,
                holds=holds,
            )
            if why is not None:
                yield row, why
        if len(found) < _AT_A_TIME:
            return
        after = found[-1].id


def _broken(
    old: Connector, new: Connector | None, line: UrlRow, why: Reason, base: str
) -> BrokenUrl:
    url = public_url(base, old, language=line.language, value=line.value or "")
    new_url = _new_url(old, new, line, why, base)
    return BrokenUrl(line.number, url, line.title, line.content_type, why, new_url)


def _new_url(
    old: Connector, new: Connector | None, line: UrlRow, why: Reason, base: str
) -> str | None:
    """Return the URL that takes the place of a line's; None where there is none, or none known.

    A prettyID or a metadata that names contents from now on is read with the folder, once the
    change has been saved.
    """
    if new is None or why not in {Reason.HOST, Reason.IDENTIFIER, Reason.METADATA}:
        return None
    if new.identifier is Identifier.CONTENT_ID:
        return public_url(base, new, language=None, value=line.content_id)
    if naming_of(new) == naming_of(old):
        return public_url(base, new, language=line.language, value=line.value or "")
    return None
