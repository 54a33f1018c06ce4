"""Requests that no application meets: what is no HTTP, and what makes no request."""

import asyncio
import inspect
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import _ErrInfo

from proxy.semantics.forwarded import Scheme, TrustedProxies
from proxy.server.certificate import Certificate
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.listeners import Lifecycle, bind, serving
from proxy.settings import Listen
from tests.logs import logged
from tests.running import Running
from tests.waiting import PATIENCE_S


@pytest.fixture
async def port() -> AsyncIterator[int]:
    """Serve a probe and nothing else on a free port."""

    async def livez(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def nothing() -> None:
        pass

    app = web.Application()
    app.router.add_get("/-/livez", livez)
    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )
    with bind(Listen(host="127.0.0.1", port=0), setting="TDC_LISTEN") as sock:
        async with serving(app, (sock, None), limiter=limiter, drained=nothing):
            yield sock.getsockname()[1]


LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
HEAD = b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"
MUCH = b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % b"".join(
    b"X-%d: %s\r\n" % (number, b"a" * 8000) for number in range(120)
)


async def said(port: int, sent: bytes) -> bytes:
    """Send octets, and return all that comes until the listener closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


@asynccontextmanager
async def answered_by(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
) -> AsyncIterator[int]:
    """Serve a handler until the end of the block, and give the port."""

    async def nothing() -> None:
        pass

    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )
    with bind(Listen(host="127.0.0.1", port=0), setting="TDC_LISTEN") as sock:
        async with serving(handler, (sock, None), limiter=limiter, drained=nothing):
            yield sock.getsockname()[1]


def public_port(connector: Running) -> int:
    """Return the port of the whole connector."""
    return connector.gateway.context.settings.listen.port


MALFORMED = [
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no Host"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", id="two Hosts"),
    pytest.param(b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", id="unknown version"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="HTTP/2"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", id="TLS"),
    pytest.param(b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", id="NUL in the target"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", id="NUL in a field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", id="blank before the colon"),
    pytest.param(b"GET / HTTP/1.1\nHost: a\n\n", id="bare LF"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", id="folded line"),
    pytest.param(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", id="long target"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 9000 + b"\r\n\r\n", id="long field"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", id="many fields"),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        id="two lengths of content",
    ),
    pytest.param(
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        id="lengths that differ",
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", id="negative length"),
    pytest.param(b"GET http://a:99999/ HTTP/1.1\r\nHost: a\r\n\r\n", id="port of no host"),
    pytest.param(b"GET http://xn--/ HTTP/1.1\r\nHost: a\r\n\r\n", id="target of no host"),
    pytest.param(b"GET http://xn--a-ecp.ru/ HTTP/1.1\r\nHost: a\r\n\r\n", id="IDNA of no host"),
    pytest.param(
        b"CONNECT xn--a-ecp.ru:443 HTTP/1.1\r\nHost: a\r\n\r\n", id="IDNA of no authority"
    ),
    pytest.param(
        b"CONNECT /a.xn--a-ecp.ru HTTP/1.1\r\nHost: a\r\n\r\n", id="path and no authority"
    ),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", id="no coding"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ,\r\n\r\n", id="empty list"),
    pytest.param(
        b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="coding of HTTP/1.0"
    ),
    *(
        pytest.param(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % host, id=f"Host {host!r}")
        for host in (
            b"",
            b"a b",
            b"a\tb",
            b"a,b",
            b"a/b",
            b"a\\b",
            b"a?b",
            b"a#b",
            b"user@a",
            b"http://a",
            b"a:port",
            b"a:65536",
            b"a:-1",
            b"a..b",
            b"%61",
            b'"a"',
            b"::1",
            b"[::1",
            b"\xc3\xa9",
        )
    ),
]
UNKNOWN_VERSIONS = [
    pytest.param(b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", id="HTTP/0.9"),
    pytest.param(b"GET /\r\n\r\n", id="HTTP/0.9 without a name"),
    pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", id="HTTP/2.0"),
]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        *(pytest.param(*each.values, b"400", id=each.id) for each in MALFORMED),
        *(pytest.param(*each.values, b"505", id=each.id) for each in UNKNOWN_VERSIONS),
    ],
)
async def test_malformed_request(port: int, sent: bytes, status: bytes) -> None:
    """It is refused with a request id, repeats nothing, names no software's version."""
    with logged() as log:
        answer = await said(port, sent)
        (told,) = log.of("malformed request")
    head, _, text = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] %s " % status, head)
    assert b"\r\nServer: thron-connector\r\n" in head
    assert b"\r\nConnection: close" in head or head.startswith(b"HTTP/1.0")
    assert b"aiohttp" not in answer
    request_id = re.search(rb"\r\nX-Request-Id: ([0-9a-f]{32})", head)
    assert request_id is not None
    assert text == b"This is not an HTTP request that can be understood.\n%s\n" % request_id[1]
    assert told.keys() == {
        *("event", "level", "timestamp", "request_id", "client", "reason", "status")
    }
    assert told["reason"].isidentifier()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET /-/livez HTTP/1.0\r\n\r\n", id="HTTP/1.0 without Host"),
        pytest.param(b"GET /-/livez HTTP/1.0\r\nHost: a\r\n\r\n", id="HTTP/1.0 with Host"),
        *(
            pytest.param(
                b"GET /-/livez HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % host,
                id=f"Host {host!r}",
            )
            for host in (b"a", b"A.Example.:8080", b"a:", b"my_host", b"192.0.2.1", b"[::1]:80")
        ),
    ],
)
async def test_odd_but_valid_request(port: int, sent: bytes) -> None:
    """What is unusual and yet a request is answered."""
    assert re.match(rb"HTTP/1\.[01] 200 ", await said(port, sent))


@pytest.mark.parametrize("bad", [*MALFORMED, *UNKNOWN_VERSIONS])
async def test_good_request_before_a_malformed_one(port: int, bad: bytes) -> None:
    """It is answered, the malformed one is refused, and what follows is not read."""
    good = b"GET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = await said(port, good + bad + good)
    statuses = re.findall(rb"HTTP/1\.[01] (\d+) ", answer)
    assert statuses[0] == b"200"
    assert statuses[1:] in ([b"400"], [b"505"])


async def test_malformed_request_after_a_declined_upgrade(port: int) -> None:
    """It is refused all the same, though aiohttp reads it once the upgrade has been declined."""
    fields = b"Connection: upgrade\r\nUpgrade: h2c\r\n"
    answer = await said(
        port,
        b"GET /-/livez HTTP/1.1\r\nHost: a\r\n%s\r\n" % fields
        + b"GET /-/livez HTTP/1.1\r\nHost: a..b\r\n\r\n",
    )
    assert re.findall(rb"HTTP/1\.[01] (\d+) ", answer) == [b"200", b"400"]


async def test_what_follows_the_content_of_a_declined_upgrade(port: int) -> None:
    """The connection is closed: nobody waits for an answer that aiohttp would never give."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    fields = b"Host: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 4\r\n"
    writer.write(b"POST /-/livez HTTP/1.1\r\n%s\r\n" % fields)
    answer = await reader.readuntil(b"\r\n\r\n")  # before the content has come
    writer.write(b"body" + LAST)
    await reader.read()
    writer.close()
    assert b" 405 " in answer
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("piece", [bytes(2**18), MUCH], ids=["no HTTP", "requests"])
async def test_little_is_held_behind_a_request(piece: bytes) -> None:
    """What comes while an answer is on its way is held by the system, not by this process."""
    goes_on = asyncio.Event()
    connection: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if not connection.done():
            connection.set_result(request.protocol)
            await goes_on.wait()
        return web.Response()

    async with answered_by(handler) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        asked = await connection
        with suppress(TimeoutError):  # no more is read
            async with asyncio.timeout(3):
                for _ in range(100):
                    writer.write(piece)
                    await writer.drain()
        while not asked._messages:  # noqa: ASYNC110, SLF001 - no event tells it
            await asyncio.sleep(0.01)
        held = [
            len(message.message)
            if isinstance(message, _ErrInfo)
            else sum(map(len, message.headers.values()))
            for message, _ in asked._messages  # noqa: SLF001 - what it holds shows nowhere else
        ]
        writer.transport.abort()
        goes_on.set()
    assert held
    assert sum(held) < 6 * 2**20


def test_private_names_of_aiohttp() -> None:
    """A new aiohttp is looked at, before requests pass that meet an application unchecked."""
    assert aiohttp.__version__ == "3.14.5", "read web_protocol.RequestHandler.start again"
    read_by_start = inspect.getsource(web.RequestHandler.start)
    assert read_by_start.count("self._request_factory(") == 1
    assert read_by_start.count("self._make_error_handler(message)") == 1
    assert read_by_start.count("self._messages.popleft()") == 1
    everything = inspect.getsource(web.RequestHandler)
    assert everything.count("self._messages.") == everything.count("self._messages.append(") + 1
    assert {
        *("_request_factory", "_messages", "_waiter"),
        *("_max_msg_queue_size", "_msg_queue_resume_size"),
        *("_keepalive_handle", "_keepalive_timeout", "_next_keepalive_close_time"),
    } <= set(web.RequestHandler.__slots__)
    assert {"_loop", "_parser"} <= set(BaseProtocol.__slots__)
    assert list(inspect.signature(_ErrInfo).parameters) == ["status", "exc", "message"]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"OPTIONS * HTTP/1.1", id="asterisk-form"),
        pytest.param(b"CONNECT files.example:443 HTTP/1.1", id="authority-form"),
    ],
)
async def test_target_that_is_no_path(connector: Running, line: bytes) -> None:
    """Forms of target that a gateway has no use for are 400."""
    answer = await said(public_port(connector), line + b"\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")


async def test_malformed_request_on_a_connection_in_use(connector: Running) -> None:
    """What names no host is refused in our words where answers are given at once, too."""
    known = b"HEAD /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    with logged() as log:
        reader, writer = await asyncio.open_connection("127.0.0.1", public_port(connector))
        writer.write(known)
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HEAD http://xn--a-ecp.ru/ HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 400 " in await reader.readuntil(b"\r\n\r\n")
        writer.close()
        await log.wait("malformed request")
    assert "Traceback" not in log.text


async def test_what_follows_a_malformed_request_is_not_read(port: int) -> None:
    """Nothing of a connection counts after a request that two parsers may read differently."""
    smuggling = (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    )
    answer = await said(port, smuggling)
    assert answer.count(b"HTTP/1.") == 1


async def test_content_of_a_request_is_not_read_as_a_request(connector: Running) -> None:
    """The content of a request is read past, whatever it looks like."""
    inner = b"GET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = await said(
        public_port(connector),
        b"GET /files/none HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\n"
        b"Content-Length: %d\r\n\r\n%s"
        b"GET /-/readyz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % (len(inner), inner),
    )
    assert re.findall(rb"HTTP/1\.1 (\d+) ", answer) == [b"404", b"200"]


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        pytest.param([HEAD], 0, id="the first of a connection"),
        pytest.param([HEAD, HEAD], 1, id="the next"),
        pytest.param([HEAD, HEAD[:9], HEAD[9:]], 0, id="in two pieces"),
        pytest.param([HEAD, HEAD + HEAD], 0, id="two together"),
        pytest.param(
            [HEAD, b"GET /a HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n"], 1, id="conditional"
        ),
        pytest.param([HEAD, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"], 0, id="for content"),
        pytest.param([HEAD, b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n"], 0, id="another method"),
        pytest.param(
            [HEAD, b"HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"],
            0,
            id="with content",
        ),
        pytest.param(
            [HEAD, b"HEAD /a HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", b"\r\n\r\n"],
            0,
            id="with content that looks like an end",
        ),
        pytest.param(
            [HEAD, b"HEAD http://a/a HTTP/1.1\r\nHost: a\r\n\r\n"], 0, id="with a host in it"
        ),
    ],
)
async def test_what_is_asked_for_at_once(sent: list[bytes], asked: int) -> None:
    """Whole requests for no content, on a connection that waits for one; all others go round."""
    seen: list[str] = []

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    def at_once(message: RawRequestMessage, peer: str, scheme: Scheme) -> bytes:
        assert (peer, scheme) == ("127.0.0.1", "http")
        seen.append(message.path)
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async def nothing() -> None:
        pass

    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )
    with bind(Listen(host="127.0.0.1", port=0), setting="TDC_LISTEN") as sock:
        port = sock.getsockname()[1]
        async with serving(
            handler, (sock, None), limiter=limiter, drained=nothing, at_once=at_once
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for octets in sent:
                writer.write(octets)
                for _ in range(octets.count(b" HTTP/1.1\r\n")):
                    await reader.readuntil(b"\r\n\r\n")
                await said(port, LAST)  # what came before on another connection has been read
            writer.write(LAST)
            assert b"HTTP/1.1 200 " in await reader.read()
            writer.close()
    assert seen == ["/a"] * asked


async def test_nothing_is_asked_for_at_once_while_draining() -> None:
    """Each answer is the last one of its connection then, whatever is known."""

    async def handler(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    def at_once(_message: RawRequestMessage, _peer: str, _scheme: Scheme) -> bytes:
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    async def nothing() -> None:
        pass

    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )
    lifecycle = Lifecycle()
    with bind(Listen(host="127.0.0.1", port=0), setting="TDC_LISTEN") as sock:
        port = sock.getsockname()[1]
        async with serving(
            handler,
            (sock, None),
            limiter=limiter,
            drained=nothing,
            lifecycle=lifecycle,
            at_once=at_once,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for status in (b"200", b"204"):
                writer.write(HEAD)
                assert (await reader.readuntil(b"\r\n\r\n"))[9:12] == status
            lifecycle.draining.set()
            writer.write(HEAD)
            assert b"\r\nConnection: close\r\n" in await reader.read()
            writer.close()


async def test_what_is_cut_at_the_stop_does_not_look_whole(tmp_path: Path) -> None:
    """By TLS, to a client to which the connection's end is the content's, there is no alert."""
    authority = trustme.CA()
    pem = tmp_path / "pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"half")
        await asyncio.Event().wait()
        return response

    async def nothing() -> None:
        pass

    has_begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def download(port: int) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as plain,
            trusting.wrap_socket(
                plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False
            ) as client,
        ):
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            received = b""
            while octets := client.recv(1000):
                received += octets
                if received.endswith(b"half"):
                    loop.call_soon_threadsafe(has_begun.set)
            return received

    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )
    with bind(Listen(host="127.0.0.1", port=0), setting="TDC_LISTEN") as sock:
        async with serving(
            handler, (sock, Certificate(pem, pem)), limiter=limiter, drained=nothing
        ):
            port = sock.getsockname()[1]
            downloading = asyncio.create_task(asyncio.to_thread(download, port))
            async with asyncio.timeout(PATIENCE_S):
                await has_begun.wait()
        with pytest.raises((ssl.SSLEOFError, ConnectionResetError)):
            await downloading


async def test_a_connection_is_lost_once() -> None:
    """A client that ends its side and then takes the rest meets no second end of its connection."""
    much = bytes(32 * 1024 * 1024)  # more than the sockets hold
    is_half_closed = asyncio.Event()

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        transport = request.transport
        assert transport is not None
        transport.write(much)
        while not transport.is_closing():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)
        is_half_closed.set()
        await asyncio.Event().wait()  # until it is cancelled, if ever
        return response

    problems: list[dict[str, Any]] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, problem: problems.append(problem))
    async with answered_by(handler) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            await is_half_closed.wait()
            assert len(await reader.read()) == len(much)
        writer.close()
    assert problems == []
