"""An application that is made by the first request that needs it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from structlog.testing import capture_logs

from proxy.semantics.forwarded import TrustedProxies
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.deferred_application import DeferredApplication
from proxy.server.listeners import bind, serving
from proxy.settings import Listen
from tests.waiting import PATIENCE_S


async def _early(_: web.Request) -> web.Response:
    return web.Response(text="early")


async def _broken(_: web.Request) -> web.Response:
    raise ValueError


async def _page(request: web.Request) -> web.Response:
    return web.Response(text=f"late {await request.text()}")


@asynccontextmanager
async def _served(make: Callable[[], Awaitable[web.Application]]) -> AsyncIterator[str]:
    limiter = ConnectionLimiter(
        most=99, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )

    async def nothing() -> None:
        pass

    with bind(Listen(host="127.0.0.1", port=0), setting="test") as sock:
        async with (
            DeferredApplication.open(
                make, probes={"/livez": _early, "/broken": _broken}, fields={"Server": "pseudonym"}
            ) as deferred,
            serving(deferred.server, (sock, None), limiter=limiter, drained=nothing),
        ):
            yield f"http://127.0.0.1:{sock.getsockname()[1]}"


def _application() -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", _page)
    return app


async def test_the_first_request_that_needs_it_makes_it() -> None:
    """Probes neither do nor wait; others who ask wait for one; then it answers probes as well."""
    made: list[web.Application] = []
    began, go_on = asyncio.Event(), asyncio.Event()

    async def make() -> web.Application:
        made.append(_application())
        began.set()
        await go_on.wait()
        return made[-1]

    async with _served(make) as url, aiohttp.ClientSession() as http:

        async def ask(path: str = "/", method: str = "GET") -> str:
            async with http.request(method, url + path) as answer:
                return await answer.text()

        assert await ask("/livez") == "early"
        assert await ask("/livez", "HEAD") == ""
        assert not made
        asked = [asyncio.create_task(ask()) for _ in range(5)]
        left = asyncio.create_task(ask())
        await began.wait()
        assert await ask("/livez") == "early"
        left.cancel()
        go_on.set()
        assert await asyncio.gather(*asked) == ["late "] * 5
        assert len(made) == 1
        async with http.post(url, data=b"x" * 70_000, expect100=True) as answer:
            assert len(await answer.text()) == 70_005
        assert await ask("/livez") == "late "


async def test_a_probe_that_fails_is_for_the_application() -> None:
    """It has words for errors."""

    async def make() -> web.Application:
        return _application()

    async with (
        _served(make) as url,
        aiohttp.ClientSession() as http,
        http.get(f"{url}/broken") as answer,
    ):
        assert await answer.text() == "late "


async def test_what_cannot_be_made_is_tried_again() -> None:
    """Where no file can be opened for a while, probes are answered, and later there is a page."""
    tries, failing = 0, 3

    async def make() -> web.Application:
        nonlocal tries
        tries += 1
        if tries <= failing:
            raise OSError("too many open files")
        return _application()

    async with _served(make) as url, aiohttp.ClientSession() as http:
        with capture_logs() as lines:
            for _ in range(failing):
                async with http.get(url) as answer:
                    assert answer.status == 503
                    assert "thron-connector reload" in await answer.text()
                    assert answer.headers["Server"] == "pseudonym"
                async with http.get(f"{url}/livez") as answer:
                    assert await answer.text() == "early"
        assert [each["event"] for each in lines] == ["console not loaded"]  # once
        async with http.get(url) as answer:
            assert await answer.text() == "late "


async def test_its_end_does_not_wait_for_it() -> None:
    """A connector that stops while it is made ends at once."""
    began = asyncio.Event()

    async def make() -> web.Application:
        began.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with asyncio.timeout(PATIENCE_S), _served(make) as url, aiohttp.ClientSession() as http:
        asked = asyncio.create_task(http.get(url))
        await began.wait()
        asked.cancel()
