"""What all tests share: a sandbox, the whole connector in front of it, and empty databases."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest
from hypothesis import settings

from proxy.sandbox.server import Sandbox
from tests.catalogue.postgres import postgres
from tests.running import Running, by_id, by_name, by_sku, running

# Judged by what holds, never by how long it took on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

_databases = count(1)


@pytest.fixture
async def thron() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def connector(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run one connector of each identifier, slugs ``files``, ``media``, ``products``."""
    wanted = by_id(thron), by_name(thron), by_sku(thron)
    async with running(thron, tmp_path, *wanted) as whole:
        yield whole


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    with postgres() as socket:
        yield socket


@pytest.fixture
async def postgresql_url(postgres_socket: Path) -> str:
    name = f"test_{next(_databases)}"
    connection = await asyncpg.connect(host=str(postgres_socket), user="postgres")
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"postgresql://postgres@/{name}?host={postgres_socket}"


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/connector.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url
