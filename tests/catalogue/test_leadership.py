"""Which of several replicas leads."""

from pathlib import Path

from sqlalchemy import text

from proxy.catalogue.database import Database
from proxy.catalogue.leadership import Leadership
from tests.waiting import until


async def test_where_no_file_can_be_locked(tmp_path: Path) -> None:
    """Without a file to lock, whoever has the database leads."""
    (tmp_path / "c.db.lock").mkdir()
    async with (
        Database.open(str(tmp_path / "c.db")) as database,
        Leadership.open(database) as leadership,
    ):
        assert await leadership.is_held()


async def test_one_of_two_leads(database_url: str) -> None:
    """The second leads when the first ends."""
    async with (
        Database.open(database_url) as one,
        Database.open(database_url) as other,
        Leadership.open(other) as second,
    ):
        async with Leadership.open(one) as first:
            assert await first.is_held()
            assert not await second.is_held()
            assert await first.is_held()
        assert await second.is_held()


async def test_a_follower_keeps_its_connection(postgresql_url: str) -> None:
    """Asking again and again costs the database no new connection; a lost one is replaced."""
    async with (
        Database.open(postgresql_url) as one,
        Database.open(postgresql_url) as other,
        Leadership.open(one) as leader,
        Leadership.open(other) as follower,
    ):
        assert await leader.is_held()
        asks = text(
            "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory%'"
            " AND datname = current_database()"  # those of other tests may take a while to end
        )
        seen = set()
        for _ in range(3):
            assert not await follower.is_held()
            async with one.unshared() as connection:
                seen.add(tuple((await connection.execute(asks)).scalars()))
        assert [len(pids) for pids in seen] == [2]  # the same two each time
        async with one.unshared() as connection:
            for pid in {pid for pids in seen for pid in pids}:
                await connection.execute(text(f"SELECT pg_terminate_backend({pid})"))
        await until(follower.is_held)
        assert not await leader.is_held()


async def test_a_lost_connection_is_a_lost_lead(postgresql_url: str) -> None:
    """Who leads notices when the database let it go, and may lead again."""
    async with Database.open(postgresql_url) as database, Leadership.open(database) as leader:
        assert await leader.is_held()
        ours = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
        async with database.unshared() as connection:
            await connection.execute(text(ours))
        assert not await leader.is_held()
        assert await leader.is_held()


async def test_who_hangs_leads_no_more(postgresql_url: str) -> None:
    """A leader that says nothing, as a machine that is gone, gives way; it learns of that."""
    async with (
        Database.open(postgresql_url) as one,
        Database.open(postgresql_url) as other,
        Leadership.open(one, silence_s=0.5) as silent,
        Leadership.open(other) as successor,
    ):
        await until(silent.is_held)  # half a second is little on a busy machine
        await until(successor.is_held)
        assert not await silent.is_held()
        assert await successor.is_held()
