"""What is known is answered as its request arrives: the same answer, and never an outdated one."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.logs import logged
from tests.running import Running, by_id, by_name, running

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
PATH = f"/files/{FILM}/film.mp4"
HOUR_S = 3600.0
CLIENTS = 6
# What no two answers have in common, and what tells the time.
VARYING = re.compile(rb"(X-Request-Id|Date): [^\r]+\r\n|; ttl=[0-9]+")


@dataclass(frozen=True, slots=True)
class Client:
    """A connection that has been answered already, so that what is known is answered at once."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self, request: bytes) -> bytes:
        """Send a request, and return the header section of the answer; content is read past."""
        self.writer.write(request)
        section = await self.reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"Content-Length: ([0-9]+)", section)
        if request.startswith(b"GET") and length is not None:
            await self.reader.readexactly(int(length[1]))
        return section


@asynccontextmanager
async def connected(connector: Running) -> AsyncIterator[Client]:
    """Connect a client."""
    listen = connector.gateway.context.settings.listen
    reader, writer = await asyncio.open_connection(listen.host, listen.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.close()


def asking(method: str, path: str, *lines: str) -> bytes:
    """Return a request."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: a", *lines, "", ""]).encode()


@pytest.fixture
async def lasting(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run connectors that ask THRON once an hour, and know one content."""
    async with running(
        thron, tmp_path, by_id(thron), by_name(thron), resolution_ttl_s=HOUR_S
    ) as whole:
        assert (await whole.get(PATH)).status == 200
        yield whole


@pytest.mark.parametrize(
    ("method", "path", "lines"),
    [
        pytest.param("HEAD", PATH, [], id="HEAD"),
        pytest.param("HEAD", f"{PATH}?inline&x=1", [], id="HEAD, another disposition"),
        pytest.param("HEAD", f"/files/{FILM}/gr%C3%B6%C3%9Fe.mp4", [], id="HEAD, another name"),
        pytest.param("HEAD", f"/files/{FILM}", ["Range: bytes=0-9"], id="HEAD with a range"),
        pytest.param("HEAD", PATH, ["If-None-Match: {tag}"], id="HEAD of what it has"),
        pytest.param("GET", PATH, ["If-None-Match: {tag}"], id="GET of what it has"),
        pytest.param("GET", PATH, ["If-None-Match: W/{tag}"], id="weakly"),
        pytest.param("GET", PATH, ['If-None-Match: "a"', "If-None-Match: {tag}"], id="two lines"),
        pytest.param("GET", PATH, ["If-None-Match: *"], id="any version"),
        pytest.param("GET", PATH, ["If-Modified-Since: {modified}"], id="by date"),
        pytest.param("GET", PATH, ["If-None-Match: {tag}", "Range: bytes=0-1"], id="and a range"),
        pytest.param("GET", PATH, ["If-None-Match: {tag}", "Via: 1.1 a"], id="by a proxy"),
        pytest.param("GET", PATH, ["If-Match: {tag}", "If-None-Match: *"], id="two conditions"),
        pytest.param("GET", "/files/none", ["If-None-Match: {tag}"], id="unknown address"),
        pytest.param("GET", "/files/%00", ["If-None-Match: {tag}"], id="malformed path"),
        pytest.param("HEAD", PATH, ["Via: 1.1 thron-connector"], id="a loop"),
        pytest.param("HEAD", PATH, ['If-Match: "a"'], id="a refusal"),
        pytest.param("HEAD", "/-/livez", [], id="a probe"),
    ],
)
async def test_both_ways_say_the_same(
    lasting: Running, method: str, path: str, lines: list[str]
) -> None:
    """A connection's first request goes aiohttp's way; the answer to the next is no different."""
    known = (await lasting.get(PATH)).fields
    lines = [line.format(tag=known["ETag"], modified=known["Last-Modified"]) for line in lines]
    request = asking(method, path, *lines)
    with logged() as log:
        async with connected(lasting) as client:
            answers = [await client.head(request)]
            if method == "GET" and b" 304 " not in answers[0]:
                return  # content follows: never at once
            answers += [await client.head(request) for _ in range(3)]
        records = [await log.wait("download", nth=nth) for nth in range(1, 5)]
    assert len({VARYING.sub(b"", answer) for answer in answers}) == 1, answers
    for record, answer in zip(records, answers, strict=True):
        assert record.pop("request_id").encode() in answer
        assert record.pop("duration_s") >= 0
        del record["timestamp"]
    assert all(record == records[0] for record in records)


async def test_requests_that_come_together(lasting: Running) -> None:
    """Answers keep the order of their requests, whichever way each goes."""
    tag = (await lasting.get(PATH)).fields["ETag"]
    known, refused = asking("GET", PATH, f"If-None-Match: {tag}"), asking("HEAD", "/files/none")
    async with connected(lasting) as client:
        assert b" 304 " in await client.head(known)
        for _ in range(5):
            client.writer.write(known[:30])
            await asyncio.sleep(0)
            client.writer.write(known[30:] + refused + known + refused)
            found = [await client.reader.readuntil(b"\r\n\r\n") for _ in range(4)]
            assert [answer[9:12] for answer in found] == [b"304", b"404", b"304", b"404"]


Change = Callable[[Running], Awaitable[None]]


async def new_version(connector: Running) -> None:
    """Replace the file, and tell so."""
    connector.thron.publish_new_version(FILM, b"another film" * 1000)
    await connector.tenant.purge(Purge(PurgeKind.CONTENT, FILM))


async def withdrawn(connector: Running) -> None:
    """Take the content out of the folder, and tell so."""
    connector.thron.unlink(FILM)
    await connector.tenant.purge(Purge(PurgeKind.ALL))


async def removed(connector: Running) -> None:
    """Take the connector away."""
    store = ConnectorStore(connector.gateway.context.database)
    assert await store.remove("files", actor="test")
    await connector.gateway.watch.refresh()


async def of_other_types(connector: Running) -> None:
    """Serve no videos any more."""
    await connector.apply(by_id(connector.thron, content_types=("image",)))


async def to_https(connector: Running) -> None:
    """Force HTTPS."""
    await connector.apply(by_id(connector.thron, force_https=True))


async def switched_off(connector: Running) -> None:
    """Disable the connector."""
    await connector.apply(by_id(connector.thron, enabled=False))


async def other_lifetime(connector: Running) -> None:
    """Change what the connector says to caches."""
    await connector.apply(by_id(connector.thron, max_age_s=7))


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        pytest.param(new_version, b"20", b"12000\r\n", id="a new version"),
        pytest.param(withdrawn, b"404", b"", id="withdrawn"),
        pytest.param(removed, b"404", b"", id="connector removed"),
        pytest.param(switched_off, b"404", b"", id="connector switched off"),
        pytest.param(of_other_types, b"404", b"", id="connector of other types"),
        pytest.param(to_https, b"301", b"Location: https://", id="HTTPS forced"),
        pytest.param(other_lifetime, b"20", b"max-age=7,", id="connector changed"),
    ],
)
async def test_nothing_outlives_a_change(
    lasting: Running, change: Change, status: bytes, words: bytes
) -> None:
    """From a change on, no request is answered by what was written before it, under load too."""
    tag = (await lasting.get(PATH)).fields["ETag"]
    requests = [
        asking("HEAD", PATH),
        asking("HEAD", PATH, f"If-None-Match: {tag}"),
        asking("GET", PATH, "Range: bytes=0-9"),
    ]
    is_busy, is_changed = asyncio.Event(), asyncio.Event()

    async def ask() -> None:
        async with connected(lasting) as client:
            for number in range(100_000):
                request, was_changed = requests[number % 3], is_changed.is_set()
                answer = await client.head(request)
                if number == 50:
                    is_busy.set()
                if was_changed and not (words == b"max-age=7," and b" 304 " in answer):
                    assert answer[9:12].startswith(status), answer
                    assert words in answer
                if was_changed and number > 50:
                    return

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(ask())
        await is_busy.wait()
        await change(lasting)
        is_changed.set()
