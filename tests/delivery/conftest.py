"""What the modules of the delivery are tested with, apart from the whole connector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from proxy.delivery.aiohttp_client import AiohttpClient
from proxy.delivery.http_client import HttpClient
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from tests.running import LOOPBACK

NAMED = OriginHosts([LOOPBACK, "no-such-host.invalid", "*.thron.com"])


@pytest.fixture
async def origin_client() -> AsyncIterator[OriginClient]:
    async with http_client() as http:
        yield OriginClient(http, NAMED, first_byte_timeout_s=60, now=lambda: 0.0)


@asynccontextmanager
async def http_client(hosts: OriginHosts = NAMED) -> AsyncIterator[HttpClient]:
    """Give a client that edits nothing."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, resolver=GuardedResolver(hosts)),
        auto_decompress=False,
        skip_auto_headers={"Accept", "Accept-Encoding", "User-Agent", "Content-Type"},
    ) as session:
        yield AiohttpClient(session)
