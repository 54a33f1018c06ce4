"""The audit forgets what is old, and stays of a size that can be read."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.audit import KEPT, prune
from proxy.catalogue.database import Database
from tests.catalogue.audited import audited

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def enter(database: Database, action: str, *subjects: str, at: datetime = NOW) -> None:
    """Put entries into the audit."""
    entry = {"at": at, "actor": "test", "action": action, "detail": {}}

    async def write(connection: AsyncConnection) -> None:
        values = [{**entry, "subject": each} for each in subjects]
        await connection.execute(insert(schema.audit), values)

    await database.write(write)


async def subjects(database: Database) -> list[str]:
    """Return what is left, oldest first."""
    return [each.subject for each in reversed(await audited(database, newest=5000))]


async def test_old_entries_go(database_url: str) -> None:
    """What is older than 400 days goes, in batches; what is younger stays."""
    async with Database.open(database_url) as database:
        old = [str(number) for number in range(1_200)]
        await enter(database, "purged", *old, at=NOW - KEPT - timedelta(seconds=1))
        await enter(database, "purged", "young", at=NOW - KEPT)
        await prune(database, now=NOW)
        assert await subjects(database) == ["young"]
        await prune(database, now=NOW)
        assert await subjects(database) == ["young"]


async def test_the_newest_stay(database_url: str) -> None:
    """Of more than there is room for the newest stay; guessed passwords push nothing else out."""
    async with Database.open(database_url) as database:
        await enter(database, "purged", "a", "b")
        await enter(database, "sign-in failed", *(f"guess {number}" for number in range(600)))
        await enter(database, "purged", "c")
        await prune(database, now=NOW, most_failed_logins=2)
        assert await subjects(database) == ["a", "b", "guess 598", "guess 599", "c"]
        await prune(database, now=NOW, most_entries=3, most_failed_logins=2)
        assert await subjects(database) == ["guess 598", "guess 599", "c"]
