"""Contents that left a connector's folder: their lines stay as removed ones for a while."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.catalogue import schema
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_row_writer import Key, settle
from proxy.connectors.model import Connector

_CONTENT = schema.content
_AT = _CONTENT.c
_LINE = schema.address.c


async def remove(
    connection: AsyncConnection,
    connector: Connector,
    gone: Sequence[ColumnElement[bool]],
    *,
    now: datetime,
) -> int:
    """Note that contents have left the folder, and settle who has their addresses now.

    Args:
        connection: In a transaction that writes.
        connector: Whose contents they are.
        gone: The conditions of their rows of the table ``content``.
        now: When this was found.
    """
    ids = select(_AT.id).where(*gone)
    theirs = _LINE.connector == connector.slug, _LINE.content_id.in_(ids)
    shared = await _shared(connection, connector, theirs)
    lines = update(schema.address).where(*theirs)
    await connection.execute(lines.values(status=AddressStatus.REMOVED.value, serves=False))
    contents = update(_CONTENT).where(*gone)
    removed = await connection.execute(contents.values(removed_at=now, is_servable=False))
    await settle(connection, connector, shared)
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


async def forget_removed(
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
