"""An origin's answer, whose content waits for whoever takes it."""

import asyncio
from collections import deque
from typing import Protocol

from yarl import URL

from proxy.delivery.transport.parsing import Head
from proxy.errors import OriginError

# What is read ahead of a reader before the connection is not read any more.
_READ_AHEAD = 64 * 1024


class Source(Protocol):
    """What the content comes from: a connection whose reading can be held back."""

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
        self._is_complete = False
        self._error: OriginError | None = None
        self._waiter: asyncio.Future[None] | None = None
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

    def release(self) -> None:
        """Close the connection unless the whole answer has come; then it is free already."""
        self.close()

    def close(self) -> None:
        """Close the connection, if it still is this answer's."""
        if self._source is not None:
            source, self._source = self._source, None
            source.abort()

    def feed(self, octets: bytes) -> None:
        """Take content that has come."""
        self._held.append(octets)
        self._held_octets += len(octets)
        if self._held_octets >= _READ_AHEAD and self._source is not None:
            self._source.pause()
        self._wake()

    def end(self, error: OriginError | None = None) -> None:
        """Take note that no more comes: the content is whole, or it broke off."""
        self._source = None
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
