"""First requests for one content at once: its redirect is asked for once, its bytes by each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import closing

import pytest
from aiohttp import web

from proxy.delivery.origin_client import OriginClient
from proxy.delivery.redirect_collapse import RedirectCollapse
from proxy.errors import OriginTimeout
from tests.delivery.conftest import NAMED, http_client
from tests.delivery.origin_server import OriginServer, origin_server
from tests.delivery.taking import read_whole
from tests.waiting import until

CROWD = 20


@pytest.fixture
async def redirects() -> AsyncIterator[RedirectCollapse]:
    async with http_client() as http:
        yield RedirectCollapse(OriginClient(http, NAMED, first_byte_timeout_s=20, now=lambda: 0.0))


async def fetched(redirects: RedirectCollapse, server: OriginServer, method: str = "GET") -> str:
    """Follow the source, and return where it has led."""
    answer = await redirects.follow(method, f"{server.url}/source", fields=[])
    with closing(answer.response):
        assert await read_whole(answer.response) == (b"octets" if method == "GET" else b"")
    assert answer.is_redirected is answer.url.endswith("/target")
    return answer.url.removeprefix(server.url)


def asked(server: OriginServer, path: str) -> int:
    """Return how many requests for a path there were."""
    return sum(each == path for _, each, _ in server.requests)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_redirect_is_asked_for_once(redirects: RedirectCollapse, method: str) -> None:
    """And all who wait for it ask the target side by side: none waits for another's bytes."""
    together = asyncio.Barrier(CROWD)

    async def origin(request: web.Request) -> web.Response:
        if request.path == "/source":
            return web.Response(status=307, headers={"Location": "/target"})
        await together.wait()
        return web.Response(body=b"octets")

    async with origin_server(origin) as server:
        places = await asyncio.gather(*[fetched(redirects, server, method) for _ in range(CROWD)])
        assert places == ["/target"] * CROWD
        assert (asked(server, "/source"), asked(server, "/target")) == (1, CROWD)


async def test_a_source_that_answers_itself(redirects: RedirectCollapse) -> None:
    """Its bytes are one request's; the others ask for theirs side by side."""
    is_first = True
    together = asyncio.Barrier(CROWD - 1)

    async def origin(_request: web.Request) -> web.Response:
        nonlocal is_first
        if not is_first:
            await together.wait()
        is_first = False
        return web.Response(body=b"octets")

    async with origin_server(origin) as server:
        places = await asyncio.gather(*[fetched(redirects, server) for _ in range(CROWD)])
        assert places == ["/source"] * CROWD


async def test_who_leaves_leaves_it_to_the_others(redirects: RedirectCollapse) -> None:
    """Neither the one who asks nor one who waits takes the redirect from the rest."""
    go_on = asyncio.Event()

    async def origin(request: web.Request) -> web.Response:
        if request.path == "/source":
            await go_on.wait()
            return web.Response(status=307, headers={"Location": "/target"})
        return web.Response(body=b"octets")

    async def is_asked() -> bool:
        return asked(server, "/source") > 0

    async with origin_server(origin) as server:
        crowd = [asyncio.create_task(fetched(redirects, server)) for _ in range(4)]
        await until(is_asked)
        for leaver in crowd[:2]:
            leaver.cancel()
        go_on.set()
        assert await asyncio.gather(*crowd[2:]) == ["/target"] * 2
        assert asked(server, "/source") == 2


async def test_a_failure_is_told_to_all() -> None:
    """Who waits for a source that is silent waits no longer than the first."""

    async def origin(_request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with http_client() as http, origin_server(origin) as server:
        redirects = RedirectCollapse(
            OriginClient(http, NAMED, first_byte_timeout_s=0.2, now=lambda: 0.0)
        )
        outcomes = await asyncio.gather(
            *[fetched(redirects, server) for _ in range(CROWD)], return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {OriginTimeout}
        assert len(server.requests) == 1
