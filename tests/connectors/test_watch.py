"""The connectors of the newest revision, whoever made it."""

import asyncio

import pytest
from sqlalchemy import text

from proxy.catalogue.async_engine import create_async_engine
from proxy.catalogue.database import Database
from proxy.catalogue.engine import place
from proxy.connectors.model import Connector, Identifier
from proxy.connectors.store import ConnectorStore
from proxy.connectors.watch import ConnectorWatch
from proxy.errors import DatabaseFailed
from tests.waiting import PATIENCE_S

FILES = Connector(slug="files", folder="f", folder_id="f-1", identifier=Identifier.CONTENT_ID)
NEVER_S = 3600.0


class Told:
    """Counts what it is told; fails as often as it is ordered to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.times = 0
        self.once = asyncio.Event()
        self._failures = failures

    async def __call__(self) -> None:
        """Count, or fail."""
        if self._failures:
            self._failures -= 1
            raise DatabaseFailed
        self.times += 1
        self.once.set()


async def test_another_process_s_change_is_followed(sqlite_url: str) -> None:
    """A change through another connection to the database is seen without being asked for."""
    told = Told()
    async with (
        Database.open(sqlite_url) as ours,
        Database.open(sqlite_url) as theirs,
        ConnectorWatch.open(ours, changed=told, interval_s=0.01) as watch,
        asyncio.timeout(PATIENCE_S),
    ):
        assert not watch.connectors.all
        await ConnectorStore(theirs).apply([FILES], actor="cli")
        await told.once.wait()
        assert watch.connectors.all == (FILES,)


async def test_without_change_nothing_is_read(sqlite_url: str) -> None:
    """The same snapshot stays, and nobody is told, while the revision is the same."""
    told = Told()
    async with (
        Database.open(sqlite_url) as database,
        ConnectorWatch.open(database, changed=told, interval_s=NEVER_S) as watch,
    ):
        await ConnectorStore(database).apply([FILES], actor="cli")
        await watch.refresh()
        snapshot = watch.connectors
        await watch.refresh()
        assert watch.connectors is snapshot
        assert told.times == 1


async def test_who_failed_to_hear_is_told_again(sqlite_url: str) -> None:
    """The connectors are new though the one who is told fails; it is told again."""
    told = Told(failures=1)
    async with (
        Database.open(sqlite_url) as database,
        ConnectorWatch.open(database, changed=told, interval_s=NEVER_S) as watch,
    ):
        await ConnectorStore(database).apply([FILES], actor="cli")
        with pytest.raises(DatabaseFailed):
            await watch.refresh()
        assert watch.connectors.all == (FILES,)
        await watch.refresh()
        assert told.times == 1


async def test_what_was_read_stands_while_the_database_fails(sqlite_url: str) -> None:
    """A database that breaks takes no connector away."""
    async with Database.open(sqlite_url) as database:
        await ConnectorStore(database).apply([FILES], actor="cli")
        async with ConnectorWatch.open(database, changed=Told(), interval_s=NEVER_S) as watch:
            engine = create_async_engine(place(sqlite_url).url)
            async with engine.begin() as connection:
                await connection.execute(text("DROP TABLE revision"))
            await engine.dispose()
            with pytest.raises(DatabaseFailed):
                await watch.refresh()
            assert watch.connectors.all == (FILES,)
