"""Databases as a first start leaves them, copied for each test: making the tables takes longer.

What makes one runs an event loop of its own, so a test calls it in a thread of its own.
"""

import asyncio
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg  # type: ignore[import-untyped] # it ships no types

from proxy.catalogue.database import Database

_numbers = count(1)


@cache
def sqlite_file() -> bytes:
    """Return the content of an SQLite file that has its tables."""
    with TemporaryDirectory() as home:
        path = Path(home, "connector.db")
        asyncio.run(_start(f"sqlite:///{path}"))
        return path.read_bytes()


@cache
def postgresql_template(socket: Path) -> str:
    """Return the name of a server's database that has its tables."""

    async def make() -> str:
        name = await new_postgresql(socket)
        await _start(postgresql_url(socket, name))
        return name

    return asyncio.run(make())


async def new_postgresql(socket: Path, *, template: str = "template1") -> str:
    """Make a database on a server, without tables or as another one is; return its name."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(host=str(socket), user="postgres")
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    await connection.close()
    return name


def postgresql_url(socket: Path, name: str) -> str:
    """Return the URL of a server's database."""
    return f"postgresql://postgres@/{name}?host={socket}"


async def _start(url: str) -> None:
    async with Database.open(url):
        pass
