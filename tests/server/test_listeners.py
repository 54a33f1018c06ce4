"""Sockets that cannot be bound, connections that do not end, and the end of serving."""

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from proxy.errors import ConfigurationError
from proxy.semantics.forwarded import TrustedProxies
from proxy.server.certificate import Certificate
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.listeners import Lifecycle, bind, serving
from proxy.server.shared_counts import SharedMemory
from proxy.settings import Listen
from tests.logs import logged
from tests.waiting import PATIENCE_S, until

LOOPBACK = Listen(host="127.0.0.1", port=0)


class Story:
    """An application with one resource that takes until it is told to end."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.cut = False
        self.app = web.Application()
        self.app.router.add_get("/quick", self._quick)
        self.app.router.add_get("/slow", self._slow)

    async def _quick(self, _request: web.Request) -> web.Response:
        return web.Response(text="quick")

    async def _slow(self, _request: web.Request) -> web.Response:
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cut = True
            raise
        return web.Response(text="slow")


def roomy(most: int = 1000) -> ConnectionLimiter:
    """Return a limiter that counts nothing."""
    return ConnectionLimiter(
        most=most, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )


async def nothing() -> None:
    """Wait for nothing."""


@asynccontextmanager
async def open_story(
    story: Story,
    *,
    limiter: ConnectionLimiter | None = None,
    keep_alive_s: float = 75,
    header_s: float = 15,
) -> AsyncIterator[str]:
    """Serve a story on a free port, and give its base."""
    with bind(LOOPBACK, setting="TDC_LISTEN") as sock:
        host, port = sock.getsockname()[:2]
        async with serving(
            story.app,
            (sock, None),
            limiter=limiter or roomy(),
            drained=nothing,
            keep_alive_s=keep_alive_s,
            header_s=header_s,
        ):
            yield f"http://{host}:{port}"


def _port(base: str) -> int:
    return int(base.rpartition(":")[2])


def test_taken_port_names_the_setting() -> None:
    """An address that another program has is told with its setting and the fix."""
    with bind(LOOPBACK, setting="TDC_LISTEN") as sock:
        taken = Listen(host="127.0.0.1", port=sock.getsockname()[1])
        with pytest.raises(ConfigurationError, match=r"^TDC_ADMIN_LISTEN: .*another port"):
            bind(taken, setting="TDC_ADMIN_LISTEN")


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("192.0.2.1", id="another machine's"),
        pytest.param("no-such-host.invalid", id="a name without address"),
        pytest.param("2001:db8::1", id="another machine's, IPv6"),
    ],
)
def test_foreign_address_names_the_setting(host: str) -> None:
    """An address that this machine does not have is told with its setting."""
    with pytest.raises(ConfigurationError, match=r"^TDC_LISTEN: "):
        bind(Listen(host=host, port=0), setting="TDC_LISTEN")


def test_every_interface_of_both_kinds() -> None:
    """``[::]`` takes IPv4 connections too."""
    with (
        bind(Listen(host="::", port=0), setting="TDC_LISTEN") as sock,
        socket.create_connection(("127.0.0.1", sock.getsockname()[1])),
    ):
        pass


async def test_native_https(tmp_path: Path) -> None:
    """A socket with a certificate serves HTTPS, and its plain neighbour goes on."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    certificate, key = tmp_path / "cert", tmp_path / "key"
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    issued.private_key_pem.write_to_path(str(key))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    story = Story()
    with bind(LOOPBACK, setting="plain") as plain, bind(LOOPBACK, setting="tls") as tls:
        sockets = (plain, None), (tls, Certificate(certificate, key))
        async with (
            serving(story.app, *sockets, limiter=roomy(), drained=nothing),
            aiohttp.ClientSession() as http,
        ):
            for scheme, sock in (("http", plain), ("https", tls)):
                url = f"{scheme}://127.0.0.1:{sock.getsockname()[1]}/quick"
                async with http.get(url, ssl=trusting) as response:
                    assert await response.text() == "quick"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /qui", id="half a request line"),
        pytest.param(b"GET /quick HTTP/1.1\r\nHost: a\r\nX-Slow: ", id="half a header section"),
        pytest.param(
            b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET /quick HTTP/1.1\r\nHo",
            id="half of the second request",
        ),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS to a plain port"),
    ],
)
async def test_unfinished_request_is_let_go(sent: bytes) -> None:
    """A connection whose request does not become whole is closed, without an end of its own."""
    async with open_story(Story(), header_s=0.1, keep_alive_s=0.2) as base:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(base))
        writer.write(sent)
        with suppress(ConnectionResetError):  # closed before what was sent has been read
            await reader.read()
        writer.close()


async def test_trickled_header_section_is_let_go() -> None:
    """Sending a little now and then does not keep an unfinished header section open."""
    async with open_story(Story(), header_s=0.5) as base:
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(base))
        writer.write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")  # nor does a good one before it
        await reader.readuntil(b"quick")
        writer.write(b"GET /quick HTTP/1.1\r\n")
        ended = asyncio.ensure_future(reader.read())
        while not ended.done():
            writer.write(b"X-Slow: 1\r\n")
            await asyncio.wait({ended}, timeout=0.05)
        writer.close()


async def test_request_under_way_is_not_idle() -> None:
    """An answer that takes longer than idle connections live is sent whole."""
    story = Story()
    async with open_story(story, keep_alive_s=0.05) as base, aiohttp.ClientSession() as http:
        asking = asyncio.ensure_future(http.get(f"{base}/slow"))
        await story.begun.wait()
        # A neighbour that is idle since then has been let go before the answer is due.
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(base))
        await reader.read()
        writer.close()
        story.may_end.set()
        async with await asking as response:
            assert await response.text() == "slow"


async def test_idle_connection_outlives_the_time_for_a_header_section() -> None:
    """Between requests a connection may be silent for longer than within a header section."""
    async with open_story(Story(), header_s=0.5) as base:
        kept = await asyncio.open_connection("127.0.0.1", _port(base))
        kept[1].write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        await kept[0].readuntil(b"quick")
        # A silent one that came later has been let go.
        silent = await asyncio.open_connection("127.0.0.1", _port(base))
        assert await silent[0].read() == b""
        kept[1].write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        await kept[0].readuntil(b"quick")
        for _, writer in (kept, silent):
            writer.close()


async def test_silent_handshake_is_let_go(tmp_path: Path) -> None:
    """A connection counts before its TLS handshake, which has the time of a header section."""
    issued = trustme.CA().issue_cert("127.0.0.1")
    pem = tmp_path / "pem"
    issued.private_key_and_cert_chain_pem.write_to_path(str(pem))
    limiter = roomy(most=2)
    with bind(LOOPBACK, setting="TDC_TLS_LISTEN") as sock:
        port = sock.getsockname()[1]
        async with serving(
            Story().app,
            (sock, Certificate(pem, pem)),
            limiter=limiter,
            drained=nothing,
            header_s=0.3,
        ):
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
            for reader, writer in silent:  # the first gives way to the third
                assert await reader.read() == b""
                writer.close()

            async def none_open() -> bool:
                return limiter.open == 0

            await until(none_open)


async def test_longest_idle_connection_gives_way() -> None:
    """Beyond the limit the connection that is idle the longest is closed, and no one is refused."""
    async with open_story(Story(), limiter=roomy(most=3)) as base:
        crowd = [await asyncio.open_connection("127.0.0.1", _port(base)) for _ in range(6)]
        for reader, _ in crowd[:3]:
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        for reader, writer in crowd[3:]:
            writer.write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"quick")
        for _, writer in crowd:
            writer.close()


async def test_the_most_numerous_client_gives_way() -> None:
    """The longest idle connection of the client with the most is closed, an older one is not."""
    reasons = list[str]()
    limiter = ConnectionLimiter(
        most=3, trusted=TrustedProxies(), count=reasons.append, now=lambda: 0.0
    )
    async with open_story(Story(), limiter=limiter) as base, asyncio.timeout(PATIENCE_S):
        clients = ["127.0.0.2", *["127.0.0.1"] * 3]
        lone, longest, *others = [
            await asyncio.open_connection("127.0.0.1", _port(base), local_addr=(client, 0))
            for client in clients
        ]
        with contextlib.suppress(ConnectionResetError):
            assert await longest[0].read() == b""
        for reader, writer in (lone, *others):
            writer.write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
            await reader.readuntil(b"quick")
        for _, writer in (lone, longest, *others):
            writer.close()
    assert reasons == ["full"]


async def test_request_under_way_gives_way_to_no_one() -> None:
    """Where every connection has a request that is answered, a further one is refused."""
    story, reasons = Story(), list[str]()
    limiter = ConnectionLimiter(
        most=1, trusted=TrustedProxies(), count=reasons.append, now=lambda: 0.0
    )
    async with open_story(story, limiter=limiter) as base, aiohttp.ClientSession() as http:
        asking = asyncio.ensure_future(http.get(f"{base}/slow"))
        await story.begun.wait()
        reader, writer = await asyncio.open_connection("127.0.0.1", _port(base))
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        story.may_end.set()
        async with await asking as response:
            assert await response.text() == "slow"
    assert reasons == ["refused"]


async def test_answer_that_is_not_taken_holds_no_connection() -> None:
    """A client that asks on and on and reads nothing gives way: its answers are no download."""
    async with open_story(Story(), limiter=roomy(most=1)) as base:
        sock = socket.create_connection(("127.0.0.1", _port(base)))
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        ended = False

        async def is_stuck() -> bool:
            """Send until nothing more is taken, since no answer is read."""
            with contextlib.suppress(BlockingIOError):
                return not sock.send(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n" * 1000)
            await asyncio.sleep(0.2)
            try:
                return not sock.send(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
            except BlockingIOError:
                return True

        async def is_served() -> bool:
            nonlocal ended
            async with aiohttp.ClientSession() as http:
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{base}/quick") as response:
                        ended = await response.text() == "quick"
            return ended

        await until(is_stuck)
        await until(is_served)
        sock.close()


async def test_error_of_accept_is_counted() -> None:
    """Where no descriptor is left, accepting goes on later, and the log tells it once."""
    reasons = list[str]()
    limiter = ConnectionLimiter(
        most=1000, trusted=TrustedProxies(), count=reasons.append, now=lambda: 0.0
    )
    with logged() as log:
        async with open_story(Story(), limiter=limiter) as base, aiohttp.ClientSession() as http:
            sock = socket.socket()
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (sock.fileno(), hard))
            try:
                sock.connect(("127.0.0.1", _port(base)))

                async def is_counted() -> bool:
                    return reasons.count("accept_error") > 1

                await until(is_counted)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                sock.close()
            async with http.get(f"{base}/quick") as response:
                assert await response.text() == "quick"
        (warning,) = log.of("cannot accept connections")
    assert "TDC_MAX_CONNECTIONS" in warning["fix"]
    assert set(reasons) == {"accept_error"}


async def test_connections_are_shared_out() -> None:
    """A process that has clearly more leaves them to the other, and takes what no other takes."""
    app = Story().app
    memory = SharedMemory.make(processes=2)
    limiters = [
        ConnectionLimiter(
            most=1000,
            trusted=TrustedProxies(),
            count=lambda _: None,
            now=lambda: 0.0,
            shared=memory.of(own, max_downloads=9, max_connections=None).connections,
        )
        for own in range(2)
    ]
    with bind(LOOPBACK, setting="TDC_LISTEN") as sock, sock.dup() as copy:
        host, port = sock.getsockname()
        async with (
            AsyncExitStack() as clients,
            serving(app, (sock, None), limiter=limiters[0], drained=nothing) as one,
        ):

            async def connect(times: int) -> None:
                for _ in range(times):
                    reader, writer = await asyncio.open_connection(host, port)
                    clients.callback(writer.close)
                    writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
                    assert await reader.readuntil(b"quick")

            await connect(20)
            assert limiters[0].open == 20, "nobody else takes them"
            async with serving(app, (copy, None), limiter=limiters[1], drained=nothing):
                await connect(40)
                assert 27 <= limiters[1].open <= 33
                await connect(5)
                one.close()
                await connect(40)
                assert limiters[1].open > 60, "the one that is left takes all"
    os.close(memory.descriptor)


async def test_the_end_lets_running_requests_finish() -> None:
    """At the end no connection is taken, what runs is finished, and its connection closed."""
    story = Story()
    leave, draining, drained = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        draining.set()
        await drained.wait()

    async def serve(sock: socket.socket) -> None:
        async with serving(story.app, (sock, None), limiter=roomy(), drained=drain):
            await leave.wait()

    with bind(LOOPBACK, setting="TDC_LISTEN") as sock:
        port = sock.getsockname()[1]
        served = asyncio.ensure_future(serve(sock))
        async with aiohttp.ClientSession() as http:
            async with http.get(f"http://127.0.0.1:{port}/quick") as kept:
                assert await kept.text() == "quick"
            asking = asyncio.ensure_future(http.get(f"http://127.0.0.1:{port}/slow"))
            await story.begun.wait()
            leave.set()
            await draining.wait()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            story.may_end.set()
            async with await asking as response:
                assert await response.text() == "slow"
                assert response.headers["Connection"] == "close"
            drained.set()
            await served
    assert not story.cut


async def test_the_listening_ends_for_all() -> None:
    """Whoever closes for all takes those that wait; then a copy of the socket keeps nobody waiting.

    Where a successor has it, it goes on.
    """
    app, noted = Story().app, list[str]()
    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=noted.append, now=lambda: 0.0
    )
    with bind(LOOPBACK, setting="TDC_LISTEN") as sock, sock.dup() as copy, sock.dup() as third:
        host, port = sock.getsockname()
        lifecycle = Lifecycle()
        lifecycle.handed_over.set()
        async with (
            serving(app, (third, None), limiter=limiter, drained=nothing, lifecycle=lifecycle) as a,
            serving(app, (sock, None), limiter=limiter, drained=nothing) as b,
            serving(app, (copy, None), limiter=limiter, drained=nothing),
        ):
            a.close(for_all=True)
            reader, writer = await asyncio.open_connection(host, port)
            b.close(for_all=True)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(host, port)
            writer.write(b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
            writer.close()
    assert not noted, "a listening that another process has ended is no error"


async def test_open_connections_are_answered_once_more() -> None:
    """While it drains, a request on an idle connection is answered, and the connection closed."""
    story = Story()
    leave, draining, drained = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        draining.set()
        await drained.wait()

    async def serve(sock: socket.socket) -> None:
        async with serving(story.app, (sock, None), limiter=roomy(), drained=drain):
            await leave.wait()

    with bind(LOOPBACK, setting="TDC_LISTEN") as sock:
        served = asyncio.ensure_future(serve(sock))
        reader, writer = await asyncio.open_connection("127.0.0.1", sock.getsockname()[1])
        writer.write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"close" not in await reader.readuntil(b"quick")
        leave.set()
        await draining.wait()
        writer.write(b"GET /quick HTTP/1.1\r\nHost: a\r\n\r\n")
        last = await reader.read()
        assert last.endswith(b"quick")
        assert b"\r\nConnection: close\r\n" in last
        writer.close()
        drained.set()
        await served


async def test_what_still_runs_is_cut() -> None:
    """A request that outlives the drain is cancelled, and the end comes."""
    story = Story()
    with bind(LOOPBACK, setting="TDC_LISTEN") as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}/slow"
        async with aiohttp.ClientSession() as http:
            async with serving(story.app, (sock, None), limiter=roomy(), drained=nothing):
                asking = asyncio.ensure_future(http.get(url))
                await story.begun.wait()
            with pytest.raises(aiohttp.ClientError):
                await asking
    assert story.cut
