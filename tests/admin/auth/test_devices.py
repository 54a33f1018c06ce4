"""Device cookies: known again for long, and no longer than their password."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from proxy.admin.auth.devices import LIVES, MOST, Devices
from proxy.admin.auth.passwords import keep_hash
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
        self.devices = Devices(database, password=lambda: self.hash, now=lambda: self.now)

    async def marks(self) -> list[str]:
        """Return what is kept."""

        async def read(connection: AsyncConnection) -> list[str]:
            return list((await connection.execute(select(schema.device.c.mark))).scalars())

        return await self.database.read(read)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with Database.open(str(tmp_path / "connector.db")) as database:
        yield World(database)


async def test_known_again(world: World) -> None:
    """A cookie is known by itself alone, as long as browsers keep one; its hash is all we keep."""
    cookie = await world.devices.remember(former=None)
    mark = await world.devices.find(cookie)
    assert await world.marks() == [mark]
    assert cookie != mark
    assert await world.devices.find("") is None
    assert await world.devices.find(cookie[:-1]) is None
    assert await world.devices.find(mark or "") is None
    world.now += LIVES - timedelta(seconds=1)
    assert await world.devices.find(cookie) == mark
    world.now = START + LIVES
    assert await world.devices.find(cookie) is None


@pytest.mark.parametrize("change", ["$argon2id$second", None])
async def test_ends_with_its_password(world: World, change: str | None) -> None:
    """When the password is another, by the console or by a setting, cookies of the former end."""
    cookie = await world.devices.remember(former=None)
    world.hash = change
    assert await world.devices.find(cookie) is None


async def test_a_new_password_drops_them(world: World) -> None:
    """Nothing is left of the cookies of a former password."""
    await world.devices.remember(former=None)
    await keep_hash(world.database, "$argon2id$second", at=START, actor="test")
    assert await world.marks() == []


async def test_a_new_one_takes_the_place_of_the_former(world: World) -> None:
    """A browser that signs in again has one cookie, and its old one is no longer good."""
    old = await world.devices.remember(former=None)
    new = await world.devices.remember(former=await world.devices.find(old))
    assert await world.devices.find(old) is None
    assert await world.devices.find(new) is not None


async def test_they_are_bounded(world: World) -> None:
    """The newest stay."""
    cookies = []
    for _ in range(MOST + 2):
        world.now += timedelta(seconds=1)
        cookies.append(await world.devices.remember(former=None))
    found = [await world.devices.find(each) is not None for each in cookies]
    assert found == [False, False, *[True] * MOST]
