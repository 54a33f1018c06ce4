"""Two proxies as a user would write them, to be measured beside the connector.

``python -m tests.bench.plain_proxies aiohttp|starlette ORIGIN PORT [CA_FILE]``
"""

import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

_HOST = "127.0.0.1"
_PASSED = ("content-type", "content-length", "content-range", "etag", "last-modified")


def with_aiohttp(origin: str, port: int, tls: ssl.SSLContext) -> None:
    """Stream the origin's answers by aiohttp, chunk by chunk as they come."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.TCPConnector(limit=0, ssl=tls)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as app[http]:
            yield

    async def answer(request: web.Request) -> web.StreamResponse:
        sent = {n: request.headers[n] for n in ("range",) if n in request.headers}
        async with request.app[http].get(origin + request.path_qs, headers=sent) as upstream:
            kept = {n: upstream.headers[n] for n in _PASSED if n in upstream.headers}
            response = web.StreamResponse(status=upstream.status, headers=kept)
            await response.prepare(request)
            async for chunk in upstream.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response

    http = web.AppKey("http", aiohttp.ClientSession)
    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_get("/{path:.*}", answer)
    web.run_app(app, host=_HOST, port=port, print=None)


def with_starlette(origin: str, port: int, tls: ssl.SSLContext) -> None:
    """Stream the origin's answers by starlette, uvicorn and httpx."""

    @asynccontextmanager
    async def session(app: Starlette) -> AsyncIterator[None]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(verify=tls, limits=limits, timeout=60) as app.state.http:
            yield

    async def answer(request: Request) -> StreamingResponse:
        http: httpx.AsyncClient = request.app.state.http
        sent = {n: request.headers[n] for n in ("range",) if n in request.headers}
        upstream = await http.send(
            http.build_request("GET", origin + request.url.path, headers=sent), stream=True
        )
        kept = {n: upstream.headers[n] for n in _PASSED if n in upstream.headers}
        return StreamingResponse(
            upstream.aiter_raw(),
            status_code=upstream.status_code,
            headers=kept,
            background=BackgroundTask(upstream.aclose),
        )

    app = Starlette(routes=[Route("/{path:path}", answer)], lifespan=session)
    uvicorn.run(app, host=_HOST, port=port, log_level="info")


if __name__ == "__main__":
    kind, origin_url, port_number, *ca_file = sys.argv[1:]
    authorities = ssl.create_default_context(cafile=ca_file[0] if ca_file else None)
    run = {"aiohttp": with_aiohttp, "starlette": with_starlette}[kind]
    run(origin_url, int(port_number), authorities)
