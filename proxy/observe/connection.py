"""One client connection: what is no HTTP on it is answered in our words, and told in one line.

Such a request meets no application: aiohttp answers it by itself, with its name and version, a
piece of what was sent, and a traceback in the log.
"""

import uuid

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from proxy.observe.middleware import PSEUDONYM

log = structlog.get_logger("proxy.access")


class Connection(web.RequestHandler):
    """aiohttp's end of a connection, to be made for each one."""

    __slots__ = ()

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
        log.info(
            "malformed request",
            request_id=request_id,
            status=status,
            client=request.remote,
            reason=type(exc).__name__,  # its message repeats what was sent
        )
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
