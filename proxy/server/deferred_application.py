"""An application that is made by the first request that needs it, perhaps long after the start.

Probes are answered without it: a connector that nobody visits never has it in memory, and one that
cannot load it is alive.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Self, cast

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

log = structlog.get_logger("proxy.server")

_Made = tuple[web.Application, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]

_FIX = "if another version has been installed meanwhile, reload or restart the connector"
_NOT_LOADED = (
    "The console could not be loaded.\n\nIf another version of the connector has been installed"
    " meanwhile, reload the connector (thron-connector reload, or systemctl reload thron-connector)"
    " and load this page again. Otherwise the connector's log has the details.\n"
)


class DeferredApplication:
    """Answers by an application that is made when it is needed; made by ``open``."""

    def __init__(
        self,
        make: Callable[[], Awaitable[web.Application]],
        *,
        probes: Mapping[str, Handler],
        fields: Mapping[str, str],
        stack: AsyncExitStack,
    ) -> None:
        self._make = make
        self._probes = probes
        self._fields = {"Cache-Control": "no-store", **fields}
        self._stack = stack
        self._making: asyncio.Task[_Made] | None = None
        self._failure: str | None = None  # that the log has

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        make: Callable[[], Awaitable[web.Application]],
        *,
        probes: Mapping[str, Handler],
        fields: Mapping[str, str],
    ) -> AsyncIterator[Self]:
        """Give one, until the end of the block.

        Args:
            make: Makes the application, which answers every request, probes among them. If it
                fails, the next request tries again.
            probes: What answers to GET and HEAD before that, by path. What one raises is for the
                application to tell.
            fields: Of the answer where it cannot be made.
        """
        async with AsyncExitStack() as stack:
            self = cls(make, probes=probes, fields=fields, stack=stack)
            try:
                yield self
            finally:
                if self._making is not None:
                    self._making.cancel()
                    await asyncio.gather(self._making, return_exceptions=True)

    @property
    def server(self) -> web.Server:
        """What aiohttp serves."""
        request = partial(web.Request, loop=asyncio.get_running_loop())
        return web.Server(self._answer, request_factory=request, handler_cancellation=True)

    async def made(self) -> web.Application:
        """Return the application, which whoever leaves meanwhile leaves to the others."""
        return (await self._made())[0]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = cast(web.Request, request)  # as the factory makes them
        if (probe := self._probe(asked)) is not None:
            try:
                return await probe(asked)
            except Exception:  # noqa: BLE001, S110 - the application meets it again, and says so
                pass
        try:
            _, handler = await self._made()
        except Exception as exc:
            if self._failure != repr(exc):  # once, not at every visit
                self._failure = repr(exc)
                log.exception("console not loaded", fix=_FIX)
            return web.Response(status=503, text=_NOT_LOADED, headers=self._fields)
        return await handler(asked)

    def _probe(self, request: web.Request) -> Handler | None:
        is_made = self._making is not None and self._making.done() and not _failed(self._making)
        if is_made or request.method not in {"GET", "HEAD"}:
            return None
        return self._probes.get(request.path)

    async def _made(self) -> _Made:
        if self._making is None or (self._making.done() and _failed(self._making)):
            self._making = asyncio.create_task(self._run(), name="console")
        return await asyncio.shield(self._making)

    async def _run(self) -> _Made:
        runner = web.AppRunner(await self._make())
        self._stack.push_async_callback(runner.cleanup)
        await runner.setup()
        if runner.server is None:
            raise RuntimeError("the runner has not been set up")
        return runner.app, runner.server.request_handler


def _failed(making: asyncio.Task[_Made]) -> bool:
    return making.cancelled() or making.exception() is not None
