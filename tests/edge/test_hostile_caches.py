"""Whatever a cache does instead of answering, the others are told, and nothing is given away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from pydantic import SecretStr

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.connectors.store import ConnectorWatch
from proxy.edge.hooks import PurgeHook
from proxy.edge.sender import PurgeSender
from proxy.telemetry.metrics import Metrics
from tests.delivery.origin_server import origin_server
from tests.logs import logged
from tests.waiting import PATIENCE_S, until

SECRET = "hunter2"
FILM, POSTER = (Purge(PurgeKind.CHANGED, each) for each in ("film", "poster"))
# What the sockets between may hold, far less than what is sent.
BUFFERED = 32 * 1024 * 1024

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


async def _hang(_: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _close(_: asyncio.StreamWriter) -> None:
    """Answer nothing at all."""


async def _trickle(to: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 1_000_000:
        to.write(bytes([byte]))
        await to.drain()
        await asyncio.sleep(0.02)


async def _interim(to: asyncio.StreamWriter) -> None:
    while True:
        to.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await to.drain()
        await asyncio.sleep(0.01)


async def _garbage(to: asyncio.StreamWriter) -> None:
    to.write(b"\x16\x03\x01" + b"\x00" * 1000 + b"\r\n\r\n")
    await to.drain()


async def _huge_field(to: asyncio.StreamWriter) -> None:
    to.write(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        to.write(b"x" * 65_536)
        await to.drain()


async def _redirect(to: asyncio.StreamWriter) -> None:
    host, port = to.get_extra_info("sockname")
    to.write(f"HTTP/1.1 307 Go\r\nLocation: http://{host}:{port}/x\r\n\r\n".encode())
    await to.drain()


@dataclass
class Hostile:
    """A cache that speaks by itself.

    Attributes:
        requests: The first lines that it received.
        sent: Bytes of a body without an end.
    """

    requests: list[bytes] = field(default_factory=list)
    sent: int = 0

    async def huge_body(self, to: asyncio.StreamWriter) -> None:
        """Accept the purge, and never end the answer."""
        to.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            to.write(b"x" * 65_536)
            await to.drain()
            self.sent += 65_536

    @asynccontextmanager
    async def serving(self, answer: Answer) -> AsyncIterator[int]:
        """Answer each connection so, on the port given."""
        tasks = set[asyncio.Task[None]]()

        async def serve(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            with suppress(OSError, asyncio.CancelledError):
                self.requests.append(await source.readline())
                await answer(to)
            to.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def _sending(
    database_url: str, *, ill: str, patience_s: float = PATIENCE_S
) -> AsyncIterator[tuple[Database, PurgeSender, list[str]]]:
    """Run a sender with a hook to a cache that is ill, before one that is well.

    Args:
        database_url: Where the purges are.
        ill: The URL of the one that is ill.
        patience_s: How long each of the two has to answer.
    """
    told: list[str] = []

    async def well(request: web.Request) -> web.Response:
        told.append(request.headers["tags"])
        return web.Response()

    async with (
        origin_server(well) as server,
        Database.open(database_url) as database,
        ConnectorWatch.open(database, changed=_nothing) as watch,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=patience_s)) as http,
    ):
        hooks = [
            PurgeHook(
                name, "PURGE", url, {"tags": "{tags}", "key": "{secret}"}, "", 50, SecretStr(SECRET)
            )
            for name, url in (("ill", f"{ill}/{{secret}}"), ("well", server.url))
        ]
        sender = PurgeSender(database, watch, hooks, http, leads=lambda: True, metrics=Metrics())
        await sender.look()
        async with sender.running():
            yield database, sender, told


async def _nothing() -> None:
    """Follow no tenant."""


@pytest.mark.parametrize(
    ("answer", "patience_s", "problem"),
    [
        pytest.param(_hang, 0.5, "no answer within 0.5 s", id="hangs"),
        pytest.param(_close, PATIENCE_S, "ServerDisconnectedError", id="closes"),
        pytest.param(_trickle, 0.5, "no answer within 0.5 s", id="byte by byte"),
        pytest.param(_interim, 0.5, "no answer within 0.5 s", id="interim answers"),
        pytest.param(_garbage, PATIENCE_S, "no answer (", id="no HTTP"),
        pytest.param(_huge_field, PATIENCE_S, "no answer (", id="a field without an end"),
        pytest.param(_redirect, PATIENCE_S, "the cache answered 307", id="leads elsewhere"),
    ],
)
async def test_an_ill_cache_is_alone_with_it(
    sqlite_url: str, answer: Answer, patience_s: float, problem: str
) -> None:
    """The other one is told at once and in order; words and log hold neither URL nor secret."""
    hostile = Hostile()
    async with hostile.serving(answer) as port:
        with logged() as log:
            ill = f"http://127.0.0.1:{port}"
            async with _sending(sqlite_url, ill=ill, patience_s=patience_s) as (
                database,
                sender,
                told,
            ):
                for each in (FILM, POSTER):
                    await PurgeStore(database).order(each, actor="test")

                async def is_alone() -> bool:
                    # Half a second may pass on a busy machine: both are tried again, then.
                    tags = dict.fromkeys(" ".join(told).split())
                    ill, well = await sender.states()
                    return (
                        list(tags) == ["content-film", "content-poster"]
                        and problem in (ill.problem or "")
                        and (ill.waiting, well.problem) == (2, None)
                    )

                await until(is_alone)
                assert await sender.try_hook("ill") is not None
                await log.wait("cache not told")
            assert [each["hook"] for each in log.of("cache not told")].count("ill") == 1
            assert SECRET not in log.text
        # Empty is one whose half second was over before it had sent anything.
        assert {each.split()[0] for each in hostile.requests if each} == {b"PURGE"}


async def test_an_answer_without_an_end(sqlite_url: str) -> None:
    """The status is the answer: what comes after it is not read, and fills no memory."""
    hostile = Hostile()
    async with (
        hostile.serving(hostile.huge_body) as port,
        _sending(sqlite_url, ill=f"http://127.0.0.1:{port}") as (database, sender, _),
    ):
        await PurgeStore(database).order(FILM, actor="test")

        async def is_done() -> bool:
            return [each.waiting for each in await sender.states()] == [0, 0]

        await until(is_done)
        assert hostile.sent < BUFFERED


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://no-such-host.invalid", id="no DNS"),
        pytest.param("https://127.0.0.1:PORT", id="no TLS there"),
        pytest.param("http://127.0.0.1:1", id="nobody listens"),
    ],
)
async def test_a_cache_that_cannot_be_reached(sqlite_url: str, url: str) -> None:
    """The other one is told; words and log say what kind of failure it is, and no more."""
    async with Hostile().serving(_close) as port:
        with logged() as log:
            ill = url.replace("PORT", str(port))
            async with _sending(sqlite_url, ill=ill) as (database, sender, told):
                await PurgeStore(database).order(FILM, actor="test")

                async def is_told() -> bool:
                    return told == ["content-film"]

                await until(is_told)
                await log.wait("cache not told")
                problem = (await sender.states())[0].problem or ""
                assert problem.startswith("no answer ")
            assert SECRET not in log.text
