"""An origin's answer, whose content waits for whoever takes it."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from yarl import URL

from proxy.delivery.transport.parsing import Head
from proxy.errors import OriginError

# At once, and ahead of whoever takes the content: at first, and once he has proved fast.
FIRST_READS = 16 * 1024
READS = 128 * 1024


def plain_socket(transport: asyncio.BaseTransport) -> int | None:
    """Return the descriptor of a transport's socket, None if there is TLS on it."""
    if transport.get_extra_info("sslcontext") is not None:
        return None
    sock = transport.get_extra_info("socket")
    return None if sock is None else sock.fileno()


class Source(Protocol):
    """What the content comes from: a connection whose reading can be held back."""

    def plain_socket(self) -> int | None:
        """Return the descriptor of its socket, None with TLS or an unknown length of content."""

    def passed(self, octets: int) -> None:
        """Take note that so many octets of the content were taken from its socket."""

    @property
    def left(self) -> int | None:
        """Octets of the content that have not come yet, None where that is unknown."""

    def pause(self) -> None:
        """Read no more until ``resume``."""

    def resume(self) -> None:
        """Read on."""

    def abort(self) -> None:
        """Close it; nothing more comes."""


class Response:
    """An answer, as ``HttpResponse``.

    Until somebody takes its content nothing more is read than came with the header section.
    """

    def __init__(self, source: Source, *, method: str, url: URL, head: Head) -> None:
        self._source: Source | None = source
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
            if self._source is None:
                return b""
            self._source.resume()
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        octets = self._held.popleft()
        self._held_octets -= len(octets)
        return octets

    @property
    def left(self) -> int | None:
        """Octets of the content that have not come yet, None where that is unknown."""
        return 0 if self._source is None else self._source.left

    @property
    def has_ended(self) -> bool:
        """Whether no more comes."""
        return self._source is None

    def release(self) -> None:
        """Close the connection unless the whole answer has come; then it is free already."""
        self.close()

    def close(self) -> None:
        """Close the connection, if it still is this answer's."""
        if self._source is not None:
            source, self._source = self._source, None
            source.abort()

    def flow(self, sink: Callable[[bytes], None], *, ended: Callable[[], None]) -> None:
        """Give content to a sink as it comes, from what is held on, instead of ``read``.

        Args:
            sink: May call ``hold``.
            ended: Is called when no more comes; ``raise_if_broken`` tells why.
        """
        self._sink, self._ended = sink, ended
        self.go_on()
        sink(self.take_held())
        if self._source is None:
            ended()

    def stop_flow(self) -> None:
        """Keep what comes from now on for whoever reads it."""
        self._sink = self._ended = None

    def hurry(self) -> None:
        """Read more at once, for somebody who takes it."""
        self.reads = READS

    def hold(self) -> None:
        """Read no more of the connection until ``go_on``."""
        if self._source is not None:
            self._source.pause()

    def go_on(self) -> None:
        """Read on."""
        if self._source is not None:
            self._source.resume()

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
        return None if self._source is None else self._source.plain_socket()

    def passed(self, octets: int) -> None:
        """Take note that so many octets of the content were taken from the socket."""
        if self._source is not None:
            self._source.passed(octets)

    def feed(self, octets: bytes) -> None:
        """Take content that has come."""
        if self._sink is not None:
            self._sink(octets)
            return
        self._held.append(octets)
        self._held_octets += len(octets)
        if self._held_octets >= self.reads and self._source is not None:
            self._source.pause()
        self._wake()

    def end(self, error: OriginError | None = None) -> None:
        """Take note that no more comes: the content is whole, or it broke off."""
        self._source = None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._ended is not None and self._source is None:
            self._ended()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
