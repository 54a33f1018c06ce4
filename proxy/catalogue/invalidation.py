"""What a purge does to the catalogue: it stays, but counts only with THRON's word from then on."""

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.catalogue import schema
from proxy.catalogue.purges import Purge, PurgeKind

_AT = schema.content.c
_LINE = schema.address.c


async def doubt(connection: AsyncConnection, purge: Purge) -> None:
    """Let contents be served again only after THRON has been asked about them."""
    query = update(schema.content).where(_is_meant(purge)).values(confirmed=None)
    await connection.execute(query)


def _is_meant(purge: Purge) -> ColumnElement[bool]:
    match purge.kind:
        case PurgeKind.ALL:
            return true()
        case PurgeKind.CONNECTOR:
            return _AT.connector == purge.value
        case PurgeKind.CONTENT:
            return _AT.id == purge.value
        case PurgeKind.ADDRESS:
            slug, _, rest = purge.value.partition("/")
            language, _, value = rest.partition("/")
            holders = select(_LINE.content_id).where(
                _LINE.connector == slug, _LINE.value == value, _LINE.language == language
            )
            return (_AT.connector == slug) & _AT.id.in_(holders)
