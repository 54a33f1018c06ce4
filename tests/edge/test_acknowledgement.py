"""Who has obeyed, and who is given up; time and the database's failures are the test's."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeOrder
from proxy.catalogue.replicas import Heartbeat, ReplicaStore
from proxy.edge.acknowledgement import Acknowledgements
from proxy.errors import DatabaseFailed

FIRST = PurgeOrder(1, Purge(PurgeKind.CONTENT, "film"))
SECOND = PurgeOrder(2, Purge(PurgeKind.CONTENT, "poster"))
AGAIN = PurgeOrder(2, Purge(PurgeKind.CONTENT, "film"), is_repeat=True)


@dataclass
class Watched:
    """Two processes that are watched by a clock that the test moves."""

    database: Database
    now: float = 0.0

    def __post_init__(self) -> None:
        """Begin to watch."""
        self.replicas = ReplicaStore(self.database)
        self.acknowledgements = Acknowledgements(self.replicas, monotonic=lambda: self.now)

    async def look(self, *, after_s: float) -> set[str]:
        """Look a while later; return who is live."""
        self.now += after_s
        return {each.id for each in await self.acknowledgements.look()}

    async def beat(self, id_: str, *, purge: int = 0) -> bool:
        """Let a process say that it is live."""
        return await self.replicas.beat(id_, purge=purge, revision=0)


@pytest.fixture
async def watched(database_url: str) -> AsyncIterator[Watched]:
    async with Database.open(database_url) as database:
        made = Watched(database)
        for each in ("one", "other"):
            await made.replicas.join(each, revision=0, purge=0)
        await made.look(after_s=0)
        yield made


async def test_what_all_have_obeyed(watched: Watched) -> None:
    """In order, up to the first that one of them has not; repeats wait for nobody."""
    await watched.beat("one", purge=2)
    await watched.beat("other", purge=1)
    assert await watched.acknowledgements.of([FIRST, SECOND]) == (FIRST,)
    assert await watched.acknowledgements.of([FIRST, AGAIN]) == (FIRST, AGAIN)
    await watched.beat("other", purge=2)
    assert await watched.acknowledgements.of([FIRST, SECOND]) == (FIRST, SECOND)


async def test_ten_seconds_of_silence(watched: Watched) -> None:
    """Whoever says nothing for ten seconds is given up, whether or not a purge waits."""
    for _ in range(4):
        await watched.beat("one")
        assert await watched.look(after_s=2) == {"one", "other"}
    await watched.beat("one")
    assert await watched.look(after_s=2) == {"one"}
    assert not await watched.beat("other")
    assert await watched.acknowledgements.of([FIRST]) == ()  # the one that is left has not obeyed


async def test_who_stood_still_gives_nobody_up(watched: Watched) -> None:
    """A pause of the process that watches is no silence of the others."""
    for _ in range(3):
        assert await watched.look(after_s=60) == {"one", "other"}


async def test_an_outage_gives_nobody_up(sqlite_url: str) -> None:
    """While the database fails nobody can say anything; what counts is what comes after."""
    async with Database.open(sqlite_url) as database:
        watched = Watched(database)
        await watched.replicas.join("one", revision=0, purge=0)
        for _ in range(4):
            assert await watched.look(after_s=2) == {"one"}
        file = _file(sqlite_url)
        away = file.rename(file.with_suffix(".away"))
        with pytest.raises(DatabaseFailed):
            await watched.look(after_s=2)
        away.rename(file)
        for _ in range(5):
            assert await watched.look(after_s=2) == {"one"}
        assert await watched.look(after_s=2) == set()


async def test_a_read_only_outage_gives_nobody_up(sqlite_url: str) -> None:
    """Where heartbeats can be read and not written, nobody is silent by their own fault."""
    async with Database.open(sqlite_url) as database:
        watched = Watched(database)
        await watched.replicas.join("one", revision=0, purge=0)
        await watched.look(after_s=2)
        file = _file(sqlite_url)
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for _ in range(4):
                await watched.look(after_s=2)
            with pytest.raises(DatabaseFailed):
                await watched.look(after_s=2)
        assert await watched.look(after_s=2) == {"one"}


async def test_one_that_speaks_at_the_last_moment(watched: Watched) -> None:
    """It is given up by what was read of it, if it has said nothing since."""
    seen = await watched.replicas.all()
    await watched.beat("one")
    assert await watched.replicas.give_up(seen) == {"other"}
    assert await watched.replicas.all() == (Heartbeat("one", 1, 0, 0),)


def _file(sqlite_url: str) -> Path:
    return Path(sqlite_url.removeprefix("sqlite:///"))
