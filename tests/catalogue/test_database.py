"""What the connector keeps, in SQLite and in PostgreSQL alike."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from proxy.catalogue.async_engine import AsyncConnection, create_async_engine
from proxy.catalogue.database import Database
from proxy.catalogue.engine import place
from proxy.catalogue.tenant import TenantStore
from proxy.connectors.model import (
    Connector,
    Connectors,
    Identifier,
)
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError, DatabaseFailed
from tests.catalogue.audited import audited
from tests.catalogue.postgres import frozen
from tests.waiting import until

KEY = "k" * 32
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FILES = Connector(slug="files", folder="f", folder_id="f-1", identifier=Identifier.CONTENT_ID)


async def test_empty(empty_database_url: str) -> None:
    """A fresh database has no connectors, no tenant, and revision 0."""
    async with Database.open(empty_database_url) as database:
        assert await ConnectorStore(database).read() == Connectors(0, ())
        assert await TenantStore(database).read() is None
        assert await audited(database) == ()


async def test_processes_see_each_other(database_url: str) -> None:
    """What one process changes, another sees by the revision."""
    async with Database.open(database_url) as one, Database.open(database_url) as two:
        await ConnectorStore(one).apply([FILES], actor="cli")
        assert await two.revision() == 1
        other = FILES.model_copy(update={"slug": "other"})
        await ConnectorStore(two).apply([other], actor="cli")
        assert await ConnectorStore(one).read() == Connectors(2, (FILES, other))


async def test_writers_take_turns(database_url: str) -> None:
    """Writers at the same moment wait for each other, and no change is lost."""
    many = [FILES.model_copy(update={"slug": f"c{number}"}) for number in range(12)]
    async with Database.open(database_url) as one, Database.open(database_url) as two:
        await asyncio.gather(
            *(
                ConnectorStore((one, two)[number % 2]).apply([connector], actor="cli")
                for number, connector in enumerate(many)
            )
        )
        connectors = await ConnectorStore(one).read()
    assert connectors.revision == len(many)
    assert set(connectors.all) == set(many)


async def test_what_was_begun_is_done(database_url: str) -> None:
    """A change whose caller gives up is still made, before the database closes."""
    async with Database.open(database_url) as database:
        apply = asyncio.create_task(ConnectorStore(database).apply([FILES], actor="cli"))
        await asyncio.sleep(0)
        apply.cancel()
        await asyncio.wait([apply])
        assert apply.cancelled()
    async with Database.open(database_url) as database:
        assert await ConnectorStore(database).read() == Connectors(1, (FILES,))


async def test_cancelled_anywhere(database_url: str) -> None:
    """A caller that gives up, at whatever moment, leaves no lock and no half change."""
    many = [FILES.model_copy(update={"slug": f"c{number}"}) for number in range(3)]
    async with Database.open(database_url) as database:
        for turns in range(0, 1000, 50):
            wanted = [each.model_copy(update={"max_age_s": turns}) for each in many]
            apply = asyncio.create_task(ConnectorStore(database).apply(wanted, actor="cli"))
            for _ in range(turns):
                await asyncio.sleep(0)
            apply.cancel()
            await asyncio.wait([apply])
            assert (
                len({each.max_age_s for each in (await ConnectorStore(database).read()).all}) <= 1
            )
        await ConnectorStore(database).apply(many, actor="cli")
        assert (await ConnectorStore(database).read()).all == tuple(many)


async def test_opened_twice_at_once(empty_database_url: str) -> None:
    """Two processes that start on a fresh database both find it ready."""

    async def open_and_read() -> int:
        async with Database.open(empty_database_url) as database:
            return await database.revision()

    assert await asyncio.gather(*(open_and_read() for _ in range(4))) == [0] * 4


_ENDLESS = """
import asyncio, sys
from proxy.connectors.model import Connector, Identifier
from proxy.connectors.store import ConnectorStore
from proxy.catalogue.database import Database

async def main(url):
    one = Connector(slug="x", folder="f", identifier=Identifier.CONTENT_ID)
    async with Database.open(url) as database:
        for age in range(1, 10**9):
            many = [one.model_copy(update={"slug": f"c{n}", "max_age_s": age}) for n in range(40)]
            await ConnectorStore(database).apply(many, actor="cli")
            print(age, flush=True)

asyncio.run(main(sys.argv[1]))
"""


async def test_killed_in_the_middle(database_url: str) -> None:
    """A process killed while it applies leaves the whole change or nothing of it."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ENDLESS, database_url, stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    done = [int(await writer.stdout.readline()) for _ in range(3)]
    writer.kill()
    done += [int(line) async for line in writer.stdout]
    await writer.wait()
    async with Database.open(database_url) as database:
        # Waits for the transaction of a writer that PostgreSQL has not yet found gone.
        await ConnectorStore(database).remove("nobody", actor="cli")
        connectors = await ConnectorStore(database).read()
        entries = await audited(database, newest=10**6)
    assert {each.max_age_s for each in connectors.all} == {connectors.revision}
    assert connectors.revision in {done[-1], done[-1] + 1}
    assert len(entries) == 40 * connectors.revision


async def test_sqlite_file_is_the_owner_s(tmp_path: Path) -> None:
    """The file may hold the app key, so nobody else reads it or its companions."""
    path = tmp_path / "state" / "deep" / "connector.db"
    async with Database.open(str(path)) as database:
        await ConnectorStore(database).apply([FILES], actor="cli")
        assert database.place.path == path
        files = list(path.parent.iterdir())
        assert len(files) > 1
        assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_an_open_file_is_closed_to_others(tmp_path: Path) -> None:
    """A database that others could read is closed to them."""
    path = tmp_path / "connector.db"
    path.touch(mode=0o644)
    async with Database.open(str(path)):
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("{tmp}", "Is a directory", id="a directory"),
        pytest.param("{tmp}/file/x/y.db", "Not a directory", id="under a file"),
        pytest.param("{tmp}/file", "not a database", id="no database"),
        pytest.param("postgresql://u:hush@127.0.0.1:1/x", "server runs", id="no server"),
        pytest.param("postgresql://h.invalid/x?port=5", "cannot be used", id="no such host"),
        pytest.param("postgresql://127.0.0.1:1/x?nonsense=1", "nonsense", id="no such parameter"),
    ],
)
async def test_unusable(url: str, problem: str, tmp_path: Path) -> None:
    """A database that cannot be used is a problem with its setting, the cause and the fix."""
    (tmp_path / "file").write_text("This is a text, and longer than the header of a database. " * 9)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        async with Database.open(url.format(tmp=tmp_path)):
            pass
    assert "TDC_DATABASE_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


async def test_a_missing_database_is_named(postgres_socket: Path) -> None:
    """A database that the server does not have is a problem, with the server's words."""
    with pytest.raises(ConfigurationError, match='database "nowhere" does not exist'):
        async with Database.open(f"postgresql://postgres@/nowhere?host={postgres_socket}"):
            pass


async def _execute(url: str, *statements: str) -> None:
    engine = create_async_engine(place(url).url)
    async with engine.begin() as connection:
        for statement in statements:
            await connection.execute(text(statement))
    await engine.dispose()


async def test_a_foreign_database_is_left_alone(empty_database_url: str) -> None:
    """Another program's tables are a problem, and nothing is put beside them."""
    await _execute(empty_database_url, "CREATE TABLE orders (id INTEGER)")
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"tables of another program \(orders\)"):
            async with Database.open(empty_database_url):
                pass


async def test_a_newer_schema_is_refused(database_url: str) -> None:
    """A database of a newer release is not touched by an older one."""
    async with Database.open(database_url):
        pass
    await _execute(database_url, "UPDATE alembic_version SET version_num = '1000'")
    with pytest.raises(ConfigurationError, match="newer release"):
        async with Database.open(database_url):
            pass


async def test_failure_is_one_of_ours(database_url: str) -> None:
    """A database that breaks while it is open is a failure with a status."""
    async with Database.open(database_url) as database:
        await _execute(database_url, "DROP TABLE revision")
        with pytest.raises(DatabaseFailed):
            await database.revision()
        with pytest.raises(DatabaseFailed):
            await ConnectorStore(database).apply([FILES], actor="cli")


async def test_a_frozen_database_makes_no_request_wait(
    postgresql_url: str, postgres_socket: Path
) -> None:
    """Reads for requests fail soon, none pile up, and it is read again once it answers."""

    async def read(connection: AsyncConnection) -> int:
        return len((await connection.execute(text("SELECT 1"))).all())

    async with Database.open(postgresql_url) as database:

        async def is_read() -> bool:
            try:
                return await database.read_soon(read) == 1
            except DatabaseFailed:  # within its second a busy machine may not get to it
                return False

        await until(is_read)
        with frozen(postgres_socket):
            reads = [database.read_soon(read) for _ in range(200)]
            outcomes = await asyncio.gather(*reads, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes} == {DatabaseFailed}
            hanging = [each for each in asyncio.all_tasks() if each.get_name() == "database"]
            assert len(hanging) <= 2 * 12  # each read is a task within the one that is left behind
            with pytest.raises(DatabaseFailed):
                await database.read_soon(read)

        await until(is_read)


async def test_a_failure_that_nobody_waits_for_troubles_nobody(sqlite_url: str) -> None:
    """Who has left is told nothing, and neither is the log of the event loop."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def fail(_: AsyncConnection) -> None:
        begun.set()
        await go_on.wait()
        raise OSError

    async with Database.open(sqlite_url) as database:
        leaving = asyncio.create_task(database.read(fail))
        await begun.wait()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        go_on.set()

        async def is_over() -> bool:
            return not any(each.get_name() == "database" for each in asyncio.all_tasks())

        await until(is_over)
        del leaving  # its traceback holds what it waited for
        gc.collect()
        assert not complaints


_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
"""


@asynccontextmanager
async def locking(path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a process that has SQLite's lock until it is killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LOCK, str(path)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"locked\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_start_needs_no_lock(sqlite_url: str) -> None:
    """A database that is up to date is opened beside a process that hangs with SQLite's lock."""
    path = place(sqlite_url).path
    assert path is not None
    async with locking(path) as process:
        with capture_logs() as log:
            async with Database.open(sqlite_url) as database:
                assert await database.revision() == 0
                assert await TenantStore(database).read() is None
        assert not log
        assert process.returncode is None


async def test_an_upgrade_waits_for_the_lock(empty_sqlite_url: str) -> None:
    """It says what it waits for, and goes on once the process that has the lock is killed."""
    path = place(empty_sqlite_url).path
    assert path is not None
    progress: list[bool] = []
    async with locking(path) as process:

        async def opened() -> int:
            async with Database.open(
                empty_sqlite_url, progressed=lambda: progress.append(True)
            ) as database:
                return await database.revision()

        with capture_logs() as log:
            opening = asyncio.create_task(opened())

            async def waits() -> bool:
                return bool(log) and bool(progress)

            await until(waits)
            assert not opening.done()
            process.kill()
            assert await opening == 0
    assert [entry["event"] for entry in log] == ["waiting for the database"]


async def test_an_upgrade_of_postgresql_waits_for_another(empty_postgresql_url: str) -> None:
    """One process brings the tables to this release; what it holds for long, others wait for."""
    made = create_async_engine(place(empty_postgresql_url).url)

    async def opened() -> int:
        async with Database.open(empty_postgresql_url) as database:
            return await database.revision()

    with capture_logs() as log:
        async with made.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({0x746463})"))
            opening = asyncio.create_task(opened())

            async def waits() -> bool:
                return bool(log)

            await until(waits)
            assert not opening.done()
        assert await opening == 0
    await made.dispose()
    assert [entry["event"] for entry in log] == ["waiting for the database"]
