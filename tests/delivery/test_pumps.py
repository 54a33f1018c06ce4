"""Every pump: octet by octet the same, over real sockets, with breaks, stalls and TLS."""

import asyncio
import hashlib
import multiprocessing
import os
import resource
import ssl
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from fcntl import F_GETFL, F_GETPIPE_SZ, fcntl
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web
from yarl import URL

from proxy.backoff import Backoff
from proxy.connectors.model import DeliveryMode
from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.origin_hosts import GuardedResolver
from proxy.delivery.pumps.splice import _MOST_HELD, _Splicing
from proxy.delivery.relay import pump
from proxy.delivery.resolution import Delivery
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import MinRate, Transfer
from proxy.delivery.transport.client import Http1Client
from proxy.delivery.upstream import Upstream, upstream_of
from proxy.errors import GatewayError, OriginIncomplete
from proxy.semantics.ranges import SelectedRange, select
from proxy.settings import Pump
from proxy.telemetry.access_record import AccessRecord
from tests.delivery.conftest import NAMED
from tests.delivery.origin_server import origin_server
from tests.delivery.taking import new_record, rest_of
from tests.waiting import PATIENCE_S, until

KIB = 1024
DATA = b"".join(
    hashlib.sha256(bytes([n % 251, n // 251 % 251, n // 63001])).digest() for n in range(96 * KIB)
)
RETRIES = RetryPolicy(lambda: 0.0, attempts=3, backoff=Backoff(0.0, longest_s=0.0))
DELIVERY = Delivery(content_id="a", mode=DeliveryMode.PUBLISHED, sources=(), file_name="a.bin")
AUTHORITY = trustme.CA()


def serving() -> ssl.SSLContext:
    """Return what a server on loopback serves by TLS with."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """Return what trusts it."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@dataclass(slots=True)
class Bench:
    """An origin, a gateway that is nothing but a pump, and how its last download went.

    Attributes:
        cuts: After how many octets the origin breaks off, request by request.
        length_is_told: Whether the origin tells how long the content is.
        ignores_range: Whether it sends the whole content to whatever is asked for.
        goes_on: What the origin waits for before the last MiB.
    """

    kind: Pump
    data: bytes = field(default=DATA, repr=False)
    origin: URL = field(default_factory=URL)
    gateway: URL = field(default_factory=URL)
    cuts: list[int] = field(default_factory=list)
    length_is_told: bool = True
    ignores_range: bool = False
    goes_on: asyncio.Event | None = None
    asked: list[str | None] = field(default_factory=list)
    record: AccessRecord = field(default_factory=new_record)
    error: BaseException | None = None
    client: Http1Client | None = None

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Give the content, or a part of it, as an origin."""
        self.asked.append(request.headers.get("Range"))
        part, status = SelectedRange(0, len(self.data) - 1, len(self.data)), 200
        if request.headers.get("Range") and not self.ignores_range:
            selected = select(request.headers["Range"], length=len(self.data))
            assert isinstance(selected, SelectedRange)
            part, status = selected, 206
        response = web.StreamResponse(status=status, headers={"ETag": '"1"'})
        if self.length_is_told:
            response.content_length = part.octets
        if status == 206:
            response.headers["Content-Range"] = f"bytes {part.first}-{part.last}/{len(self.data)}"
        await response.prepare(request)
        body = self.data[part.first : part.last + 1]
        cut = self.cuts.pop(0) if self.cuts else None
        if self.goes_on is not None:
            await response.write(body[: -KIB * KIB])
            body = body[-KIB * KIB :]
            await self.goes_on.wait()
        for begin in range(0, len(body[:cut]), 64 * KIB):
            await response.write(body[:cut][begin : begin + 64 * KIB])
        if cut is not None:
            assert request.transport is not None
            request.transport.close()
        return response

    async def opened(self, fields: Fields) -> Upstream:
        """Open the content at the origin."""
        assert self.client is not None
        response = await self.client.request(
            "GET", self.origin, fields=fields, first_byte_timeout_s=PATIENCE_S
        )
        return upstream_of(response, DELIVERY, "GET")

    async def relay(self, request: web.Request) -> web.StreamResponse:
        """Pump the content to a client."""
        record = self.record = new_record()
        transfer = Transfer(record, MinRate(0, 60), now=time.monotonic)
        try:
            with closing(await self.opened([])) as upstream:
                record.expected = upstream.octets
                told = f"Content-Length: {upstream.octets}\r\n" if upstream.octets else ""
                client = ClientStream(
                    request,
                    200,
                    told.encode(),
                    record=record,
                    has_content=True,
                    is_last=False,
                )
                await pump(
                    transfer,
                    upstream,
                    client,
                    reopen=self.opened,
                    retry_policy=RETRIES,
                    read_gap_s=PATIENCE_S,
                    kind=self.kind,
                )
                if not client.end():
                    await transfer.emptied()
        except (GatewayError, ConnectionError, asyncio.CancelledError) as exc:
            self.error = exc
            if request.transport is not None:
                request.transport.abort()  # as the middleware does once an answer has begun
            raise
        return client


Opener = Callable[..., Awaitable[Bench]]


@asynccontextmanager
async def benches() -> AsyncIterator[Opener]:
    """Make benches: of which kind of pump, and where there is TLS."""
    async with AsyncExitStack() as stack:

        async def opened(kind: Pump, *, tls: str = "nowhere", of: type[Bench] = Bench) -> Bench:
            made = of(kind)
            made.client = await stack.enter_async_context(
                Http1Client(GuardedResolver(NAMED), tls=trusting(), connect_timeout_s=PATIENCE_S)
            )
            origin = origin_server(made.give, tls=serving() if tls == "origin" else None)
            made.origin = URL((await stack.enter_async_context(origin)).url)
            gateway = origin_server(made.relay, tls=serving() if tls == "client" else None)
            made.gateway = URL((await stack.enter_async_context(gateway)).url)
            return made

        yield opened


@pytest.fixture
async def bench() -> AsyncIterator[Opener]:
    async with benches() as opener:
        yield opener


@asynccontextmanager
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """Give a client that trusts the gateway."""
    connector = aiohttp.TCPConnector(ssl=trusting())
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def same(body: bytes) -> bool:
    """Tell whether a body is the content; a difference of megabytes is no help."""
    return hashlib.sha256(body).digest() == hashlib.sha256(DATA).digest()


@pytest.mark.parametrize("kind", Pump)
@pytest.mark.parametrize("tls", ["nowhere", "origin", "client"])
@pytest.mark.parametrize(
    "cuts",
    [
        pytest.param([], id="whole"),
        pytest.param([1], id="after one octet"),
        pytest.param([700_001], id="in the middle"),
        pytest.param([len(DATA) - 1], id="before the last octet"),
        pytest.param([300_000, 0, 0, 5, 1_200_000], id="again and again"),
    ],
)
async def test_no_octet_differs(bench: Opener, kind: Pump, tls: str, cuts: list[int]) -> None:
    """However it breaks, it goes on from the exact octet; the connection serves another request."""
    made = await bench(kind, tls=tls)
    async with http() as session:
        for _ in range(2):
            made.cuts = list(cuts)
            async with session.get(made.gateway) as response:
                assert same(await response.read())
            assert made.error is None
            assert made.record.octets == len(DATA)
            assert made.record.resumed == sum(cut > 0 for cut in cuts) or 0 in cuts
    position = sum(cuts[:1])
    if cuts:
        assert made.asked[1] == f"bytes={position}-{len(DATA) - 1}"


@pytest.mark.parametrize("kind", Pump)
async def test_an_origin_that_ignores_the_range(bench: Opener, kind: Pump) -> None:
    """What comes before the first missing octet is dropped."""
    made = await bench(kind)
    made.cuts, made.ignores_range = [2_000_000], True
    async with http() as session, session.get(made.gateway) as response:
        assert same(await response.read())


class Exhausted(Bench):
    """A gateway that gets no descriptor more once the origin has answered."""

    async def opened(self, fields: Fields) -> Upstream:
        """Open the content, and let no more be opened meanwhile."""
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        upstream = await super().opened(fields)

        def close() -> None:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            upstream.close()

        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
        return replace(upstream, close=close)


async def test_without_a_descriptor_for_a_pipe_another_pump_goes_on(bench: Opener) -> None:
    """A machine at its limit breaks no download off."""
    made = await bench(Pump.SPLICE, of=Exhausted)
    async with http() as session, session.get(made.gateway) as response:
        assert same(await response.read())


@pytest.mark.parametrize("kind", Pump)
async def test_a_length_that_nobody_tells(bench: Opener, kind: Pump) -> None:
    """Then chunks go out, and no pump goes around them."""
    made = await bench(kind)
    made.length_is_told = False
    async with http() as session, session.get(made.gateway) as response:
        assert same(await response.read())


@pytest.mark.parametrize("kind", Pump)
@pytest.mark.parametrize("tls", ["nowhere", "client"])
async def test_a_torn_content_is_never_whole(bench: Opener, kind: Pump, tls: str) -> None:
    """What cannot be continued is broken off where the client can tell."""
    made = await bench(kind, tls=tls)
    made.cuts = [1_500_000, 0, 0, 0]
    async with http() as session, session.get(made.gateway) as response:
        taken = await rest_of(response)
    assert not taken.is_whole
    assert isinstance(made.error, OriginIncomplete)
    assert taken.body == DATA[: len(taken.body)]
    assert made.record.octets == 1_500_000


@pytest.mark.parametrize("kind", Pump)
async def test_a_client_that_stalls_costs_no_pipe(bench: Opener, kind: Pump) -> None:
    """Its pipe is given back; when it reads on, it gets the rest."""
    made = await bench(kind)
    before = pipes()
    connector = aiohttp.TCPConnector()
    async with (
        aiohttp.ClientSession(connector=connector, read_bufsize=KIB) as session,
        session.get(made.gateway) as response,
    ):
        begin = await response.content.readexactly(10)
        await until(lambda: _holds(made.record.octets > 0 and pipes() == before))
        assert same(begin + await response.read())
    assert made.error is None


async def test_many_clients_that_stall_are_not_held_here(bench: Opener) -> None:
    """What they leave is bounded in all: beyond that a pipe keeps it until its client reads on."""
    made = await bench(Pump.SPLICE)
    made.data = DATA * 8  # more than the system's buffers hold for a client that does not read
    before = pipes()
    _Splicing.held_in_all += _MOST_HELD  # by others
    async with (
        aiohttp.ClientSession(read_bufsize=KIB) as session,
        session.get(made.gateway) as response,
    ):
        try:
            begin = await response.content.readexactly(10)
            await until(lambda: _holds(pipes() > before))
            await asyncio.sleep(2.2)  # longer than it takes to be found stalled
            assert pipes() > before
        finally:
            _Splicing.held_in_all -= _MOST_HELD
        await until(lambda: _holds(pipes() == before))
        assert begin + await response.read() == made.data
    assert made.error is None
    assert (_Splicing.held_in_all, _Splicing.running) == (0, 0)


class Trickle(Bench):
    """Its origin gives the content in small pieces, so that a client may leave between any two."""

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Give the content as an origin that is slow."""
        response = web.StreamResponse()
        response.content_length = len(self.data)
        await response.prepare(request)
        for begin in range(0, len(self.data), 2 * KIB):
            await response.write(self.data[begin : begin + 2 * KIB])
            await asyncio.sleep(begin // KIB % 3 / 2000)
        return response


async def test_clients_that_leave_by_tls(bench: Opener) -> None:
    """Whenever they leave, nothing is written to a connection that is no more."""
    made = await bench(Pump.DIRECT, tls="client", of=Trickle)
    problems: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: problems.append(about))

    async def leaving(pieces: int) -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", made.gateway.port, ssl=trusting(), server_hostname="127.0.0.1"
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(pieces):
            await reader.read(2 * KIB)
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()

    for _ in range(4):
        await asyncio.gather(*map(leaving, range(1, 21)))
    assert not problems


@pytest.mark.parametrize("kind", Pump)
@pytest.mark.parametrize("tls", ["nowhere", "client"])
async def test_a_client_that_leaves(bench: Opener, kind: Pump, tls: str) -> None:
    """It is noticed, nothing goes on for it, and no descriptor is left."""
    made = await bench(kind, tls=tls)
    made.goes_on = asyncio.Event()
    before = pipes()
    async with http() as session:
        response = await session.get(made.gateway)
        await response.content.readexactly(10)
        response.close()
        made.goes_on.set()
        await until(lambda: _holds(made.error is not None))
    assert pipes() == before
    assert isinstance(made.error, ConnectionError | asyncio.CancelledError)
    assert made.record.octets < len(DATA)


async def test_what_was_written_counts_whatever_ends_the_wait(bench: Opener) -> None:
    """An origin's silence may end the wait for a client: what it has is not asked for again."""
    made = await bench(Pump.ORDINARY)
    octets = DATA * 6  # more than the system's buffers hold for a client that does not read
    record = new_record(expected=len(octets))
    is_cut = asyncio.Event()

    async def cut(request: web.Request) -> web.StreamResponse:
        told = f"Content-Length: {len(octets)}\r\n".encode()
        client = ClientStream(request, 200, told, record=record, has_content=True, is_last=False)
        transfer = Transfer(record, MinRate(0, 60), now=time.monotonic)
        with closing(await made.opened([])) as upstream:
            transfer.upstream, transfer.client = upstream, client
            transfer.left, transfer.skip = len(octets), 0
            writing = asyncio.ensure_future(transfer.write(octets))
            await until(lambda: _holds(client.transport.get_write_buffer_size() > 0))
            writing.cancel()
            await asyncio.wait([writing])
            assert writing.cancelled()
        is_cut.set()
        return client

    async with (
        origin_server(cut) as server,
        http() as session,
        session.get(server.url) as response,
    ):
        await is_cut.wait()
        assert await response.read() == octets
    assert record.octets == len(octets)


@pytest.mark.parametrize("kind", Pump)
async def test_every_length_comes_to_its_end(bench: Opener, kind: Pump) -> None:
    """Also where the last octet is the last of a turn, of a pipe, or of a read."""
    made = await bench(kind)
    async with http() as session:
        for pieces in range(8, 48, 2):
            made.data = DATA[: pieces * 64 * KIB]
            async with session.get(made.gateway) as response:
                assert await response.read() == made.data
            assert made.error is None


@pytest.mark.parametrize("kind", Pump)
async def test_many_at_once(bench: Opener, kind: Pump) -> None:
    """Each gets its own."""
    made = await bench(kind)

    async def fetch(session: aiohttp.ClientSession) -> bool:
        async with session.get(made.gateway) as response:
            return same(await response.read())

    async with http() as session:
        assert all(await asyncio.gather(*(fetch(session) for _ in range(20))))


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become an ordinary user")
def test_an_ordinary_user_with_many_downloads() -> None:
    """The kernel gives him few wide pipes; all get the content all the same."""
    child = multiprocessing.get_context("fork").Process(target=_download_as_nobody)
    child.start()
    child.join()
    assert child.exitcode == 0


def _download_as_nobody() -> None:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

    async def fetch(made: Bench, session: aiohttp.ClientSession) -> bool:
        async with session.get(made.gateway) as response:
            await asyncio.sleep(0.5)  # so that all run at once
            return same(await response.read())

    most = Counter[int]()

    async def watch() -> None:
        """Note how many pipes of each size there are, at the most."""
        while True:
            for size, number in Counter(pipe_sizes()).items():
                most[size] = max(most[size], number)
            await asyncio.sleep(0.05)

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with benches() as opener, aiohttp.ClientSession(connector=connector) as session:
            watching = asyncio.create_task(watch())
            for kind in (Pump.AUTO, Pump.SPLICE):
                most.clear()
                made = await opener(kind)
                assert all(await asyncio.gather(*(fetch(made, session) for _ in range(300))))
                assert made.error is None
                told = ", ".join(f"{number} of {size >> 10} KiB" for size, number in most.items())
                print(f"{kind}: 300 downloads of {len(DATA) >> 10} KiB; pipes at most: {told}")
            watching.cancel()

    asyncio.run(run())


async def _holds(value: bool) -> bool:  # noqa: FBT001 - a value to wait for
    return value


def pipe_sizes() -> Iterator[int]:
    """Give the sizes of the pipes that this process has open."""
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if (
                str(each.readlink()).startswith("pipe:")
                and fcntl(int(each.name), F_GETFL) & os.O_WRONLY
            ):
                yield fcntl(int(each.name), F_GETPIPE_SZ)


def pipes() -> int:
    """Return how many ends of pipes this process has open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += str(each.readlink()).startswith("pipe:")
    return found
