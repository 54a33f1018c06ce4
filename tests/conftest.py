"""What all tests share: a sandbox, the whole connector in front of it, and empty databases."""

import asyncio
import gc
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from proxy.sandbox.server import Sandbox
from tests.catalogue import fresh
from tests.catalogue.postgres import postgres
from tests.running import Running, by_id, by_name, by_sku, running

# Judged by what holds, never by how long it took on a busy machine.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# The tests themselves, a million objects, stay: each look through all of them takes half a second.
gc.set_threshold(700, 10, 200)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are found: it takes a third of that time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


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
    """Give a database with its tables."""
    template = await asyncio.to_thread(fresh.postgresql_template, postgres_socket)
    return fresh.postgresql_url(
        postgres_socket, await fresh.new_postgresql(postgres_socket, template=template)
    )


@pytest.fixture
async def empty_postgresql_url(postgres_socket: Path) -> str:
    return fresh.postgresql_url(postgres_socket, await fresh.new_postgresql(postgres_socket))


@pytest.fixture
async def sqlite_url(empty_sqlite_url: str, tmp_path: Path) -> str:
    """Give a database with its tables."""
    (tmp_path / "connector.db").write_bytes(await asyncio.to_thread(fresh.sqlite_file))
    return empty_sqlite_url


@pytest.fixture
def empty_sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/connector.db"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(f"empty_{request.param}_url")
    return url
