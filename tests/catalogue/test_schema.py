"""The schema's versions: made fresh, brought forward, never half."""

import pytest
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from proxy.catalogue import schema
from proxy.catalogue.engine import engine, place, writer
from tests.catalogue.old_database import make_version_1


def _add_colour(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE connector ADD COLUMN colour VARCHAR(32)"))


def _fail(connection: Connection) -> None:
    connection.execute(text("CREATE TABLE half (id INTEGER)"))
    connection.execute(text("ALTER TABLE missing ADD COLUMN x INTEGER"))


async def _prepare(made: AsyncEngine, *steps: schema.Step) -> None:
    async with writer(made).begin() as connection:
        await connection.run_sync(lambda sync: schema.prepare(sync, steps=steps))


async def _version_and_tables(made: AsyncEngine) -> tuple[int, set[str]]:
    async with made.begin() as connection:
        version = (await connection.execute(select(schema.schema_version.c.version))).scalar_one()
        names = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        return version, set(names)


async def test_fresh(database_url: str) -> None:
    """A fresh database is at the newest version at once, without taking the steps."""
    made = engine(place(database_url))
    await _prepare(made, _fail)
    assert await _version_and_tables(made) == (2, set(schema.TABLES.tables))
    await made.dispose()


async def test_steps_are_taken_once(database_url: str) -> None:
    """An older database takes the steps that it has not taken yet."""
    made = engine(place(database_url))
    await _prepare(made)
    await _prepare(made, _add_colour)
    await _prepare(made, _add_colour)
    async with made.begin() as connection:
        columns = await connection.run_sync(lambda sync: inspect(sync).get_columns("connector"))
    assert "colour" in {column["name"] for column in columns}
    assert (await _version_and_tables(made))[0] == 2
    await made.dispose()


async def test_a_step_that_fails_leaves_nothing(database_url: str) -> None:
    """Steps are one transaction: when one fails, tables and version are as they were."""
    made = engine(place(database_url))
    await _prepare(made)
    with pytest.raises(Exception, match="missing"):
        await _prepare(made, _add_colour, _fail)
    assert await _version_and_tables(made) == (1, set(schema.TABLES.tables))
    await made.dispose()


async def test_a_first_version_becomes_this_one(database_url: str) -> None:
    """A database of version 1 has the tables of a fresh one after the steps."""
    made = engine(place(database_url))
    async with writer(made).begin() as connection:
        await connection.run_sync(make_version_1)
        await connection.run_sync(schema.prepare)
    async with made.begin() as connection:
        taken = await connection.run_sync(_columns)
    assert await _version_and_tables(made) == (len(schema.STEPS) + 1, set(schema.TABLES.tables))
    async with writer(made).begin() as connection:
        await connection.run_sync(schema.TABLES.drop_all)
        await connection.run_sync(schema.prepare)
        assert await connection.run_sync(_columns) == taken
    await made.dispose()


def _columns(connection: Connection) -> dict[str, list[tuple[str, str, bool]]]:
    found = inspect(connection)
    return {
        table: [
            (each["name"], str(each["type"]), each["nullable"]) for each in found.get_columns(table)
        ]
        for table in schema.TABLES.tables
    }


async def test_newer_than_the_steps(database_url: str) -> None:
    """A database that took more steps than are known is refused."""
    made = engine(place(database_url))
    await _prepare(made, _add_colour)
    with pytest.raises(schema.UnusableDatabase, match="schema 2, this one knows 1"):
        await _prepare(made)
    await made.dispose()
