"""What docs/sizing.md counts with, and RESULTS.md does not have: connections, handshakes, contents.

Figures of one process: CPU time, and memory above what it held before.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from proxy.catalogue.database import Database
from proxy.catalogue.sync_runs import SyncRunStore
from proxy.connectors.model import DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.bench import servers
from tests.bench.load import request
from tests.bench.process_tree import cpu_s, resident_mb, sockets_mb
from tests.bench.servers import Origin, Server
from tests.process import environ_for, served
from tests.running import by_id
from tests.waiting import until

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]

_CONNECTIONS = 2000
_HANDSHAKES = 500
_CONTENTS = int(os.environ.get("CONTENTS", "5000"))
_SMALL_PATH = "/media/en/small/small.jpg"


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    """Run an origin with one small file."""
    servers.on_other_cores()
    home = tmp_path_factory.mktemp("sizing")
    file = home / "files" / _SMALL_PATH.lstrip("/")
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(4096))
    with servers.origin(home, home / "files") as running:
        yield running


@pytest.fixture(scope="module")
def server(origin: Origin) -> Iterator[Server]:
    """Run the connector before it, with a listener for HTTPS."""
    with servers.connector(origin, by_tls=False) as running:
        yield running


@pytest.mark.parametrize("by_tls", [False, True], ids=["plain", "tls"])
def test_idle_connections(origin: Origin, server: Server, *, by_tls: bool) -> None:
    """The memory of clients that have asked once, and stay connected."""
    with ExitStack() as stack:
        stack.enter_context(_asked(origin, server, by_tls=by_tls))
        before_mb, sockets_before_mb = resident_mb(server.pid), sockets_mb(server.pid)
        for _ in range(_CONNECTIONS):
            stack.enter_context(_asked(origin, server, by_tls=by_tls))
        each_kb = (resident_mb(server.pid) - before_mb) * 1000 / _CONNECTIONS
        sockets_kb = (sockets_mb(server.pid) - sockets_before_mb) * 1000 / _CONNECTIONS
        print(f"idle, {'TLS' if by_tls else 'plain'}: {each_kb:.1f} kB, sockets {sockets_kb:.1f}")


@pytest.mark.parametrize("by_tls", [False, True], ids=["plain", "tls"])
def test_new_connections(origin: Origin, server: Server, *, by_tls: bool) -> None:
    """The processor's time of a client that connects, asks once and leaves."""
    before_s = cpu_s(server.pid)
    for _ in range(_HANDSHAKES):
        with _asked(origin, server, by_tls=by_tls):
            pass
    each_ms = (cpu_s(server.pid) - before_s) * 1000 / _HANDSHAKES
    print(f"connect, HEAD, close, {'TLS' if by_tls else 'plain'}: {each_ms:.2f} ms")


def _asked(origin: Origin, server: Server, *, by_tls: bool) -> socket.socket:
    """Return a new connection on which a HEAD has been answered."""
    sock = socket.create_connection((server.tls if by_tls else None) or server.plain)
    if by_tls:
        context = ssl.create_default_context(cafile=origin.certificate.authority)
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(request(_SMALL_PATH, method="HEAD"))
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65536)
    assert received.startswith(b"HTTP/1.1 200 ")
    return sock


async def test_first_requests(tmp_path: Path) -> None:
    """What it costs to ask for each of many contents for the first time, and to remember it."""
    async with Sandbox(generated=_CONTENTS) as thron, aiohttp.ClientSession() as http:
        environ = environ_for(thron, tmp_path) | {"TDC_RESOLUTION_TTL_S": "86400"}
        wanted = by_id(thron, delivery=DeliveryMode.PUBLISHED)
        wanted = wanted.model_copy(update={"folder_id": thron.root_folder_id})
        async with Database.open(f"{tmp_path}/connector.db") as database:
            await ConnectorStore(database).apply([wanted], actor="bench")
            async with served(environ | {"TDC_LOG_LEVEL": "info"}) as (process, public, _):

                async def is_listed() -> bool:
                    return await SyncRunStore(database).last_began("files") is not None

                await until(is_listed, at_most_s=600)
                paths = [f"/files/{each.id}" for each in thron.tenant.contents()]
                at_once = asyncio.Semaphore(50)

                async def ask(path: str) -> None:
                    async with at_once, http.head(URL(f"http://{public}{path}")) as answer:
                        assert answer.status == 200, (answer.status, path)

                thron.log.clear()
                before_s, before_mb = cpu_s(process.pid), resident_mb(process.pid)
                await asyncio.gather(*map(ask, paths))
                cost_ms = (cpu_s(process.pid) - before_s) * 1000 / _CONTENTS
                each_kb = (resident_mb(process.pid) - before_mb) * 1000 / _CONTENTS
                questions = len(thron.log.of("api"))
                print(f"first HEAD: {cost_ms:.2f} ms, {each_kb:.1f} kB; {questions} questions")
                before_s = cpu_s(process.pid)
                await asyncio.gather(*map(ask, paths))
                print(f"second: {(cpu_s(process.pid) - before_s) * 1000 / _CONTENTS:.2f} ms")
