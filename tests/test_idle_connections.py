"""Idle connections to origins, bounded."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
from aiohttp import web
from aiohttp.test_utils import BaseTestServer, TestServer

from proxy.idle_connections import IdleBoundedConnector
from tests.waiting import until


class Origin:
    """Answers a crowd when all of it is there, and knows its open connections."""

    def __init__(self, crowd: int) -> None:
        self.together = asyncio.Barrier(crowd)
        self.open: set[asyncio.Transport] = set()
        self.app = web.Application()
        self.app.router.add_get("/together", self._answer)
        self.app.router.add_get("/alone", self._answer)

    async def _answer(self, request: web.Request) -> web.Response:
        assert request.transport is not None
        self.open.add(request.transport)
        if request.path == "/together":
            await self.together.wait()
        return web.Response(body=b"octets")

    def still_open(self) -> int:
        """Return how many connections are open."""
        return sum(not each.is_closing() for each in self.open)


@asynccontextmanager
async def _origin(crowd: int) -> AsyncIterator[tuple[Origin, BaseTestServer]]:
    origin = Origin(crowd)
    async with TestServer(origin.app) as server:
        yield origin, server


async def _get(http: aiohttp.ClientSession, server: BaseTestServer, path: str) -> None:
    async with http.get(server.make_url(path)) as answer:
        assert await answer.read() == b"octets"


async def test_a_crowd_leaves_a_bounded_number_behind() -> None:
    """Thirty at once are served, five connections stay, and those are used again."""
    async with AsyncExitStack() as stack:
        origin, server = await stack.enter_async_context(_origin(30))
        connector = IdleBoundedConnector(ssl=ssl.create_default_context(), most_idle=5)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        await asyncio.gather(*[_get(http, server, "/together") for _ in range(30)])

        async def are_bounded() -> bool:
            return origin.still_open() == 5

        await until(are_bounded)
        connections = len(origin.open)
        for _ in range(10):
            await _get(http, server, "/alone")
        assert len(origin.open) == connections == 30


async def test_the_oldest_makes_room() -> None:
    """Whatever its host: one host's crowd of old connections keeps no other from its own."""
    async with AsyncExitStack() as stack:
        crowded, server = await stack.enter_async_context(_origin(5))
        other, elsewhere = await stack.enter_async_context(_origin(1))
        connector = IdleBoundedConnector(ssl=ssl.create_default_context(), most_idle=5)
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        await asyncio.gather(*[_get(http, server, "/together") for _ in range(5)])
        for _ in range(3):
            await _get(http, elsewhere, "/alone")
        assert len(other.open) == 1

        async def has_made_room() -> bool:
            return crowded.still_open() == 4

        await until(has_made_room)
