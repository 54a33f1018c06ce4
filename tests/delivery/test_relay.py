"""The pump: exact octets, resumed where proved, within what its policy allows."""

import asyncio
import os
import resource
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import aiohttp
import pytest
import trustme
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from proxy.backoff import Backoff
from proxy.connectors.model import DeliveryMode
from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.relay import pump
from proxy.delivery.resolution import Delivery
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import MinRate, Transfer
from proxy.delivery.upstream import PassedFields, Upstream
from proxy.errors import (
    GatewayError,
    OriginChanged,
    OriginGone,
    OriginIncomplete,
    OriginUnreachable,
)
from proxy.telemetry.access_record import AccessRecord
from tests.delivery.origin_server import origin_server
from tests.delivery.taking import new_record
from tests.loops import ON_ASYNCIO_ALONE
from tests.waiting import PATIENCE_S

DATA = bytes(range(256)) * 4
RETRIES = RetryPolicy(lambda: 0.0, attempts=3, backoff=Backoff(0.0, longest_s=0.0))
DELIVERY = Delivery(content_id="a", mode=DeliveryMode.PUBLISHED, sources=(), file_name="a.bin")


@dataclass(slots=True)
class Script:
    """What an upstream says, piece by piece; an error among the pieces is raised."""

    pieces: list[bytes | GatewayError]
    status: int = 200
    fields: dict[str, str] = field(default_factory=dict)
    is_closed: bool = False

    def upstream(self) -> Upstream:
        """Return it as the relay sees it."""
        length = self.fields.get("Content-Length")
        return Upstream(
            status=self.status,
            fields=CIMultiDictProxy(CIMultiDict(self.fields)),
            passed=PassedFields(),
            octets=None if length is None else int(length),
            delivery=DELIVERY,
            read=self._read,
            close=self._close,
        )

    async def _read(self) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, GatewayError):
            raise piece
        return piece

    def _close(self) -> None:
        self.is_closed = True


def whole(*pieces: bytes | GatewayError, tag: str | None = '"1"') -> Script:
    """Return an upstream that promises all of DATA."""
    fields = {"Content-Length": str(len(DATA)), **({"ETag": tag} if tag else {})}
    return Script(list(pieces), fields=fields)


def rest(first: int, *pieces: bytes | GatewayError, tag: str = '"1"') -> Script:
    """Return an upstream that promises DATA from a position on."""
    said = f"bytes {first}-{len(DATA) - 1}/{len(DATA)}"
    fields = {"Content-Range": said, "ETag": tag, "Content-Length": str(len(DATA) - first)}
    return Script(list(pieces), status=206, fields=fields)


class Later:
    """What is opened to resume: scripts in their order, errors instead of some."""

    def __init__(self, *scripts: Script | GatewayError) -> None:
        self.scripts = list(scripts)
        self.asked: list[dict[str, str]] = []
        self.opened: list[Script] = []

    async def __call__(self, fields: Fields) -> Upstream:
        """Open the next one."""
        self.asked.append(dict(fields))
        script = self.scripts.pop(0)
        if isinstance(script, GatewayError):
            raise script
        self.opened.append(script)
        return script.upstream()


@dataclass(slots=True)
class Pumped:
    """How a pump ended: what the client had by then, and what broke it."""

    body: bytes
    error: GatewayError | None
    record: AccessRecord


async def pumped(first: Script, later: Later) -> Pumped:
    """Pump through a real response to a real client."""
    record = new_record()
    errors: list[GatewayError] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
        transfer = Transfer(record, MinRate(0, 60), now=lambda: 0.0)
        try:
            await pump(
                transfer,
                first.upstream(),
                client,
                reopen=later,
                retry_policy=RETRIES,
                read_gap_s=PATIENCE_S,
            )
        except GatewayError as exc:
            errors.append(exc)
        client.end()
        await client.emptied()
        return client

    async with (
        origin_server(handler) as server,
        aiohttp.ClientSession() as http,
        http.get(server.url) as response,
    ):
        body = await response.read()
    assert all(each.is_closed for each in (first, *later.opened))
    return Pumped(body, errors[0] if errors else None, record)


async def test_what_comes_is_sent() -> None:
    """Octet by octet the same, counted, and nothing is opened again."""
    done = await pumped(whole(DATA[:100], DATA[100:]), Later())
    assert (done.body, done.error) == (DATA, None)
    assert (done.record.octets, done.record.resumed) == (len(DATA), 0)
    assert done.record.first_byte_s is not None


@pytest.mark.parametrize(
    "marks", [[1], [500], [len(DATA) - 1], [1, 2, 3], [100, 100, 900]], ids=str
)
async def test_it_goes_on_from_the_exact_octet(marks: list[int]) -> None:
    """However often it breaks, each rest begins where the last one ended."""
    broken = OriginIncomplete("broken")
    cuts = [0, *marks, len(DATA)]
    pieces = [DATA[a:b] for a, b in pairwise(cuts)]
    first = whole(pieces[0], broken)
    scripts = [
        rest(cut, *([piece] if piece else []), broken)
        for cut, piece in zip(marks, pieces[1:], strict=True)
    ]
    later = Later(*scripts)
    done = await pumped(first, later)
    assert (done.body, done.error) == (DATA, None)
    assert done.record.resumed == len(marks)
    assert [asked["Range"] for asked in later.asked] == [
        f"bytes={cut}-{len(DATA) - 1}" for cut in marks
    ]
    assert {asked["If-Range"] for asked in later.asked} == {'"1"'}
    assert first.is_closed


async def test_an_end_too_soon_is_a_break() -> None:
    """A content that ends politely before its length is not whole."""
    done = await pumped(whole(DATA[:10]), Later(rest(10, DATA[10:])))
    assert (done.body, done.error) == (DATA, None)


async def test_a_whole_answer_is_skipped_to_the_place() -> None:
    """An origin that ignores Range begins anew; what was sent is not sent again."""
    again = whole(DATA[:30], DATA[30:200], DATA[200:])
    done = await pumped(whole(DATA[:100], OriginUnreachable("gone")), Later(again))
    assert (done.body, done.error) == (DATA, None)


async def test_more_than_was_promised_is_not_sent() -> None:
    """The content ends where its length says."""
    done = await pumped(whole(DATA, b"more"), Later())
    assert (done.body, done.error) == (DATA, None)
    done = await pumped(whole(DATA[:5], DATA[5:] + b"more"), Later())
    assert (done.body, done.error) == (DATA, None)


@pytest.mark.parametrize(
    "tag", [pytest.param(None, id="no entity-tag"), pytest.param('W/"1"', id="a weak one")]
)
async def test_what_cannot_be_proved_is_not_joined(tag: str | None) -> None:
    """Without a strong entity-tag a break stays one, and nothing is asked again."""
    later = Later()
    done = await pumped(whole(DATA[:10], OriginIncomplete("broken"), tag=tag), later)
    assert isinstance(done.error, OriginIncomplete)
    assert (done.body, later.asked) == (DATA[:10], [])


@pytest.mark.parametrize(
    "second",
    [
        pytest.param(rest(10, DATA[10:], tag='"2"'), id="another version"),
        pytest.param(rest(11, DATA[11:]), id="another range"),
        pytest.param(whole(DATA, tag='"2"'), id="the whole of another version"),
        pytest.param(Script([b"x"], fields={"Content-Length": "1"}), id="something else"),
    ],
)
async def test_another_version_is_never_joined(second: Script) -> None:
    """One body, one version: the client is cut instead."""
    done = await pumped(whole(DATA[:10], OriginIncomplete("broken")), Later(second))
    assert isinstance(done.error, OriginChanged)
    assert done.body == DATA[:10]


async def test_patience_ends() -> None:
    """So many attempts in a row without an octet; each octet begins the count anew."""
    down = OriginUnreachable("down")
    later = Later(down, down, rest(10, DATA[10:20], down), down, down, down)
    done = await pumped(whole(DATA[:10], down), later)
    assert done.error is down
    assert done.body == DATA[:20]
    assert len(later.asked) == 6


async def test_a_content_that_is_gone_is_given_up() -> None:
    """What a second request cannot repair is not asked a third time."""
    done = await pumped(whole(DATA[:10], OriginIncomplete("broken")), Later(OriginGone("gone")))
    assert isinstance(done.error, OriginGone)


async def test_a_length_that_nobody_told() -> None:
    """Then the end is where the origin ends."""
    done = await pumped(Script([DATA[:5], DATA[5:]]), Later())
    assert (done.body, done.error) == (DATA, None)


async def test_nothing_is_whole_at_once() -> None:
    """An empty content is not even read."""
    first = Script([OriginIncomplete("never read")], fields={"Content-Length": "0"})
    done = await pumped(first, Later())
    assert (done.body, done.error) == (b"", None)


async def test_the_end_waits_for_the_last_octet() -> None:
    """What only waits in this process is still a download: it ends once the client has read it."""
    octets = 60_000  # less than what makes a write wait
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        record = new_record(expected=octets)
        client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
        await client.write(bytes(octets))
        transfer = Transfer(record, MinRate(0, 60), now=lambda: 0.0)
        transfer.client = client
        assert not client.end()
        finishing = asyncio.create_task(transfer.emptied())
        finishing.add_done_callback(lambda _: ended.set())
        await finishing
        return client

    async with origin_server(handler) as server:
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            loop = asyncio.get_running_loop()
            await loop.sock_connect(sock, ("127.0.0.1", URL(server.url).port))
            await loop.sock_sendall(sock, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            head = await loop.sock_recv(sock, 1000)
            read = len(head.partition(b"\r\n\r\n")[2])
            assert not ended.is_set()
            while read < octets:
                read += len(await loop.sock_recv(sock, 1000))
            await ended.wait()


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_a_download_goes_on_without_a_descriptor_left() -> None:
    """Limits of a connection are set, and its end is told, where nothing more can be opened."""
    ended = asyncio.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        record = new_record()
        with no_descriptor_left():
            client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
            client.hold_little()
            client.send(DATA)
            client.hold_usual()
            transfer = Transfer(record, MinRate(0, 60), now=lambda: 0.0)
            transfer.client = client
            if not client.end():
                await transfer.emptied()
        ended.set()
        return client

    async with origin_server(handler) as server:
        host, port = URL(server.url).host, URL(server.url).port
        reader, writer = await asyncio.open_connection(host, port)
        # Its end is that of the connection, which is reset unless it is whole.
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert (await reader.read()).endswith(DATA)
        await ended.wait()
        writer.close()


def _tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return what a server of 127.0.0.1 needs for TLS, and what its clients do."""
    authority = trustme.CA()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    return serving, trusting


@contextmanager
def _asking(port: int, trusting: ssl.SSLContext) -> Iterator[ssl.SSLSocket]:
    """Give a client that has asked by TLS, and takes little at once."""
    with socket.socket() as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.settimeout(PATIENCE_S)
        plain.connect(("127.0.0.1", port))
        with trusting.wrap_socket(plain, server_hostname="127.0.0.1") as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            yield client


@ON_ASYNCIO_ALONE
async def test_the_end_waits_for_what_is_below_tls() -> None:
    """What TLS has given to the connection below it is no less of the download."""
    octets = 60_000  # less than what makes TLS wait
    serving, trusting = _tls()
    ended, read_on = asyncio.Event(), threading.Event()

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        record = new_record(expected=octets)
        client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
        client.send(bytes(octets))
        assert client.transport.get_write_buffer_size() == 0
        assert not client.is_empty
        transfer = Transfer(record, MinRate(0, 60), now=lambda: 0.0)
        transfer.client = client
        assert not client.end()
        finishing = asyncio.create_task(transfer.emptied())
        await asyncio.sleep(0.2)
        assert not finishing.done()
        read_on.set()
        await finishing
        ended.set()
        return client

    def read(port: int) -> int:
        with _asking(port, trusting) as client:
            assert read_on.wait(PATIENCE_S)
            received = b""
            while received.count(b"\0") < octets and (piece := client.recv(10_000)):
                received += piece
            return received.count(b"\0")

    async with origin_server(handler, tls=serving) as server:
        assert await asyncio.to_thread(read, URL(server.url).port or 0) == octets
        await ended.wait()


@ON_ASYNCIO_ALONE
async def test_a_tls_client_that_leaves_at_the_end() -> None:
    """Its departure is what ends the wait for the last octets, and no defect of ours."""
    octets = 4_000_000
    serving, trusting = _tls()
    waits, ended = threading.Event(), asyncio.Event()
    errors: list[BaseException] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        sock = request.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        record = new_record(expected=octets)
        client = ClientStream(request, 200, b"", record=record, has_content=True, is_last=False)
        client.send(bytes(octets // 2))
        client.send(bytes(octets // 2))
        transfer = Transfer(record, MinRate(0, 60), now=lambda: 0.0)
        transfer.client = client
        assert not client.end()
        assert client.transport.get_write_buffer_size()
        asyncio.get_running_loop().call_later(0.3, waits.set)
        try:
            await transfer.emptied()
        except BaseException as exc:
            errors.append(exc)
            raise
        finally:
            ended.set()
        return client

    def leave(port: int) -> None:
        with _asking(port, trusting) as client:
            assert waits.wait(PATIENCE_S)
            reset = struct.pack("ii", 1, 0)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    async with origin_server(handler, tls=serving) as server:
        await asyncio.to_thread(leave, URL(server.url).port or 0)
        await ended.wait()
    (error,) = errors
    assert isinstance(error, ConnectionError | asyncio.CancelledError), repr(error)
