"""The first page: how the connector is doing, kept up to date while somebody looks."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import orjson
from aiohttp import web

from proxy.admin.auth.request_context import CALLER, CONTEXT
from proxy.admin.auth.sessions import Sessions
from proxy.admin.live import TICK_S, Live, Watcher
from proxy.admin.requests_query import RequestsQuery
from proxy.admin.validation import lenient
from proxy.admin.web import pages
from proxy.admin.web.overview_labels import OUTCOMES
from proxy.admin.web.rendering import render
from proxy.connectors.store import ConnectorWatch
from proxy.errors import DatabaseFailed

# A browser that takes nothing for so long is gone, or asleep; it connects again when it wakes.
_PATIENCE_S = 15.0
_RETRY_MS = 2000
# Ticks after which it is asked whether the session is still good.
_TRUST = 3

_STREAM = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # of nginx, which would gather events
}


@dataclass(frozen=True, slots=True)
class OverviewPages:
    """The overview."""

    live: Live
    watch: ConnectorWatch
    sessions: Sessions
    stopping: asyncio.Event

    @pages.get("/")
    async def show(self, request: web.Request) -> web.Response:
        """Show the page as it is now."""
        query = lenient(RequestsQuery, request.query)
        live, language = self.live, request[CONTEXT].language
        parts = live.parts(await live.snapshot(at_most_s=0), language)
        return render(
            request,
            "overview.html",
            shown={**parts, "requests": live.requests(query, language)},
            query=query,
            outcomes=OUTCOMES,
            slugs=[each.slug for each in self.watch.connectors.all],
        )

    @pages.get("/events")
    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send what changes on the page, as server-sent events (HTML, 9.2).

        Raises:
            Overloaded: Too many watch already.
        """
        with self.live.watching():
            response = web.StreamResponse(headers=_STREAM)
            await response.prepare(request)
            try:
                await self._tell(request, response)
            except (TimeoutError, ConnectionError, DatabaseFailed):
                # It has begun, so there is no other answer; the browser asks again.
                if request.transport is not None:
                    request.transport.abort()
            return response

    async def _tell(self, request: web.Request, response: web.StreamResponse) -> None:
        query = lenient(RequestsQuery, request.query)
        watcher = Watcher(self.live, language=request[CONTEXT].language, query=query)
        await _sent(response, b"retry: %d\n\n" % _RETRY_MS)
        for tick in count():
            if await self._is_stopping(after_s=TICK_S if tick else 0):
                return
            if tick % _TRUST == 0 and not await self._is_signed_in(request):
                await _sent(response, b"event: signed-out\ndata: {}\n\n")
                return
            snapshot = await self.live.snapshot()
            news = orjson.dumps({"at": snapshot.overview.at, "parts": watcher.news(snapshot)})
            await _sent(response, b"event: news\ndata: %b\n\n" % news)

    async def _is_signed_in(self, request: web.Request) -> bool:
        session = request[CALLER].session
        return session is not None and await self.sessions.find(session.id) is not None

    async def _is_stopping(self, *, after_s: float) -> bool:
        """Wait, and tell whether the listener has begun to stop meanwhile."""
        with suppress(TimeoutError):
            async with asyncio.timeout(after_s):
                await self.stopping.wait()
        return self.stopping.is_set()


async def _sent(response: web.StreamResponse, event: bytes) -> None:
    async with asyncio.timeout(_PATIENCE_S):
        await response.write(event)
