"""A connection to an origin, and the answer on it: one at a time, the next if there is no doubt.

Rule 1: nothing of an answer is read ahead of whoever takes it but what came with its header
section, at most 16 KiB: a client that stalls costs no more. Rule 2: octets that no request of ours
has asked for close the connection, be they behind an answer or on an idle one (RFC 9112, 9.2).
"""

import asyncio
import select
import ssl
from collections import deque
from collections.abc import Callable
from typing import NamedTuple, cast

from yarl import URL

from proxy.delivery.transport.parsing import (
    MOST_HEADER_OCTETS,
    MOST_REMEMBERED_OCTETS,
    ChunkParser,
    Head,
    could_begin,
    read_head,
)
from proxy.errors import OriginAnswerInvalid, OriginError, OriginIncomplete, OriginUnreachable

# At once, and ahead of whoever takes the content: at first, and once he has proved fast.
FIRST_READS = 16 * 1024
READS = 128 * 1024

_SECTION_END = b"\r\n\r\n"


def plain_socket(transport: asyncio.BaseTransport) -> int | None:
    """Return the descriptor of a transport's socket, None if there is TLS on it."""
    if transport.get_extra_info("sslcontext") is not None:
        return None
    sock = transport.get_extra_info("socket")
    return None if sock is None else sock.fileno()


class Authority(NamedTuple):
    """Where a connection leads, and whether by TLS."""

    host: str
    port: int
    is_tls: bool


class OriginConnection(asyncio.BufferedProtocol):
    """One connection, from its begin to its end.

    Attributes:
        authority: Where it leads.
        transport: None before it is made and after it is lost.
        response: The answer whose content is awaited.
        is_answering: Whether anything has come since the last request.
        idle: Is called when the connection may serve another request.
    """

    def __init__(
        self,
        authority: Authority,
        scratch: memoryview,
        *,
        idle: Callable[["OriginConnection"], None],
        lost: Callable[["OriginConnection"], None],
    ) -> None:
        """Make the protocol of a connection that is about to be made.

        Args:
            authority: Where it leads.
            scratch: What is read into; every connection of a loop may share it, since what is in
                it is copied before the loop reads again.
            idle: Is called when the connection may serve another request.
            lost: Is called when it is closed.
        """
        self.authority = authority
        self.transport: asyncio.Transport | None = None
        self.response: Response | None = None
        self.is_answering = False
        self.idle = idle
        self._scratch = scratch
        self._lost = lost
        self._poll = select.poll()
        self._asked: tuple[str, URL] = "", URL()
        self._answer: asyncio.Future[Response] | None = None
        self._received = b""  # of the header section that is awaited
        self._header_octets = 0  # of it, and of the 1xx answers before it
        self._may_be_cut = False

    async def ask(self, method: str, url: URL, request: bytes) -> "Response":
        """Send a request, and return its answer once the header section is in.

        Args:
            method: Of the request.
            url: Where it goes.
            request: The message as a whole.

        Raises:
            OriginUnreachable: The connection broke; ``is_answering`` tells whether in an answer.
            OriginAnswerInvalid: The answer is no HTTP.
            OriginError: As ``fail`` was told.
        """
        if self.transport is None:
            raise OriginUnreachable("the connection broke", proxy_status="connection_terminated")
        self._asked = method, url
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self.is_answering = False
        self.transport.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            if self._answer is answer:  # after a short one it may be another request's connection
                self.abort()
            raise

    def is_quiet(self) -> bool:
        """Tell whether an idle connection has nothing to say: no octet, and no end."""
        if self.transport is None or self.transport.is_closing():
            return False
        # Half a microsecond: what has come may be another's answer, and the loop not there yet.
        return not self._poll.poll(0)

    def fail(self, error: OriginError) -> None:
        """End what is under way with an error, and close."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self.response is not None:
            self.response.end(error)
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self.response = None
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the transport."""
        self.transport = cast(asyncio.Transport, transport)
        self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way; only a content without any told end is whole by that."""
        self.transport = None
        self._lost(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                OriginUnreachable("the connection broke", proxy_status="connection_terminated")
            )
        if self.response is not None:
            is_whole = exc is None and not self.response.is_end_told and not self._may_be_cut
            self.response.end(None if is_whole else OriginIncomplete("the origin broke it off"))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - a guess of asyncio's
        """Return what to read into."""
        return self._scratch[: FIRST_READS if self.response is None else self.response.reads]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        octets = bytes(self._scratch[:nbytes])
        try:
            if self.response is not None:
                self.response.take(octets)
            elif self._answer is not None and not self._answer.done():
                self._take_header(self._answer, octets)
            else:
                self.abort()
        except OriginAnswerInvalid as exc:
            self.fail(exc)

    def eof_received(self) -> None:
        """Take what TLS still holds, and note whether TLS has ended or TCP alone.

        asyncio gives a buffered protocol one more read of it once TCP has ended, and drops the
        rest. Anybody on the way can end TCP: without TLS's closure alert a content whose end is not
        told otherwise may be cut (RFC 9112, 9.8).
        """
        tls = None if self.transport is None else self.transport.get_extra_info("ssl_object")
        if tls is None:
            return
        try:
            while nbytes := tls.read(READS, self._scratch):
                self.buffer_updated(nbytes)
        except ssl.SSLError:
            self._may_be_cut = True

    def _take_header(self, answer: asyncio.Future["Response"], octets: bytes) -> None:
        self.is_answering = True
        searched = max(0, len(self._received) - len(_SECTION_END) + 1)
        self._received += octets
        self._header_octets += len(octets)
        while (end := self._received.find(_SECTION_END, searched)) >= 0:
            end += len(_SECTION_END)
            if self._header_octets - (len(self._received) - end) > MOST_HEADER_OCTETS:
                break
            section, self._received = self._received[:end], self._received[end:]
            method, url = self._asked
            read = read_head if end <= MOST_REMEMBERED_OCTETS else read_head.__wrapped__
            head = read(section, method)
            searched = 0
            if head.status < 200:  # noqa: PLR2004 - interim answers (RFC 9110, 15.2)
                continue
            rest, self._received = self._received, b""
            self._header_octets = 0
            chunks = ChunkParser(section) if head.is_chunked else None
            self.response = response = Response(
                self, method=method, url=url, head=head, chunks=chunks
            )
            answer.set_result(response)
            if rest or head.octets == 0:
                response.take(rest)
            if response.left != 0 and self.transport is not None:
                self.transport.pause_reading()
            return
        if not could_begin(self._received):
            raise OriginAnswerInvalid("no HTTP/1.1")
        if self._header_octets > MOST_HEADER_OCTETS:
            raise OriginAnswerInvalid(
                "a header section that is too long",
                proxy_status="http_response_header_section_size",
            )


class Response:
    """An answer, as ``HttpResponse``.

    Until somebody takes its content nothing more is read than came with the header section.

    Attributes:
        reads: How much is read at once; more for somebody who takes it.
        left: Octets of the content that have not come yet, None where that is unknown.
        is_end_told: Whether the content ends otherwise than with the connection.
    """

    def __init__(
        self,
        connection: OriginConnection,
        *,
        method: str,
        url: URL,
        head: Head,
        chunks: ChunkParser | None,
    ) -> None:
        self._connection: OriginConnection | None = connection
        self._chunks = chunks
        self._is_persistent = head.is_persistent
        self._held: deque[bytes] = deque()
        self._held_octets = 0
        self._error: OriginError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Callable[[bytes], None] | None = None
        self._ended: Callable[[], None] | None = None
        self.reads = FIRST_READS
        self.left = head.octets
        self.is_end_told = chunks is not None or head.octets is not None
        self.method = method
        self.url = url
        self.status = head.status
        self.fields = head.fields
        self.content_length = head.content_length

    async def read(self) -> bytes:
        """Return the next octets of the content as they come, b"" at its end.

        Raises:
            OriginError: It broke off.
        """
        while not self._held:
            if self._error is not None:
                raise self._error
            if self._connection is None:
                return b""
            if self._connection.transport is not None:
                self._connection.transport.resume_reading()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        octets = self._held.popleft()
        self._held_octets -= len(octets)
        return octets

    @property
    def has_ended(self) -> bool:
        """Whether no more comes."""
        return self._connection is None

    @property
    def is_whole(self) -> bool:
        """Whether all of it has come."""
        return self._connection is None and self._error is None

    def unread(self, octets: bytes) -> None:
        """Put octets back, to be read again before what comes next."""
        if octets:
            self._held.appendleft(octets)
            self._held_octets += len(octets)

    def close(self) -> None:
        """Close the connection unless the whole answer has come; then it is free already."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self.left = 0
            connection.abort()

    def flow(self, sink: Callable[[bytes], None], *, ended: Callable[[], None]) -> None:
        """Give content to a sink as it comes, from what is held on, instead of ``read``.

        Args:
            sink: May call ``hold``.
            ended: Is called when no more comes; ``raise_if_broken`` tells why.
        """
        self._sink, self._ended = sink, ended
        self.go_on()
        sink(self.take_held())
        if self._connection is None:
            ended()

    def stop_flow(self) -> None:
        """Keep what comes from now on for whoever reads it."""
        self._sink = self._ended = None

    def hold(self) -> None:
        """Read no more of the connection until ``go_on``."""
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.pause_reading()

    def go_on(self) -> None:
        """Read on."""
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.resume_reading()

    def raise_if_broken(self) -> None:
        """Raise what broke the content off, if it has ended so.

        Raises:
            OriginError: As ``read``.
        """
        if self._error is not None:
            raise self._error

    def take_held(self) -> bytes:
        """Return what has come and was not read."""
        held = b"".join(self._held)
        self._held.clear()
        self._held_octets = 0
        return held

    def plain_socket(self) -> int | None:
        """Return the descriptor of the origin's socket, None where octets need to be looked at.

        That is with TLS, and where nothing tells how many belong to the content.
        """
        if self._connection is None or self._connection.transport is None or not self.left:
            return None
        return plain_socket(self._connection.transport)

    def passed(self, octets: int) -> None:
        """Take note that so many octets of the content were taken from the socket."""
        if self._connection is not None and self.left is not None:
            self.left -= octets
            if self.left == 0:
                self.end(is_clean=True)

    def take(self, octets: bytes) -> None:
        """Take what has come behind the header section: content, and whatever is behind that.

        Raises:
            OriginAnswerInvalid: It is no content as the header section told of it.
        """
        is_whole = is_clean = False
        if self.left is not None:
            surplus = len(octets) - self.left
            if surplus > 0:
                octets = octets[: self.left]
            self.left -= len(octets)
            is_whole, is_clean = self.left == 0, surplus <= 0
        elif self._chunks is not None:
            octets = b"".join(self._chunks.read(octets))
            is_whole, is_clean = self._chunks.is_complete, not self._chunks.is_doubtful
        if octets and self._sink is not None:
            self._sink(octets)
        elif octets:
            self._held.append(octets)
            self._held_octets += len(octets)
            if self._held_octets >= self.reads:
                self.hold()
            if self._waiter is not None and not self._waiter.done():
                self._waiter.set_result(None)
        if is_whole:
            self.end(is_clean=is_clean)

    def end(self, error: OriginError | None = None, *, is_clean: bool = False) -> None:
        """Take note that no more comes, and let go of the connection.

        Args:
            error: What broke the content off; None where it is whole.
            is_clean: Whether nothing makes it doubtful that the connection may serve another
                request.
        """
        connection, self._connection = self._connection, None
        self._error = error
        self.left = 0
        if self._ended is not None:
            self._ended()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if connection is None:
            return
        connection.response = None
        if is_clean and self._is_persistent and connection.transport is not None:
            connection.transport.resume_reading()
            connection.idle(connection)
        else:
            connection.abort()
