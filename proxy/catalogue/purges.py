"""Purges: orders to forget an address, a content, a connector or all; what the catalogue does."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, select, true, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.catalogue import schema

_AT = schema.content.c
_LINE = schema.address.c


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
        value: An address as ``cache_key`` writes it, a content id or a slug; empty for all.
    """

    kind: PurgeKind
    value: str = ""


async def invalidate(connection: AsyncConnection, purge: Purge) -> None:
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
