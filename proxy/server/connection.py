"""One client connection: what is no HTTP on it is answered in our words, and told in one line.

aiohttp's parser lets some requests pass that RFC 9112 has refused: these meet no application. Of
aiohttp's own, the answer to what it refuses bears its name and version and a piece of what was
sent, and the log a traceback. And the connection tells its limiter whether it may be closed.

aiohttp's names that are not public are used here alone: ``_request_factory`` and
``_request_handler``, which ``start`` reads for each message, ``_messages``, which it takes them
from, and ``ERROR``, the message of a request that cannot be parsed.
tests/server/test_connection.py tells when they change.
"""

import asyncio
from typing import Any, cast

import structlog
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import ERROR

from proxy.semantics.field_lines import combined
from proxy.semantics.forwarded import valid_host
from proxy.server.connection_limiter import OpenConnection
from proxy.telemetry.access_record import RECORD, new_request_id
from proxy.telemetry.middleware import PSEUDONYM

log = structlog.get_logger("proxy.access")

# Requests that are told apart of what comes at once; content may hold any number of blank lines.
_PIPELINED = 32


class UnknownVersion(HttpProcessingError):
    """The request is of another major version than HTTP/1 (RFC 9110, 2.5 and 15.6.6)."""

    code = 505


class InvalidHost(BadHttpMessage):
    """The Host field, or the target, names no host (RFC 9112, 3.2)."""


class InvalidTransferEncoding(BadHttpMessage):
    """The end of the content is not told, or by HTTP/1.0, which has no codings (RFC 9112, 6.1)."""


class Connection(web.RequestHandler):
    """aiohttp's end of a connection, to be made for each one."""

    __slots__ = (
        "_answer",
        "_asked",
        "_draining",
        "_header_s",
        "_make_request",
        "_overdue",
        "_place",
        "_refused",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        place: OpenConnection,
        header_s: float,
        draining: asyncio.Event,
        **more: Any,
    ) -> None:
        """Make the end of a connection that has been accepted.

        Args:
            manager: Of aiohttp.
            place: Is told when the connection may be closed.
            header_s: For a header section to be whole, from its first octet, and of the first
                one from the connection's begin, in seconds.
            draining: Set once each answer is the last one of its connection.
            more: Passed on to aiohttp.
        """
        super().__init__(manager, **more)
        self._place = place
        self._header_s = header_s
        self._draining = draining
        self._overdue: asyncio.TimerHandle | None = None
        self._asked: web.BaseRequest | None = None
        self._refused: HttpProcessingError | None = None
        self._make_request, self._request_factory = manager.request_factory, self._received
        self._answer, self._request_handler = manager.request_handler, self._answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first header section."""
        super().connection_made(transport)
        self._place.abort = cast(asyncio.Transport, transport).abort
        self._expect_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the connection's place back to the limiter."""
        super().connection_lost(exc)
        self._place.closed()
        if self._overdue is not None:
            self._overdue.cancel()

    def data_received(self, data: bytes) -> None:
        """Take octets, and begin to wait for a header section whose first ones come."""
        # One by one: of requests that come together, aiohttp drops the good before a malformed one.
        for _ in range(_PIPELINED):
            end = data.find(b"\r\n\r\n") + 4
            if end < 4 or end == len(data):  # noqa: PLR2004 - not found: -1 + 4
                break
            super().data_received(data[:end])
            data = data[end:]
        super().data_received(data)
        if self._asked is None and self._overdue is None and not self._messages:
            self._expect_header()

    def pause_writing(self) -> None:
        """Let a connection go whose client does not take an answer that is no content.

        Of content, the pace of the download is watched.
        """
        super().pause_writing()
        if self._asked is not None and not _has_content(self._asked):
            self._place.idle()

    def resume_writing(self) -> None:
        """Keep the connection again: the client takes the answer."""
        super().resume_writing()
        if self._asked is not None:
            self._place.busy()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send what is left of an answer; the connection is idle after it."""
        if self._draining.is_set() and not resp.prepared:
            resp.force_close()
        try:
            return await super().finish_response(request, resp, start_time)
        finally:
            self._asked = None
            self._place.idle()

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
        request_id = new_request_id()
        peer = self.peername
        log.info(
            "malformed request",
            request_id=request_id,
            client=peer[0] if peer else None,
            reason=type(exc).__name__,  # its message repeats what was sent
            status=status,
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

    def _expect_header(self) -> None:
        self._overdue = asyncio.get_running_loop().call_later(
            self._header_s, self._place.close, "header_timeout"
        )

    def _received(self, message: RawRequestMessage, *more: Any) -> web.BaseRequest:
        """Make the request of a message whose header section is whole."""
        if self._overdue is not None:
            self._overdue.cancel()
            self._overdue = None
        self._place.busy()
        self._refused = _problem(message)
        try:
            self._asked = self._make_request(ERROR if self._refused else message, *more)
        except ValueError:  # of yarl, for a target whose host IDNA refuses
            self._refused = InvalidHost("the target's host")
            self._asked = self._make_request(ERROR, *more)
        return self._asked

    async def _answered(self, request: web.BaseRequest) -> web.StreamResponse:
        if self._refused is not None:
            return self.handle_error(request, self._refused.code, self._refused)
        return await self._answer(request)


def _problem(message: RawRequestMessage) -> HttpProcessingError | None:
    """Return why a message that aiohttp's parser lets pass is no request; None if it is one."""
    if message is ERROR:
        return None  # the parser has told already
    if message.version.major != 1:
        return UnknownVersion(message="version")
    host = message.headers.get("Host")  # the parser refuses a second one
    if host is not None and valid_host(host) is None:
        return InvalidHost("Host")
    if "Transfer-Encoding" not in message.headers:
        return None
    if message.version.minor == 0 or not combined(message.headers, "Transfer-Encoding"):
        return InvalidTransferEncoding("Transfer-Encoding")
    return None


def _has_content(request: web.BaseRequest) -> bool:
    """Tell whether content of a download is on its way."""
    record = request.get(RECORD)
    return record is not None and record.first_byte_s is not None
