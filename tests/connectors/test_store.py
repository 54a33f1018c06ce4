"""Connectors kept in SQLite and in PostgreSQL alike, and followed, whoever changes them."""

import asyncio
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from proxy.catalogue.async_engine import create_async_engine
from proxy.catalogue.database import Database
from proxy.catalogue.engine import place
from proxy.connectors.changes import Changes
from proxy.connectors.model import (
    Connector,
    Connectors,
    DeliveryMode,
    Disposition,
    Identifier,
)
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.errors import ConfigurationError, DatabaseFailed
from proxy.thron.content import ContentType
from tests.catalogue.audited import audited
from tests.waiting import PATIENCE_S

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FILES = Connector(slug="files", folder="f", folder_id="f-1", identifier=Identifier.CONTENT_ID)
SKUS = Connector(
    slug="skus",
    folder="brochures",
    folder_id="f-2",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c-1",
    enabled=False,
    subfolders=False,
    content_types=frozenset({ContentType.OTHER, ContentType.AUDIO}),
    force_https=True,
    delivery=DeliveryMode.PUBLISHED,
    disposition=Disposition.INLINE,
    max_age_s=2**31 - 1,
    robots="noindex, nofollow",
    host="skus.example.com",
)


async def test_connectors_are_kept(database_url: str) -> None:
    """What was applied is there after a restart, field by field, ordered by slug."""
    async with Database.open(database_url) as database:
        assert await ConnectorStore(database).apply([SKUS, FILES], actor="cli") == Changes(
            created=("skus", "files"), changed=(), unchanged=()
        )
    async with Database.open(database_url) as database:
        assert await ConnectorStore(database).read() == Connectors(1, (FILES, SKUS))


async def test_apply_is_idempotent(database_url: str) -> None:
    """Applying the same again changes nothing, not even the revision or the audit."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        before = await audited(database)
        assert await ConnectorStore(database).apply([FILES, SKUS], actor="cli") == Changes(
            created=(), changed=(), unchanged=("files", "skus")
        )
        assert await database.revision() == 1
        assert await audited(database) == before


async def test_apply_changes_and_keeps_others(database_url: str) -> None:
    """A document changes what it names, and leaves alone what it does not name."""
    async with Database.open(database_url, now=lambda: NOON) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        changed = FILES.model_copy(update={"max_age_s": 60})
        assert (await ConnectorStore(database).apply([changed], actor="ada")).changed == ("files",)
        assert await ConnectorStore(database).read() == Connectors(2, (changed, SKUS))
        entry = (await audited(database, newest=1))[0]
        assert (entry.at, entry.actor, entry.action, entry.subject, entry.detail) == (
            NOON,
            "ada",
            "connector changed",
            "files",
            {"max_age_s": {"old": 300, "new": 60}},
        )


async def test_hosts_can_be_exchanged(database_url: str) -> None:
    """Two connectors can exchange their hosts in one document."""
    one = FILES.model_copy(update={"host": "one.example.com"})
    two = SKUS.model_copy(update={"host": "two.example.com"})
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([one, two], actor="cli")
        swapped = (
            one.model_copy(update={"host": two.host}),
            two.model_copy(update={"host": one.host}),
        )
        await ConnectorStore(database).apply(swapped, actor="cli")
        assert (await ConnectorStore(database).read()).all == swapped


async def test_a_taken_host_is_refused(database_url: str) -> None:
    """A host that another connector has is a named problem, and nothing is applied."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([SKUS], actor="cli")
        with pytest.raises(ConfigurationError, match=r"host skus.example.com: files and skus"):
            await ConnectorStore(database).apply(
                [FILES.model_copy(update={"host": SKUS.host})], actor="cli"
            )
        assert await ConnectorStore(database).read() == Connectors(1, (SKUS,))


async def test_remove(database_url: str) -> None:
    """A removed connector is gone; removing it again does nothing."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        assert await ConnectorStore(database).remove("files", actor="cli")
        assert not await ConnectorStore(database).remove("files", actor="cli")
        assert await ConnectorStore(database).read() == Connectors(2, (SKUS,))
        assert [each.action for each in await audited(database)] == [
            "connector removed",
            "connector created",
            "connector created",
        ]


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
