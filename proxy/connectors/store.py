"""The rows of connectors: read, applied and removed, each in one transaction with its audit."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from proxy.catalogue import schema
from proxy.catalogue.database import Database, bump, revision
from proxy.connectors import rows
from proxy.connectors.changes import Changes, compare, conflicts, differences
from proxy.connectors.model import Connector, Connectors
from proxy.errors import ConfigurationError

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
            return Connectors(number, found, is_new=not found and not await _removed(connection))

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
                    f"connector {each.slug}: somebody else changed it meanwhile; look at it again."
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
                await connection.execute(query.values(**rows.columns(new)))
                await self.database.note(
                    connection,
                    actor=actor,
                    action=f"connector {'created' if old is None else 'changed'}",
                    subject=slug,
                    detail=differences(old, new),
                )
            if changes.created or changes.changed:
                await bump(connection)
            return changes

        return await self.database.write(apply)

    async def remove(self, slug: str, *, actor: str) -> bool:
        """Remove a connector, and tell whether there was one."""

        async def remove(connection: AsyncConnection) -> bool:
            known = {each.slug: each for each in await _all(connection)}
            if slug not in known:
                return False
            await connection.execute(delete(_CONNECTOR).where(_CONNECTOR.c.slug == slug))
            detail = differences(known[slug], None)
            await self.database.note(
                connection, actor=actor, action=_REMOVED, subject=slug, detail=detail
            )
            await bump(connection)
            return True

        return await self.database.write(remove)


async def _all(connection: AsyncConnection) -> tuple[Connector, ...]:
    found = await connection.execute(select(_CONNECTOR))
    made = (rows.connector(dict(row)) for row in found.mappings())
    # Sorted here: the order of a database depends on its collation.
    return tuple(sorted(made, key=lambda each: each.slug))


async def _removed(connection: AsyncConnection) -> bool:
    """Tell whether a connector has ever been removed, as far as the audit reaches."""
    query = select(schema.audit.c.id).where(schema.audit.c.action == _REMOVED).limit(1)
    return (await connection.execute(query)).first() is not None
