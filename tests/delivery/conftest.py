"""What the modules of the delivery are tested with, apart from the whole connector."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.delivery.http_client import HttpClient
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from proxy.delivery.transport.client import Http1Client
from tests.running import LOOPBACK
from tests.waiting import PATIENCE_S

TLS = ssl.create_default_context()
NAMED = OriginHosts([LOOPBACK, "no-such-host.invalid", "*.thron.com"])


@pytest.fixture
async def origin_client() -> AsyncIterator[OriginClient]:
    async with http_client() as http:
        yield OriginClient(http, NAMED, first_byte_timeout_s=60, now=lambda: 0.0)


@asynccontextmanager
async def http_client(hosts: OriginHosts = NAMED) -> AsyncIterator[HttpClient]:
    """Give a client that edits nothing."""
    async with Http1Client(GuardedResolver(hosts), tls=TLS, connect_timeout_s=PATIENCE_S) as client:
        yield client
