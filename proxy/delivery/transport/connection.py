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
from typing import cast

from yarl import URL

from proxy.delivery.transport.parsing import (
    MOST_HEADER_OCTETS,
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


class OriginConnection(asyncio.BufferedProtocol):
    """One connection, from its begin to its end."""

    def __init__(
        self,
        scratch: memoryview,
        *,
        idle: Callable[["OriginConnection"], None],
        lost: Callable[["OriginConnection"], None],
    ) -> None:
        """Make the protocol of a connection that is about to be made.

        Args:
            scratch: What is read into; every connection of a loop may share it, since what is in
                it is copied before the loop reads again.
            idle: Is told when the connection may serve another request.
            lost: Is told when it is closed.
        """
        self._scratch = scratch
        self._idle = idle
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._asked: tuple[str, URL] = "", URL()
        self._answer: asyncio.Future[Response] | None = None
        self._received = bytearray()  # of the header section that is awaited
        self._header_octets = 0  # of it, and of the 1xx answers before it
        self._head: Head | None = None
        self._chunks: ChunkParser | None = None
        self.left: int | None = None  # of the content, that has not come
        self._response: Response | None = None
        self.is_answering = False
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
        if self._transport is None:
            raise OriginUnreachable("the connection broke", proxy_status="connection_terminated")
        self._asked = method, url
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._answer = answer
        self.is_answering = False
        self._transport.write(request)
        try:
            return await answer
        except asyncio.CancelledError:
            if self._answer is answer:  # after a short one it may be another request's connection
                self.abort()
            raise

    def is_quiet(self) -> bool:
        """Tell whether an idle connection has nothing to say: no octet, and no end."""
        if self._transport is None or self._transport.is_closing():
            return False
        # Half a microsecond: what has come may be another's answer, and the loop not there yet.
        return not self._poll.poll(0)

    def fail(self, error: OriginError) -> None:
        """End what is under way with an error, and close."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self._response is not None:
            response, self._response = self._response, None
            response.end(error)
        self.abort()

    def abort(self) -> None:
        """Close at once."""
        self._response = None
        if self._transport is not None:
            self._transport.abort()

    def plain_socket(self) -> int | None:
        """Return the descriptor of its socket, None with TLS or an unknown length of content."""
        if self._transport is None or not self.left:
            return None
        return plain_socket(self._transport)

    def passed(self, octets: int) -> None:
        """Take note that so many octets of the content were taken from its socket."""
        if self._response is not None and self.left is not None:
            self.left -= octets
            if self.left == 0:
                self._end(self._response, is_clean=True)

    def pause(self) -> None:
        """Read no more until ``resume``."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on."""
        if self._transport is not None:
            self._transport.resume_reading()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the transport."""
        self._transport = cast(asyncio.Transport, transport)
        self._poll.register(transport.get_extra_info("socket"), select.POLLIN)

    def connection_lost(self, exc: Exception | None) -> None:
        """End what is under way; only a content without any told end is whole by that."""
        self._transport = None
        self._lost(self)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(
                OriginUnreachable("the connection broke", proxy_status="connection_terminated")
            )
        response, self._response = self._response, None
        if response is not None and self._head is not None:
            is_told = self._head.is_chunked or self._head.octets is not None
            is_whole = exc is None and not is_told and not self._may_be_cut
            response.end(None if is_whole else OriginIncomplete("the origin broke it off"))

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - a guess of asyncio's
        """Return what to read into."""
        return self._scratch[: FIRST_READS if self._response is None else self._response.reads]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        octets = bytes(self._scratch[:nbytes])
        try:
            if self._response is not None:
                self._take_content(self._response, octets)
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
        tls = None if self._transport is None else self._transport.get_extra_info("ssl_object")
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
            section = bytes(self._received[:end])
            head = read_head(section, method=self._asked[0])
            del self._received[:end]
            searched = 0
            if head.status >= 200:  # noqa: PLR2004 - interim answers are below (RFC 9110, 15.2)
                self._chunks = ChunkParser(section) if head.is_chunked else None
                self._begin(answer, head)
                return
        if not could_begin(self._received):
            raise OriginAnswerInvalid("no HTTP/1.1")
        if self._header_octets > MOST_HEADER_OCTETS:
            raise OriginAnswerInvalid(
                "a header section that is too long",
                proxy_status="http_response_header_section_size",
            )

    def _begin(self, answer: asyncio.Future["Response"], head: Head) -> None:
        method, url = self._asked
        rest = bytes(self._received)
        self._received.clear()
        self._header_octets = 0
        self._head, self.left = head, head.octets
        self._response = response = Response(self, method=method, url=url, head=head)
        answer.set_result(response)
        if rest or head.octets == 0:
            self._take_content(response, rest)
        if self._response is not None:
            self.pause()

    def _take_content(self, response: "Response", octets: bytes) -> None:
        if self.left is not None:
            surplus = len(octets) - self.left
            if octets and self.left:
                response.feed(octets[: self.left] if surplus > 0 else octets)
            self.left = max(0, -surplus)
            if self.left == 0:
                self._end(response, is_clean=surplus == 0)
        elif self._chunks is not None:
            for piece in self._chunks.read(octets):
                response.feed(piece)
            if self._chunks.is_complete:
                self._end(response, is_clean=not self._chunks.is_doubtful)
        else:
            response.feed(octets)

    def _end(self, response: "Response", *, is_clean: bool) -> None:
        """Let the connection serve another request, unless there is any doubt."""
        self._response = None
        response.end()
        if is_clean and self._head is not None and self._head.is_persistent:
            self.resume()
            self._idle(self)
        else:
            self.abort()


class Response:
    """An answer, as ``HttpResponse``.

    Until somebody takes its content nothing more is read than came with the header section.

    Attributes:
        reads: How much is read at once; more for somebody who takes it.
    """

    def __init__(self, connection: OriginConnection, *, method: str, url: URL, head: Head) -> None:
        self._connection: OriginConnection | None = connection
        self._held: deque[bytes] = deque()
        self._held_octets = 0
        self._error: OriginError | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._sink: Callable[[bytes], None] | None = None
        self._ended: Callable[[], None] | None = None
        self.reads = FIRST_READS
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
            self._connection.resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        octets = self._held.popleft()
        self._held_octets -= len(octets)
        return octets

    @property
    def left(self) -> int | None:
        """Octets of the content that have not come yet, None where that is unknown."""
        return 0 if self._connection is None else self._connection.left

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
        if self._connection is not None:
            self._connection.pause()

    def go_on(self) -> None:
        """Read on."""
        if self._connection is not None:
            self._connection.resume()

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
        """Return the descriptor of the origin's socket, None where octets need to be looked at."""
        return None if self._connection is None else self._connection.plain_socket()

    def passed(self, octets: int) -> None:
        """Take note that so many octets of the content were taken from the socket."""
        if self._connection is not None:
            self._connection.passed(octets)

    def feed(self, octets: bytes) -> None:
        """Take content that has come."""
        if self._sink is not None:
            self._sink(octets)
            return
        self._held.append(octets)
        self._held_octets += len(octets)
        if self._held_octets >= self.reads and self._connection is not None:
            self._connection.pause()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def end(self, error: OriginError | None = None) -> None:
        """Take note that no more comes: the content is whole, or it broke off."""
        self._connection = None
        self._error = error
        if self._ended is not None:
            self._ended()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
