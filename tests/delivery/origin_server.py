"""An origin of the tests: what it does with each request is decided request by request."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class OriginServer:
    """A running origin.

    Attributes:
        url: Its base, without a slash at the end.
        requests: The requests that it received: method, raw target and fields.
    """

    url: str = ""
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@asynccontextmanager
async def origin_server(
    handler: Handler, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[OriginServer]:
    """Run an origin until the end of the block.

    Args:
        handler: Answers every request.
        tls: For an https origin.
    """
    origin = OriginServer()

    async def recorded(request: web.Request) -> web.StreamResponse:
        origin.requests.append((request.method, request.raw_path, dict(request.headers)))
        return await handler(request)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", recorded)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme = "http" if tls is None else "https"
        origin.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
        yield origin
    finally:
        await runner.cleanup()
