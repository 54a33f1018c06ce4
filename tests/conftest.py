"""What all tests share: a sandbox, and the whole connector in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from proxy.sandbox.server import Sandbox
from tests.running import Running, by_id, by_name, by_sku, running

# Judged by what holds, never by how long it took on a busy machine.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


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
