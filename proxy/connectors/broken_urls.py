"""Which public URLs a change of a connector would break, by the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.catalogue import schema
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.catalogue.queries import of_content, read_url_row, url_rows
from proxy.catalogue.url_rows import Selection, UrlRow
from proxy.connectors.addresses import public_url
from proxy.connectors.changes import Reason, break_reasons
from proxy.connectors.model import Connector

_ADDRESS = schema.address.c
_LED = frozenset({AddressStatus.OK, AddressStatus.COLLISION, AddressStatus.FORMER})

# Lines read at a time.
_AT_A_TIME = 1000
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class BrokenUrl:
    """One URL that works now, and would not."""

    url: str
    title: str
    content_type: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class BrokenUrls:
    """What a change would break.

    Attributes:
        total: How many URLs.
        by_reason: The same, by why; without those of none.
        sample: The first of them.
    """

    total: int = 0
    by_reason: tuple[tuple[Reason, int], ...] = ()
    sample: tuple[BrokenUrl, ...] = ()


NONE_BROKEN = BrokenUrls()


def reason(
    old: Connector,
    new: Connector | None,
    *,
    content_id: str,
    content_type: str,
    is_published: bool,
    holds: Callable[[str], bool],
) -> Reason | None:
    """Return why the URLs of one content would stop working; None if they would not.

    Args:
        old: Enabled.
        new: Resolved, of the same slug; None: it would be removed.
        content_id: Of a content that is served.
        content_type: Its type.
        is_published: Whether THRON publishes it.
        holds: Whether the new folder holds a content.
    """
    for why in break_reasons(old, new):
        match why:
            case Reason.TYPE:
                is_so = new is not None and content_type not in new.content_types
            case Reason.UNPUBLISHED:
                is_so = not is_published
            case Reason.FOLDER:
                is_so = not holds(content_id)
            case _:
                is_so = True
        if is_so:
            return why
    return None


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
        holds: As for ``reason``.

    Raises:
        DatabaseFailed: The catalogue cannot be read.
    """
    if not break_reasons(old, new):
        return NONE_BROKEN
    counts: dict[Reason, int] = {}
    sample: list[BrokenUrl] = []
    last = 0
    while True:
        found = await _served_after(database, old, last)
        for row in found:
            why = reason(
                old,
                new,
                content_id=row.content_id,
                content_type=row.content_type,
                is_published=row.was_published,
                holds=holds,
            )
            if why is None:
                continue
            counts[why] = counts.get(why, 0) + 1
            if len(sample) < _SHOWN:
                sample.append(_broken(old, read_url_row(row), why, base))
        if len(found) < _AT_A_TIME:
            by_reason = tuple((each, counts[each]) for each in Reason if each in counts)
            return BrokenUrls(sum(counts.values()), by_reason, tuple(sample))
        last = found[-1].id


async def _served_after(database: Database, connector: Connector, last: int) -> list[Row[Any]]:
    query = (
        url_rows(connector, Selection(statuses=_LED))
        .add_columns(of_content(schema.content.c.was_published).label("was_published"))
        .where(_ADDRESS.serves, _ADDRESS.id > last)
        .order_by(_ADDRESS.id)
        .limit(_AT_A_TIME)
    )

    async def read(connection: AsyncConnection) -> list[Row[Any]]:
        return list((await connection.execute(query)).all())

    return await database.read(read)


def _broken(connector: Connector, line: UrlRow, why: Reason, base: str) -> BrokenUrl:
    url = public_url(base, connector, language=line.language, value=line.value or "")
    return BrokenUrl(url, line.title, line.content_type, why)
