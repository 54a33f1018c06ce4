"""One client connection: what is no HTTP on it is answered in our words, and told in one line.

aiohttp's parser lets some requests pass that RFC 9112 has refused: these meet no application. Of
aiohttp's own, the answer to what it refuses bears its name and version and a piece of what was
sent, and the log a traceback. And the connection tells its limiter whether it may be closed.

aiohttp's names that are not public are used here alone: ``_request_factory``, which ``start`` calls
for each message, ``_messages``, which it takes them from, ``_ErrInfo``, the message of a request
that cannot be parsed, ``_max_msg_queue_size`` and ``_msg_queue_resume_size``, by which it stops
reading, ``_waiter``, by which it is woken, ``_keepalive_handle``, ``_keepalive_timeout`` and
``_next_keepalive_close_time``, by which it lets go of a connection that is not used, ``_parser``
and ``_loop``. tests/server/test_connection.py tells when they change.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import structlog
from aiohttp import EMPTY_PAYLOAD, HttpVersion11, StreamReader, hdrs, web
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import _ErrInfo
from yarl import URL

from proxy.semantics.field_lines import combined
from proxy.semantics.forwarded import Scheme, valid_host
from proxy.server.connection_limiter import OpenConnection
from proxy.telemetry.access_record import RECORD, new_request_id
from proxy.telemetry.middleware import PSEUDONYM

log = structlog.get_logger("proxy.access")

AtOnce = Callable[[RawRequestMessage, str, Scheme], bytes | None]

_END = b"\r\n\r\n"  # of a header section
# Requests that are told apart of what comes at once; content may hold any number of blank lines.
_PIPELINED = 32
# That wait behind one that is being answered; each may have a megabyte of fields.
_MOST_WAITING = 2


class UnknownVersion(HttpProcessingError):
    """The request is of another major version than HTTP/1 (RFC 9110, 2.5 and 15.6.6)."""

    code = 505


class InvalidHost(BadHttpMessage):
    """The Host field, or the target, names no host (RFC 9112, 3.2)."""


class InvalidTransferEncoding(BadHttpMessage):
    """The end of the content is not told, or by HTTP/1.0, which has no codings (RFC 9112, 6.1)."""


class _Messages(deque[tuple[RawRequestMessage | _ErrInfo, StreamReader]]):
    """What aiohttp has parsed; what its parser lets pass and is no request is an error here."""

    def append(self, parsed: tuple[RawRequestMessage | _ErrInfo, StreamReader], /) -> None:
        """Take a message, and the reader of its content."""
        message, content = parsed
        problem: HttpProcessingError | None = None
        if isinstance(message, _ErrInfo):
            # The parser has told already, in words that repeat a megabyte of what was sent.
            told = message.exc.with_traceback(None)
            told.args = ()
            if isinstance(told, HttpProcessingError):
                told.message = ""
            parsed = _ErrInfo(message.status, told, ""), content
        elif message.version.major != 1:
            problem = UnknownVersion(message="version")
        elif (host := message.headers.get(hdrs.HOST)) is not None and valid_host(host) is None:
            problem = InvalidHost("Host")  # the parser refuses a second one
        elif message.url.absolute and not _has_host(message.url):
            problem = InvalidHost("the target's host")
        elif hdrs.TRANSFER_ENCODING in message.headers and (
            message.version.minor == 0 or not combined(message.headers, hdrs.TRANSFER_ENCODING)
        ):
            problem = InvalidTransferEncoding("Transfer-Encoding")
        if problem is not None:
            parsed = _ErrInfo(problem.code, problem, problem.message), content
        elif not isinstance(message, _ErrInfo) and message.upgrade and content is not EMPTY_PAYLOAD:
            # aiohttp drops what comes in one read with the end of such content.
            parsed = message._replace(should_close=True), content
        super().append(parsed)


class ClientConnection(web.RequestHandler):
    """aiohttp's end of a connection, to be made for each one."""

    __slots__ = (
        "_asked",
        "_at_once",
        "_draining",
        "_header_s",
        "_is_between",
        "_make_request",
        "_overdue",
        "_peer",
        "_place",
        "_scheme",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        place: OpenConnection,
        header_s: float,
        draining: asyncio.Event,
        at_once: AtOnce | None = None,
        **more: Any,
    ) -> None:
        """Make the end of a connection that has been accepted.

        Args:
            manager: Of aiohttp.
            place: Is told when the connection may be closed.
            header_s: For a header section to be whole, from its first octet, and of the first
                one from the connection's begin, in seconds.
            draining: Set once each answer is the last one of its connection.
            at_once: Answers a request for what is known already, without waiting, or gives None.
                Only a connection that has answered before is asked so, with nothing on its way.
            more: Passed on to aiohttp.
        """
        super().__init__(manager, **more)
        self._place = place
        self._header_s = header_s
        self._draining = draining
        self._at_once = at_once
        self._is_between = False  # nothing of a message has come that is not complete
        self._overdue: asyncio.TimerHandle | None = None
        self._peer = ""
        self._scheme: Scheme = "http"
        self._asked: web.BaseRequest | None = None
        self._make_request, self._request_factory = manager.request_factory, self._received
        self._messages = _Messages()
        self._max_msg_queue_size, self._msg_queue_resume_size = _MOST_WAITING, 1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the first header section."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self._place.abort = cast(asyncio.Transport, transport).abort
        self._expect_header()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Give the connection's place back to the limiter."""
        # aiohttp calls ``force_close``: an abort now would be a second loss to asyncio, which calls
        # this in the middle of a write where the last octets of a closing connection are taken.
        self._asked = None
        try:
            super().connection_lost(exc)
        finally:  # whatever aiohttp makes of it
            self._place.closed()
        if self._overdue is not None:
            self._overdue.cancel()
        # Each refers back to this one: what does would stay until the garbage collector comes by.
        self._overdue = None
        self._place.abort = _nothing

    def data_received(self, data: bytes) -> None:
        """Take octets, and begin to wait for a header section whose first ones come."""
        if self._messages:
            last, content = self._messages[-1]
            if isinstance(last, _ErrInfo) and content is EMPTY_PAYLOAD:
                return  # its answer ends the connection: nothing behind it is read
        waiter = self._waiter
        if (
            not self._is_between
            or self._messages
            or waiter is None
            or waiter.done()
            or self._keepalive_handle is None
            or self.transport is None
            or self.transport.get_write_buffer_size()
            or not (data.startswith(b"HEAD ") or b"\r\nif-" in data.lower())
        ):
            waiter = None  # something is on its way, or these ask for content: aiohttp wakes it
        # One by one: of requests that come together, aiohttp drops the good before a malformed one.
        for _ in range(_PIPELINED):
            end = data.find(_END) + len(_END)
            if end < len(_END) or end == len(data):  # none is found, or nothing follows it
                break
            super().data_received(data[:end])
            data, waiter = data[end:], None
        messages = len(self._messages)
        if waiter is None:
            super().data_received(data)
        else:
            # aiohttp's task is not woken before it is clear that it has something to do: to wake
            # it, and to make another one for the request, takes longer than an answer at once.
            self._waiter = None
            try:
                super().data_received(data)
            finally:
                self._waiter = waiter
        self._is_between = len(self._messages) > messages and data.endswith(_END)
        if waiter is not None and self._messages and not self._is_answered_at_once():
            waiter.set_result(None)
        is_idle = self._asked is None and not self._messages
        if is_idle and not self._is_between and self._overdue is None:
            self._expect_header()

    def _is_answered_at_once(self) -> bool:
        """Answer a request that has come alone, if its answer has no content and is known."""
        message, content = self._messages[0]
        parser, transport = self._parser, self.transport
        if (
            not isinstance(message, RawRequestMessage)  # it could not be parsed
            or message.method not in {"GET", "HEAD"}
            or message.version != HttpVersion11
            or message.should_close
            or message.upgrade
            or not message.path.startswith("/")  # a host in the target may be none
            or content is not EMPTY_PAYLOAD
            or len(self._messages) != 1
            or not self._is_between
            or self._draining.is_set()  # the answer would have to end the connection
            or self._at_once is None
            or parser is None
            or transport is None
        ):
            return False
        octets = self._at_once(message, self._peer, self._scheme)
        if octets is None:
            return False
        self._messages.popleft()
        parser.message_consumed()
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        self._place.used()
        transport.write(octets)
        return True

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

    def force_close(self) -> None:
        """Break off what is being answered, as aiohttp does for a gateway that stops.

        A close would end TLS with its closure alert: a client that knows no other end of the
        content would take what it has for the whole (RFC 9112, 9.8).
        """
        if self._asked is not None and self.transport is not None:
            self.transport.abort()
        super().force_close()

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
        self._asked = self._make_request(message, *more)
        return self._asked


def _nothing() -> None:
    """End nothing: the connection has."""


def _has_host(url: URL) -> bool:
    """Tell whether the host of a target can be read, where it has one (IDNA refuses some)."""
    try:
        _ = url.host
    except ValueError:
        return False
    return True


def _has_content(request: web.BaseRequest) -> bool:
    """Tell whether content of a download is on its way."""
    record = request.get(RECORD)
    return record is not None and record.first_byte_s is not None
