"""What an address led to by the last listings, as a hint to the resolver before it asks THRON."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select

from proxy.catalogue import queries, schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.collisions import AddressClaim, ranked
from proxy.catalogue.database import Database
from proxy.catalogue.url_rows import KnownContent
from proxy.clock import utc_now
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector

_ADDRESS = schema.address.c
_CONTENT = schema.content.c


class KnownContents:
    """Reads the catalogue; every method raises DatabaseFailed where there is no answer."""

    def __init__(self, database: Database, *, now: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._now = now

    async def of(self, connector: Connector, address: Address) -> tuple[KnownContent, ...]:
        """Return the contents that an address may lead to, the one that has it first."""
        query = (
            select(schema.content, _ADDRESS.is_current, _ADDRESS.since, _ADDRESS.is_shortened)
            .join_from(
                schema.address,
                schema.content,
                (_CONTENT.connector == _ADDRESS.connector) & (_CONTENT.id == _ADDRESS.content_id),
            )
            .where(
                _ADDRESS.connector == connector.slug,
                _ADDRESS.value == address.value,
                _ADDRESS.language == (address.language or ""),
                _ADDRESS.is_addressable,
                _CONTENT.is_servable,
                _CONTENT.removed_at.is_(None),
                queries.is_present(connector),
            )
        )

        async def read(connection: AsyncConnection) -> tuple[KnownContent, ...]:
            found = {row.id: row for row in (await connection.execute(query)).all()}
            current = select(_ADDRESS.content_id, _ADDRESS.language, _ADDRESS.value).where(
                _ADDRESS.connector == connector.slug,
                _ADDRESS.content_id.in_(found),
                _ADDRESS.is_current,
                _ADDRESS.is_addressable,
                _ADDRESS.is_shortened.is_(False),
            )
            claimed: dict[str, list[tuple[str, str]]] = {}
            for content_id, language, value in (await connection.execute(current)).all():
                claimed.setdefault(content_id, []).append((language, value))
            known, now = [], self._now()
            for claim in ranked(map(_claim, found.values())):
                row = found[claim.content_id]
                content = queries.read_content(connector, row, claimed.get(row.id, []))
                age_s = None
                if row.confirmed is not None:
                    age_s = max(0.0, (now - row.confirmed).total_seconds())
                known.append(KnownContent(content, row.is_current, age_s))
            return tuple(known)

        return await self._database.read_soon(read)

    async def was_published(self, connector: Connector, content_id: str) -> bool:
        """Tell whether a content was published when its status was last final."""
        query = select(_CONTENT.was_published).where(
            _CONTENT.connector == connector.slug,
            _CONTENT.id == content_id,
            _CONTENT.removed_at.is_(None),
            queries.is_present(connector),
        )
        found = await self._database.read_soon(lambda connection: connection.execute(query))
        return any(row.was_published for row in found)

    async def has_any(self) -> bool:
        """Tell whether any content is known that could be served."""
        query = select(_ADDRESS.id).where(_ADDRESS.serves).limit(1)
        found = await self._database.read(lambda connection: connection.execute(query))
        return found.first() is not None


def _claim(row: Row[Any]) -> AddressClaim:
    return AddressClaim(
        content_id=row.id,
        created=row.created,
        is_servable=True,
        is_current=row.is_current,
        since=row.since,
        is_shortened=row.is_shortened,
    )
