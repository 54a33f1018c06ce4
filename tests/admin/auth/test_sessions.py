"""Sessions begin, go on and end as they should, whatever the clock says."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from proxy.admin.auth.sessions import IDLE, LONGEST, Session, Sessions
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

START = datetime(2026, 11, 23, 12, tzinfo=UTC)


class World:
    """A database, a clock and a password."""

    def __init__(self, database: Database) -> None:
        self.now = START
        self.hash: str | None = "$argon2id$first"
        self.database = database
        self.sessions = Sessions(database, password=lambda: self.hash, now=lambda: self.now)

    async def open(self) -> Session:
        """Open a session."""
        return await self.sessions.open(client="192.0.2.1", actor="admin")


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Database.open(str(tmp_path / "connector.db")) as database:
        yield World(database)


async def test_found(world: World) -> None:
    """A session is found by its id, and by nothing else."""
    session = await world.open()
    found = await world.sessions.find(session.id)
    assert found == session
    assert await world.sessions.find("") is None
    assert await world.sessions.find(session.id[:-1]) is None


async def test_each_is_new(world: World) -> None:
    """Every sign-in has an id of its own, of 256 random bits."""
    ids = {(await world.open()).id for _ in range(5)}
    assert len(ids) == 5
    assert {len(each) for each in ids} == {43}


async def test_idle(world: World) -> None:
    """A session that nobody uses ends; use keeps it."""
    session = await world.open()
    for _ in range(3):
        world.now += IDLE - timedelta(minutes=1)
        assert await world.sessions.find(session.id) is not None
    world.now += IDLE
    assert await world.sessions.find(session.id) is None


async def test_longest(world: World) -> None:
    """After a week a session ends though it is used."""
    session = await world.open()
    while world.now - START < LONGEST - IDLE / 2:
        world.now += IDLE / 2
        assert await world.sessions.find(session.id) is not None
    world.now = START + LONGEST  # used half of IDLE ago
    assert await world.sessions.find(session.id) is None


@pytest.mark.parametrize("change", ["$argon2id$second", None])
async def test_ends_with_its_password(world: World, change: str | None) -> None:
    """When the password is another, by the console or by a setting, sessions of the former end."""
    session = await world.open()
    world.hash = change
    assert await world.sessions.find(session.id) is None


async def test_signing_out(world: World) -> None:
    """Signing out ends a session, and signing out everywhere ends all."""
    one, two, three = await world.open(), await world.open(), await world.open()
    await world.sessions.end(one, actor="admin", client="192.0.2.1")
    assert await world.sessions.find(one.id) is None
    assert await world.sessions.find(two.id) is not None
    await world.sessions.end_all(actor="admin", client="192.0.2.1")
    assert await world.sessions.find(two.id) is None
    assert await world.sessions.find(three.id) is None
    assert await world.sessions.count() == 0


async def test_the_database_opens_nothing(world: World) -> None:
    """What is kept of a session is no id that a browser could send."""
    session = await world.open()

    async def read(connection: AsyncConnection) -> str:
        return repr((await connection.execute(select(schema.session))).all())

    kept = await world.database.read(read)
    assert session.id not in kept
    assert session.id not in repr(session)


async def test_dead_sessions_are_dropped(world: World) -> None:
    """A sign-in drops what ended long ago."""
    await world.open()
    world.now += LONGEST * 2
    await world.open()
    assert await world.sessions.count() == 1
