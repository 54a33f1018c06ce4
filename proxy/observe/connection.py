"""One client connection: what is no HTTP on it is answered in our words, and told in one line.

Such a request meets no application. Of aiohttp's own, the answer bears its name and version and a
piece of what was sent, and the log a traceback; where the target's host is none, the connection
gets no answer and stays open for ever.
"""

import asyncio
import uuid

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxy.observe.middleware import PSEUDONYM

log = structlog.get_logger("proxy.access")


class Connection(web.RequestHandler):
    """aiohttp's end of a connection, to be made for each one."""

    __slots__ = ()

    async def start(self) -> None:
        """Answer requests until the connection ends."""
        try:
            await super().start()
        except ValueError as exc:  # of yarl, for a host that IDNA refuses
            _tell(uuid.uuid4().hex, self.transport, exc)
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Return the answer to what cannot be parsed; all else is aiohttp's."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        request_id = uuid.uuid4().hex
        _tell(request_id, request.transport, exc, status=status)
        response = web.Response(
            status=status,
            text=f"This is not an HTTP request that can be understood.\n{request_id}\n",
            headers={
                "Server": PSEUDONYM,
                "Via": f"1.1 {PSEUDONYM}",
                "X-Request-Id": request_id,
                "X-Content-Type-Options": "nosniff",
                "Cache-Control": "no-store",
            },
        )
        response.force_close()
        return response


def _tell(
    request_id: str, transport: asyncio.BaseTransport | None, exc: Exception, **more: int
) -> None:
    peer = None if transport is None else transport.get_extra_info("peername")
    log.info(
        "malformed request",
        request_id=request_id,
        client=peer[0] if peer else None,
        reason=type(exc).__name__,  # its message repeats what was sent
        **more,
    )
