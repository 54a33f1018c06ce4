"""A connection's end, as TLS and TCP tell it, and who may have it next."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Thread

import pytest
import trustme
from yarl import URL

from proxy.delivery.origin_hosts import GuardedResolver
from proxy.delivery.transport.client import Http1Client
from proxy.errors import OriginIncomplete, OriginTimeout
from tests.delivery.conftest import NAMED
from tests.delivery.taking import read_whole
from tests.delivery.transport.hostile import hostile
from tests.loops import ON_ASYNCIO_ALONE
from tests.waiting import PATIENCE_S

AUTHORITY = trustme.CA()
CONTENT = bytes(range(256)) * 700
WITH_LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(CONTENT)
WITHOUT_LENGTH = b"HTTP/1.1 200 OK\r\n\r\n"


@contextmanager
def origin_by_tls(answer: bytes, *, alerts: bool) -> Iterator[URL]:
    """Give the URL of an origin that answers once and closes, with TLS's closure alert or not."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(PATIENCE_S)

        def serve() -> None:
            accepted, _ = listening.accept()
            with suppress(OSError), context.wrap_socket(accepted, server_side=True) as connection:
                connection.settimeout(PATIENCE_S)
                connection.recv(65536)
                connection.sendall(answer)
                if alerts:
                    connection.settimeout(0)
                    with suppress(ssl.SSLWantReadError):  # the client's alert is not waited for
                        connection.unwrap()
                    connection.settimeout(PATIENCE_S)
                connection.shutdown(socket.SHUT_WR)
                connection.recv(1)

        serving = Thread(target=serve)
        serving.start()
        yield URL(f"https://127.0.0.1:{listening.getsockname()[1]}/x")
        serving.join(10)


@asynccontextmanager
async def trusting() -> AsyncIterator[Http1Client]:
    """Give a client that trusts it."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    async with Http1Client(
        GuardedResolver(NAMED), tls=context, connect_timeout_s=PATIENCE_S
    ) as client:
        yield client


@ON_ASYNCIO_ALONE
@pytest.mark.parametrize("pause_s", [0, 0.2])
@pytest.mark.parametrize("alerts", [True, False])
async def test_what_tls_holds_at_the_end_is_not_lost(pause_s: float, *, alerts: bool) -> None:
    """An origin that closes behind its answer has given all of it, however slowly it is read."""
    with origin_by_tls(WITH_LENGTH + CONTENT, alerts=alerts) as url:
        async with trusting() as client:
            response = await client.request("GET", url, fields=[], first_byte_timeout_s=PATIENCE_S)
            first = await response.read()
            await asyncio.sleep(pause_s)
            assert first + await read_whole(response) == CONTENT


@ON_ASYNCIO_ALONE
async def test_without_a_length_the_alert_of_tls_is_the_end() -> None:
    """All before it is the content (RFC 9112, 9.8)."""
    with origin_by_tls(WITHOUT_LENGTH + CONTENT, alerts=True) as url:
        async with trusting() as client:
            response = await client.request("GET", url, fields=[], first_byte_timeout_s=PATIENCE_S)
            assert await read_whole(response) == CONTENT


@ON_ASYNCIO_ALONE
async def test_without_a_length_and_alert_the_content_may_be_cut() -> None:
    """Anybody on the way can end TCP; what has no other end is then not taken for whole."""
    with origin_by_tls(WITHOUT_LENGTH + CONTENT, alerts=False) as url:
        async with trusting() as client:
            response = await client.request("GET", url, fields=[], first_byte_timeout_s=PATIENCE_S)
            with pytest.raises(OriginIncomplete):
                await read_whole(response)


@pytest.mark.parametrize("turns", range(6))
async def test_a_request_keeps_its_limit_whoever_had_the_connection_before(turns: int) -> None:
    """Also if it gets the connection before the one that had it has come to its answer."""
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    async with hostile(fine, b"") as origin, trusting() as client:

        async def ask(limit_s: float) -> bytes:
            response = await client.request(
                "GET", origin.url, fields=[], first_byte_timeout_s=limit_s
            )
            return await read_whole(response)

        first = asyncio.create_task(ask(5))
        while not origin.requests:  # noqa: ASYNC110 - the turns of the loop are what counts
            await asyncio.sleep(0)
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(PATIENCE_S):
            with pytest.raises(OriginTimeout):
                await ask(0.1)
        assert await first == b"ok"
