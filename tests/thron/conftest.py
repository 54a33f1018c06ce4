"""What the tests of the THRON wing share: a sandbox, and a client that talks to it."""

import asyncio
from collections.abc import AsyncIterator, Callable

import aiohttp
import pytest

from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.session import Credentials
from tests.waiting import PATIENCE_S


async def until(holds: Callable[[], bool]) -> None:
    """Return as soon as something holds; a test that waits in vain ends by its own time-out."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)


@pytest.fixture
async def thron() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
def client(http: aiohttp.ClientSession, thron: Sandbox) -> Client:
    # With patience for a busy machine.
    return Client(
        http, api_url=thron.api_url, max_concurrent=64, connect_timeout_s=60, total_timeout_s=90
    )


@pytest.fixture
def credentials(thron: Sandbox) -> Credentials:
    return Credentials(thron.client_id, thron.app_id, thron.app_key)
