"""Somebody unknown, and the administrator, at the console of a whole connector."""

from collections.abc import AsyncIterator

import pytest

from tests.admin.visitor import Visitor, visitor
from tests.running import Running


@pytest.fixture
async def nobody(connector: Running) -> AsyncIterator[Visitor]:
    """Give somebody who has not signed in."""
    async with visitor(connector.gateway) as unknown:
        yield unknown


@pytest.fixture
async def admin(connector: Running) -> AsyncIterator[Visitor]:
    """Give somebody who has signed in, by a link such as the demo's."""
    async with visitor(connector.gateway) as known:
        await known.enter(connector.gateway.demo_url())
        yield known
