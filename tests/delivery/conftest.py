"""What the modules of the delivery are tested with, apart from the whole connector."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from tests.running import LOOPBACK

NAMED = OriginHosts([LOOPBACK, "no-such-host.invalid", "*.thron.com"])


@pytest.fixture
async def origin_client() -> AsyncIterator[OriginClient]:
    async with byte_session() as http:
        yield OriginClient(http, NAMED, first_byte_timeout_s=60, now=lambda: 0.0)


def byte_session(hosts: OriginHosts = NAMED) -> aiohttp.ClientSession:
    """Return a session that edits nothing."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=GuardedResolver(hosts)),
        auto_decompress=False,
        skip_auto_headers={"Accept", "Accept-Encoding", "User-Agent", "Content-Type"},
    )
