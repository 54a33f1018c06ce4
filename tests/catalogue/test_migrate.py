"""The schema: made fresh, brought forward from every one there has been, never half."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

from proxy.catalogue.async_engine import AsyncEngine
from proxy.catalogue.database import Database
from proxy.catalogue.engine import engine, place, writer
from proxy.catalogue.migrate import SCRIPTS, UnusableDatabase, prepare, upgrade
from proxy.catalogue.schema import HEAD, TABLES
from proxy.catalogue.tenant import TenantStore
from proxy.connectors.store import ConnectorStore
from tests.catalogue import dump

NAMES = sorted(file.stem for file in (dump.DUMPS / "sqlite").glob("*.sql"))

_ADD_COLOUR = 'op.add_column("connector", sa.Column("colour", sa.String(32)))'
_HANG = 'import time; op.drop_table("audit"); print("in the middle", flush=True); time.sleep(60)'
_FAIL = 'op.create_table("half", sa.Column("id", sa.Integer)); op.drop_table("missing")'

_START_TWICE = """
import asyncio, sys
from proxy.catalogue.database import Database

async def main(url):
    for _ in range(2):
        async with Database.open(url):
            pass

asyncio.run(main(sys.argv[1]))
print("alembic" in sys.modules)
"""

_MIGRATE = """
import asyncio, sys
from pathlib import Path
from proxy.catalogue.engine import engine, place, writer
from proxy.catalogue.migrate import prepare

async def main(url, head, scripts):
    async with writer(engine(place(url))).begin() as connection:
        await connection.run_sync(lambda sync: prepare(sync, head=head, scripts=Path(scripts)))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
async def made(empty_database_url: str) -> AsyncIterator[AsyncEngine]:
    made = engine(place(empty_database_url))
    yield made
    await made.dispose()


def _scripts(folder: Path, *changes: str) -> tuple[Path, str]:
    """Return a copy of the scripts with revisions after the newest, and the last of these."""
    copy = folder / str(len(changes))
    shutil.copytree(SCRIPTS, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    head = HEAD
    for change in changes:
        after, head = head, f"{int(head) + 1:04}"
        (copy / "versions" / f"v{head}.py").write_text(
            "from alembic import op\nimport sqlalchemy as sa\n"
            f"revision, down_revision = {head!r}, {after!r}\n"
            f"def upgrade(): {change}\n"
        )
    return copy, head


async def _prepare(made: AsyncEngine, folder: Path, *changes: str) -> bool:
    scripts, head = _scripts(folder, *changes)
    async with writer(made).begin() as connection:
        return await connection.run_sync(
            lambda sync: prepare(sync, head=head, scripts=scripts),
        )


async def _revision_and_tables(made: AsyncEngine) -> tuple[str, set[str]]:
    async with made.begin() as connection:
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return version, set(names)


def _reflected(connection: Connection) -> Mapping[str, Any]:
    """Return all that two equal schemas have in common; the order of columns is not in it."""
    found = inspect(connection)
    return {
        table: {
            "columns": {
                each["name"]: (str(each["type"]), each["nullable"])
                for each in found.get_columns(table)
            },
            "key": found.get_pk_constraint(table)["constrained_columns"],
            "indexes": {
                each["name"]: (each["column_names"], bool(each["unique"]))
                for each in found.get_indexes(table)
            },
            "uniques": {tuple(u["column_names"]) for u in found.get_unique_constraints(table)},
            "checks": {each["sqltext"].strip("()") for each in found.get_check_constraints(table)},
        }
        for table in found.get_table_names()
    }


def _rows(connection: Connection) -> Mapping[str, list[Mapping[str, Any]]]:
    return {
        name: [dict(row) for row in connection.execute(text(f'SELECT * FROM "{name}"')).mappings()]  # noqa: S608 - names of ours
        for name in inspect(connection).get_table_names()
    }


def _fresh(connection: Connection) -> Mapping[str, Any]:
    """Return what a fresh schema is like, which takes the place of what is there."""
    found = MetaData()
    found.reflect(connection)
    found.drop_all(connection)
    assert prepare(connection)
    return _reflected(connection)


async def test_fresh(made: AsyncEngine, tmp_path: Path) -> None:
    """A fresh database is at the newest revision at once, without taking any."""
    assert await _prepare(made, tmp_path, _FAIL)
    assert await _revision_and_tables(made) == (f"{int(HEAD) + 1:04}", set(TABLES.tables))


async def test_most_starts_need_no_alembic(empty_sqlite_url: str) -> None:
    """It costs time and memory, so it is imported only where there is something to do."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _START_TWICE, empty_sqlite_url, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    assert told.decode().split() == ["False"]


async def test_the_revisions_make_the_schema(made: AsyncEngine) -> None:
    """Every revision, taken from nothing, makes the schema that a fresh database has."""
    async with writer(made).begin() as connection:
        await connection.run_sync(upgrade)
        taken = await connection.run_sync(_reflected)
        rows = await connection.run_sync(_rows)
        assert taken == await connection.run_sync(_fresh)
        assert rows == await connection.run_sync(_rows)


@pytest.mark.parametrize("name", NAMES)
async def test_every_schema_becomes_the_newest(name: str, made: AsyncEngine) -> None:
    """A database of any schema there has been becomes like a fresh one, and keeps its rows."""
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, name)
        before = await connection.run_sync(_rows)
        assert not await connection.run_sync(prepare)
        after = await connection.run_sync(_rows)
        taken = await connection.run_sync(_reflected)
        assert taken == await connection.run_sync(_fresh)
    for table in before.keys() & after.keys() - {"alembic_version"}:
        for old, new in zip(before[table], after[table], strict=True):
            kept = old.keys() & new.keys()
            assert kept
            assert {column: old[column] for column in kept} == {
                column: new[column] for column in kept
            }


async def test_an_installation_in_use_has_no_first_steps(made: AsyncEngine) -> None:
    """Whose connectors are there already is not led to the first one; a new installation is."""
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, "0004")
        await connection.run_sync(prepare)
        assert len((await connection.run_sync(_rows))["onboarding"]) == 1
        await connection.run_sync(_fresh)
        assert not (await connection.run_sync(_rows))["onboarding"]


@pytest.mark.parametrize("name", ["number_1", "number_8"])
async def test_an_old_database_is_opened_by_many(name: str, empty_database_url: str) -> None:
    """Processes that start at once on an old database all find it ready, with its connectors."""
    made = engine(place(empty_database_url))
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, name)
    await made.dispose()

    async def slugs() -> list[str]:
        async with Database.open(empty_database_url, secret_keys_given=("k" * 32,)) as database:
            assert (await TenantStore(database).read()) is not None
            return [each.slug for each in (await ConnectorStore(database).read()).all]

    assert await asyncio.gather(*(slugs() for _ in range(3))) == [["brochures"]] * 3


@pytest.mark.parametrize("dialect", dump.DIALECTS)
def test_the_newest_schema_is_dumped(dialect: str) -> None:
    """It is kept for the day when it is an old one."""
    kept = dump.newest(dialect).read_text("utf-8")
    assert kept == dump.dump(TABLES, dump.DIALECTS[dialect]), (
        "a change of the schema is a new revision and a new HEAD;"
        " then: python -m tests.catalogue.dump"
    )


def test_the_head_is_the_newest_revision() -> None:
    """The schema names the newest revision, and each follows the one before it by one."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    found = list(ScriptDirectory.from_config(config).walk_revisions())
    assert found[0].revision == HEAD
    assert [each.revision for each in reversed(found)] == [
        f"{number:04}" for number in range(1, len(found) + 1)
    ]


async def test_revisions_are_taken_once(made: AsyncEngine, tmp_path: Path) -> None:
    """An older database takes the revisions that it has not taken yet."""
    assert await _prepare(made, tmp_path)
    assert not await _prepare(made, tmp_path, _ADD_COLOUR)
    assert not await _prepare(made, tmp_path, _ADD_COLOUR)
    async with made.begin() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("connector"))
    assert "colour" in {column["name"] for column in columns}
    assert (await _revision_and_tables(made))[0] == f"{int(HEAD) + 1:04}"


@pytest.mark.parametrize("name", ["number_4", HEAD])
async def test_a_revision_that_fails_leaves_nothing(
    name: str, made: AsyncEngine, tmp_path: Path
) -> None:
    """Revisions are one transaction: when one fails, everything is as it was."""
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, name)
    async with writer(made).begin() as connection:
        before = [await connection.run_sync(_rows), await connection.run_sync(_reflected)]
    with pytest.raises(Exception, match="missing"):
        await _prepare(made, tmp_path, _ADD_COLOUR, _FAIL)
    async with writer(made).begin() as connection:
        assert before == [await connection.run_sync(_rows), await connection.run_sync(_reflected)]


async def test_killed_in_the_middle(
    empty_database_url: str, made: AsyncEngine, tmp_path: Path
) -> None:
    """A process that is killed while it migrates leaves everything as it was."""
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, "number_4")
        before = [await connection.run_sync(_rows), await connection.run_sync(_reflected)]
    scripts, head = _scripts(tmp_path, _ADD_COLOUR, _HANG)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _MIGRATE,
        empty_database_url,
        head,
        scripts,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"in the middle\n"
    process.kill()
    await process.wait()
    async with writer(made).begin() as connection:
        # Waits for the locks of a process that PostgreSQL has not yet found gone.
        await connection.execute(text("UPDATE revision SET number = number"))
        assert before == [await connection.run_sync(_rows), await connection.run_sync(_reflected)]


async def test_newer_than_the_revisions(made: AsyncEngine, tmp_path: Path) -> None:
    """A database that took more revisions than are known is refused."""
    await _prepare(made, tmp_path, _ADD_COLOUR)
    newer = f"schema {int(HEAD) + 1:04}, this one knows {HEAD}"
    with pytest.raises(UnusableDatabase, match=newer):
        await _prepare(made, tmp_path)


async def test_a_number_that_there_never_was(made: AsyncEngine) -> None:
    """A database from before the revisions whose number is not known is refused."""
    async with writer(made).begin() as connection:
        await connection.run_sync(dump.restore, "number_8")
        await connection.execute(text("UPDATE schema_version SET version = 9"))
        with pytest.raises(UnusableDatabase, match="schema 9, this one knows 8"):
            await connection.run_sync(prepare)


async def test_another_program_s_revisions(made: AsyncEngine) -> None:
    """Another program may use Alembic too; its database is left alone."""
    async with writer(made).begin() as connection:
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        await connection.execute(text("INSERT INTO alembic_version VALUES ('0001')"))
        with pytest.raises(UnusableDatabase, match=r"another program \(alembic_version\)"):
            await connection.run_sync(prepare)
