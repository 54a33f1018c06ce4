"""Which settings of a connector its rows were made for, and what is dropped when these change.

Two fingerprints say so: of folder, types and addresses, and of what addresses are made of alone.
Rows of another fingerprint are not read; ``fit`` drops or keeps them in one transaction.
"""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, enter_purges
from proxy.catalogue.url_entries import address_fingerprint, catalogue_fingerprint
from proxy.connectors.model import Connector

_TABLE = schema.catalogued
_AT = _TABLE.c


class Fingerprints:
    """Fits the catalogue to connectors; every method may raise DatabaseFailed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fit(self, connector: Connector, *, client_id: str) -> bool:
        """Fit what is catalogued of a connector to it, and tell whether anything had to change.

        Contents of another tenant go, from caches too. Addresses go where they are made of
        something else now. Contents stay, with their former prettyIDs, but none counts as
        confirmed until a listing for the connector as it is now has shown it.
        """

        async def write(connection: AsyncConnection) -> bool:
            query = select(_TABLE).where(_AT.connector == connector.slug)
            before = (await connection.execute(query)).one_or_none()
            wanted = (client_id, catalogue_fingerprint(connector), address_fingerprint(connector))
            if before is not None and (before.client_id, before.shape, before.naming) == wanted:
                return False
            if before is None or before.client_id != client_id:
                await _forget_contents(connection, [connector.slug])
                if before is not None:
                    # No listing will find these contents gone, and caches may hold them.
                    gone = [Purge(PurgeKind.CONNECTOR, connector.slug)]
                    now = self._database.now()
                    await enter_purges(connection, gone, actor="sync", now=now)
            elif before.naming != address_fingerprint(connector):
                addresses = schema.address
                mine = addresses.c.connector == connector.slug
                await connection.execute(delete(addresses).where(mine))
            # Every content is to be confirmed, and its lines are to be written, anew.
            contents, unconfirmed = schema.content, {"confirmed": None, "digest": "", "run": 0}
            mine = contents.c.connector == connector.slug
            await connection.execute(update(contents).where(mine).values(unconfirmed))
            await connection.execute(delete(_TABLE).where(_AT.connector == connector.slug))
            names = ("client_id", "shape", "naming")
            row = {"connector": connector.slug, **dict(zip(names, wanted, strict=True))}
            await connection.execute(insert(_TABLE).values(row))
            return True

        return await self._database.write(write)

    async def retain(self, slugs: Iterable[str]) -> None:
        """Drop what is catalogued of every other connector."""
        kept = set(slugs)

        async def read(connection: AsyncConnection) -> list[str]:
            found = (await connection.execute(select(_AT.connector))).scalars()
            return [slug for slug in found if slug not in kept]

        gone = await self._database.read(read)
        if not gone:
            return

        async def write(connection: AsyncConnection) -> None:
            # Read anew: one of them may have come back meanwhile.
            query = select(schema.connector.c.slug).where(schema.connector.c.slug.in_(gone))
            back = set((await connection.execute(query)).scalars())
            slugs = [slug for slug in gone if slug not in back]
            await _forget_contents(connection, slugs)
            for table in (schema.sync_run, schema.catalogued):
                await connection.execute(delete(table).where(table.c.connector.in_(slugs)))

        await self._database.write(write)


async def _forget_contents(connection: AsyncConnection, slugs: list[str]) -> None:
    """Forget contents, but not a listing that was requested."""
    for table in (schema.address, schema.content):
        await connection.execute(delete(table).where(table.c.connector.in_(slugs)))
