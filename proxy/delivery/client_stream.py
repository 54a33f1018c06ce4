"""The client's side of one answer, from its header section to its last octet."""

import asyncio
import os
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, web

from proxy.delivery.response_headers import head
from proxy.delivery.transport.connection import plain_socket
from proxy.telemetry.access_record import AccessRecord

# What waits for a client in this process, before the origin is held back; it is about one read.
_MOST_WAITING = 128 * 1024
# What waits unsent in the kernel for a client that has not proved fast.
_LITTLE_IN_KERNEL = 64 * 1024
# Where no descriptor is left to wait with.
_LOOK_EVERY_S = 0.05
# Python's socket module has no name for it before 3.12; 25 is Linux's (linux/tcp.h).
_NOTSENT_LOWAT = 25 if sys.platform == "linux" else None
# Closed so, a connection is reset (socket(7)): its client does not take what it has for the whole.
_RESETS, _CLOSES = struct.pack("ii", 1, 0), struct.pack("ii", 0, 0)
_LEFT = "the client has left"


class ClientStream(web.StreamResponse):
    """What a pump writes to.

    To aiohttp it is an answer that is prepared already: the header section comes as octets, and
    leaves in one write with the first octets of the content, or by ``send_head``.

    Attributes:
        prepared: Always: nothing is left for aiohttp to begin.
        keep_alive: Whether the connection takes another request after this one.
        in_chunks: Whether the content is chunked, so that octets cannot be given to the connection
            as they are.
        drain: Waits while the connection takes no more.
    """

    prepared = True
    keep_alive = False
    drain: Callable[[], Awaitable[None]]  # type: ignore[assignment] # that of the connection

    def __init__(
        self,
        request: web.BaseRequest,
        status: int,
        section: bytes,
        *,
        record: AccessRecord,
        has_content: bool,
        is_last: bool,
    ) -> None:
        """Begin an answer: an error can only break the connection off from now on.

        Args:
            request: Is answered.
            status: Of the answer.
            section: The header lines of the answer, without those of the connection.
            record: Of the request; ``expected`` is the length of the content, None if unknown.
            has_content: Whether octets of content follow.
            is_last: Whether the connection is closed afterwards.

        Raises:
            ConnectionResetError: The client has left.
        """
        super().__init__(status=status)
        is_recent = request.version >= HttpVersion11
        has_end = not has_content or record.expected is not None
        self.keep_alive = request.keep_alive and not is_last and (has_end or is_recent)
        self.in_chunks = not has_end and is_recent
        framing = "Transfer-Encoding: chunked\r\n" if self.in_chunks else ""
        if self.keep_alive is not is_recent:  # what is not the version's default
            framing += f"Connection: {'close' if is_recent else 'keep-alive'}\r\n"
        self._head = head(
            status,
            section,
            request_id=record.request_id,
            now=time.time(),
            framing=framing,
            is_recent=is_recent,
        )
        record.status = status
        record.headers_sent = True
        if request.transport is None:
            raise ConnectionResetError(_LEFT)
        self._connection = request.transport
        self.drain = request.writer.drain
        # asyncio's TLS counts only what it has not given to the connection below, which has a
        # buffer of its own and no public name; tests/delivery/test_relay.py tells when the private
        # one changes.
        tls = getattr(self._connection, "_ssl_protocol", None)
        self._below_tls: asyncio.Transport | None = getattr(tls, "_transport", None)
        self._ends_with_connection = not has_end and not is_recent
        self._has_ended = False
        self._most_waiting = _MOST_WAITING
        if self._ends_with_connection:
            self._set_option(socket.SOL_SOCKET, socket.SO_LINGER, _RESETS)

    @property
    def transport(self) -> asyncio.Transport:
        """The client's connection, for pumps that write to it directly.

        Raises:
            ConnectionResetError: The client has left.
        """
        self.send_head()
        return self._open_connection()

    def send(self, octets: bytes) -> None:
        """Give octets of the content to the connection; ``drain`` waits for it to take them.

        Raises:
            ConnectionResetError: The client has left.
        """
        if self._connection.is_closing():
            raise ConnectionResetError(_LEFT)
        head, self._head = self._head, b""
        if self.in_chunks:
            octets = b"".join((b"%x\r\n" % len(octets), octets, b"\r\n")) if octets else b""
        self._connection.write(b"".join((head, octets)) if head else octets)

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send octets of the content, and wait while the connection takes no more.

        Raises:
            ConnectionError: The client has left.
        """
        self.send(bytes(data))
        await self.drain()

    async def write_eof(self, *_: object) -> None:
        """Do nothing: the header section and the end have been written."""

    prepare = write_eof  # type: ignore[assignment] # aiohttp calls both after each answer

    @property
    def is_full(self) -> bool:
        """Whether the origin is to be held back until ``drain`` returns."""
        return self._connection.get_write_buffer_size() > self._most_waiting

    def plain_socket(self) -> int | None:
        """Return the descriptor of the client's socket, None with TLS.

        Raises:
            ConnectionResetError: The client has left.
        """
        return plain_socket(self.transport)

    @property
    def is_empty(self) -> bool:
        """Whether the connection has given all that was written to the system.

        Raises:
            ConnectionResetError: The client has left.
        """
        connection, below = self._connection, self._below_tls
        if connection.is_closing():
            raise ConnectionResetError(_LEFT)
        return not connection.get_write_buffer_size() and (
            below is None or not below.get_write_buffer_size()
        )

    async def emptied(self) -> None:
        """Wait until the connection has taken all that was written.

        Raises:
            ConnectionError: The client has left.
        """
        transport = self.transport
        if transport.get_write_buffer_size():
            transport.set_write_buffer_limits(0)  # drained is from now on what is empty
            try:
                await self.drain()
            finally:
                if not transport.is_closing():  # what is left of closed TLS has no limits to set
                    transport.set_write_buffer_limits()
        if not self.is_empty:
            await self._emptied_below_tls()
        if self._ends_with_connection and self._has_ended:
            self._set_option(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSES)

    async def _emptied_below_tls(self) -> None:
        """Wait for what nothing tells of, looking at it whenever the socket takes more."""
        loop, takes_more = asyncio.get_running_loop(), asyncio.Event()
        try:
            copy = os.dup(self._connection.get_extra_info("socket").fileno())
        except OSError:  # no descriptor is left
            while not self.is_empty:  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(_LOOK_EVERY_S)
            return
        loop.add_writer(copy, takes_more.set)
        try:
            while not self.is_empty:
                takes_more.clear()
                await takes_more.wait()
        finally:
            loop.remove_writer(copy)
            os.close(copy)

    def hold_little(self) -> None:
        """Let the connection hold little of what the client has not read: here one read at most.

        A limit works only if it comes before what it limits: one set on a full socket frees
        nothing. But it costs a fast client twice the processor time, so it is lifted in time.
        """
        self._most_waiting = 0
        self.transport.set_write_buffer_limits(1, 0)  # of asyncio's TLS, 0 would be reached at once
        self._limit_unsent(_LITTLE_IN_KERNEL)

    def hold_usual(self) -> None:
        """Let it hold what the system sees fit."""
        self._most_waiting = _MOST_WAITING
        self.transport.set_write_buffer_limits()
        self._limit_unsent(0)

    def end(self) -> bool:
        """End the answer, and tell whether the connection has taken all; else ``emptied`` waits.

        Raises:
            ConnectionError: The client has left.
        """
        last = self._head + (b"0\r\n\r\n" if self.in_chunks else b"")
        self._head = b""
        self._has_ended = True
        if last:
            self._connection.write(last)  # by one that closes it is dropped
        if not self.is_empty:
            return False
        if self._ends_with_connection:
            self._set_option(socket.SOL_SOCKET, socket.SO_LINGER, _CLOSES)
        return True

    def _limit_unsent(self, octets: int) -> None:
        if _NOTSENT_LOWAT is not None:
            self._set_option(socket.IPPROTO_TCP, _NOTSENT_LOWAT, octets)

    def _set_option(self, level: int, option: int, value: int | bytes) -> None:
        sock = self._open_connection().get_extra_info("socket")
        if sock is None:
            return
        # Another object of the same descriptor, since uvloop's stand-in for a socket sets no
        # options; no copy of it, since there may be no descriptor left.
        same = socket.socket(fileno=sock.fileno())
        try:
            same.setsockopt(level, option, value)
        except OSError as exc:
            raise ConnectionResetError(_LEFT) from exc
        finally:
            same.detach()

    def send_head(self) -> None:
        """Give the header section to the connection, unless that has been done."""
        if self._head and not self._connection.is_closing():
            self._connection.write(self._head)
            self._head = b""

    def _open_connection(self) -> asyncio.Transport:
        if self._connection.is_closing():
            raise ConnectionResetError(_LEFT)
        return self._connection
