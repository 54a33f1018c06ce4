"""The connectors that a database keeps: read, applied, removed, and followed as they change.

Each change is one transaction with its audit. A row has a column for each field of Connector, by
its name; what a column cannot hold is written as text: a word of an enumeration, and several of
them with spaces between.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, get_args, get_origin

import structlog
from sqlalchemy import delete, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database, bump, revision
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.catalogue.purges import Purge, PurgeKind, enter_purges
from proxy.catalogue.served_files import forget
from proxy.connectors.changes import Changes, compare, conflicts, differences
from proxy.connectors.model import Connector, Connectors
from proxy.errors import ConfigurationError

log = structlog.get_logger("proxy.connectors")

_CONNECTOR = schema.connector
_REMOVED = "connector removed"


@dataclass(frozen=True, slots=True)
class ConnectorStore:
    """The connectors that a database keeps.

    Every method raises DatabaseFailed where the database does not answer.
    """

    database: Database

    async def read(self) -> Connectors:
        """Return every connector, by slug, and the revision that they are of."""

        async def read(connection: AsyncConnection) -> Connectors:
            number, found = await revision(connection), await _all(connection)
            if found:
                return Connectors(number, found, is_new=False)
            # New is where none has ever been removed, as far as the audit reaches.
            query = select(schema.audit.c.id).where(schema.audit.c.action == _REMOVED).limit(1)
            removed = (await connection.execute(query)).first()
            return Connectors(number, found, is_new=removed is None)

        return await self.database.read(read)

    async def apply(
        self, wanted: Sequence[Connector], *, actor: str, planned_on: Connectors | None = None
    ) -> Changes:
        """Create or change connectors; those that are not named stay as they are.

        Nothing happens, not even a new revision, where nothing is different.

        Args:
            wanted: Valid ones, with their folders resolved.
            actor: For the audit, such as ``cli``.
            planned_on: The connectors that there were when somebody agreed to this.

        Raises:
            ConfigurationError: Two connectors would have one slug or one host, or one of them is
                not as it was.
        """

        async def apply(connection: AsyncConnection) -> Changes:
            known = {each.slug: each for each in await _all(connection)}
            # Another process may have taken a host since this was planned, or changed the same
            # connector: what was agreed to was another change then.
            problems = [each.text for each in conflicts(known, wanted)]
            if planned_on is not None:
                problems += [
                    _changed_meanwhile(each.slug)
                    for each in wanted
                    if known.get(each.slug) != planned_on.of_slug(each.slug)
                ]
            if problems:
                raise ConfigurationError(problems)
            changes = compare(known, wanted)
            # Hosts are let go first, so that two connectors can exchange theirs.
            changing = update(_CONNECTOR).where(_CONNECTOR.c.slug.in_(changes.changed))
            await connection.execute(changing.values(host=None))
            by_slug = {each.slug: each for each in wanted}
            for slug in (*changes.created, *changes.changed):
                old, new = known.get(slug), by_slug[slug]
                query = (
                    insert(_CONNECTOR)
                    if old is None
                    else update(_CONNECTOR).where(_CONNECTOR.c.slug == slug)
                )
                await connection.execute(query.values(**row_of(new)))
                if old is not None and old.delivery is not new.delivery:
                    for statement in forget(slug):
                        await connection.execute(statement)
                await self.database.note(
                    connection,
                    actor=actor,
                    action=f"connector {'created' if old is None else 'changed'}",
                    subject=slug,
                    detail=differences(old, new),
                )
            if changes.created or changes.changed:
                await bump(connection)
            await self._purge(connection, changes.changed, actor=actor)
            return changes

        return await self.database.write(apply)

    async def remove(self, slug: str, *, actor: str, planned_on: Connector | None = None) -> bool:
        """Remove a connector, and tell whether there was one.

        Args:
            slug: Of the connector.
            actor: For the audit, such as ``cli``.
            planned_on: As it was when somebody agreed to this; None: however it is.

        Raises:
            ConfigurationError: It is not as it was.
        """

        async def remove(connection: AsyncConnection) -> bool:
            known = {each.slug: each for each in await _all(connection)}
            if slug not in known:
                return False
            if planned_on is not None and known[slug] != planned_on:
                raise ConfigurationError([_changed_meanwhile(slug)])
            await connection.execute(delete(_CONNECTOR).where(_CONNECTOR.c.slug == slug))
            detail = differences(known[slug], None)
            await self.database.note(
                connection, actor=actor, action=_REMOVED, subject=slug, detail=detail
            )
            await bump(connection)
            await self._purge(connection, [slug], actor=actor)
            return True

        return await self.database.write(remove)

    async def _purge(
        self, connection: AsyncConnection, slugs: Sequence[str], *, actor: str
    ) -> None:
        """Order what caches hold of connectors to be forgotten, after a new revision."""
        purges = [Purge(PurgeKind.CONNECTOR, each) for each in slugs]
        await enter_purges(connection, purges, actor=actor, now=self.database.now())


def _changed_meanwhile(slug: str) -> str:
    return f"connector {slug}: somebody else changed it meanwhile; look at it again."


async def _all(connection: AsyncConnection) -> tuple[Connector, ...]:
    found = await connection.execute(select(_CONNECTOR))
    made = (connector_of(dict(row)) for row in found.mappings())
    # Sorted here: the order of a database depends on its collation.
    return tuple(sorted(made, key=lambda each: each.slug))


def row_of(connector: Connector) -> dict[str, Any]:
    """Return a connector as the columns of its row, by the names of its fields."""
    row: dict[str, Any] = {}
    for name, value in connector:
        if isinstance(value, frozenset):
            row[name] = " ".join(sorted(value))
        else:
            row[name] = value.value if isinstance(value, StrEnum) else value
    return row


def connector_of(row: Mapping[str, Any]) -> Connector:
    """Return the connector of a row, read by the column's names.

    Nothing is checked: a row that a stricter version would refuse is served as it always was,
    rather than in the way of all the others.
    """
    read: dict[str, Any] = {}
    for name, value in row.items():
        field: Any = Connector.model_fields[name].annotation
        if get_origin(field) is frozenset:
            [word] = get_args(field)
            read[name] = frozenset(map(word, value.split()))
        elif isinstance(field, type) and issubclass(field, StrEnum):
            read[name] = field(value)
        else:
            read[name] = value
    return Connector.model_construct(**read)


class ConnectorWatch:
    """Holds the connectors of the newest revision seen."""

    def __init__(
        self,
        database: Database,
        connectors: Connectors,
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._changed = changed
        self._told = connectors.revision
        self.connectors = connectors

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        *,
        changed: Callable[[], Awaitable[None]],
        interval_s: float = INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Read the connectors, and follow their changes until the end of the block.

        Args:
            database: Open.
            changed: Called after each newer revision, again if it fails: it may be the tenant
                that has changed.
            interval_s: Between two looks at the revision.

        Raises:
            DatabaseFailed: They cannot be read even once.
        """
        self = cls(database, await ConnectorStore(database).read(), changed)
        async with polling("connectors", self.refresh, interval_s=interval_s):
            yield self

    async def refresh(self) -> None:
        """Read the connectors if there is a newer revision.

        Raises:
            DatabaseFailed: The database does not answer; what was read before stands.
        """
        number = await self._database.revision()
        if number != self.connectors.revision:
            self.connectors = await ConnectorStore(self._database).read()
            log.info(
                "connectors read",
                revision=self.connectors.revision,
                slugs=[each.slug for each in self.connectors.all],
            )
        if self._told != self.connectors.revision:
            await self._changed()
            self._told = self.connectors.revision
