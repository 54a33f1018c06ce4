"""The slow-client guard: how slowly a client may read before it is let go, or gives way."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.errors import Preempted, ReaderTooSlow


@dataclass(frozen=True, slots=True)
class MinRate:
    """The least a reader must take.

    Attributes:
        min_rate_bytes_s: Octets a second, averaged over the window.
        window_s: Seconds of waiting for the client; the origin's slowness is not counted.
    """

    min_rate_bytes_s: int
    window_s: float


class MinRateGuard:
    """Watches one client take what is written.

    Attributes:
        waits_since: When the write began that the client has not taken yet; None between writes.
    """

    def __init__(self, min_rate: MinRate, *, now: Callable[[], float]) -> None:
        self._min_rate = min_rate
        self._now = now
        self._octets = 0
        self._waited_s = 0.0
        self._timeout: asyncio.Timeout | None = None
        self._gives_way = False
        self.waits_since: float | None = None

    async def write(self, write: Callable[[bytes], Awaitable[None]], chunk: bytes) -> None:
        """Write a chunk, and wait as long as the client may take.

        Raises:
            ReaderTooSlow: It took too little.
            Preempted: It took nothing of late, and another client needs its place.
            ConnectionError: It has left.
        """
        began = self.waits_since = self._now()
        try:
            async with asyncio.timeout(self._min_rate.window_s) as self._timeout:
                await write(chunk)
        except TimeoutError as exc:
            if self._gives_way:
                raise Preempted(f"took nothing for {self._now() - began:.1f} s") from exc
            raise ReaderTooSlow(f"took nothing for {self._min_rate.window_s:g} s") from exc
        finally:
            self.waits_since = None
        self._waited_s += self._now() - began
        self._octets += len(chunk)
        if self._waited_s >= self._min_rate.window_s:
            self._close_window()

    def give_way(self) -> None:
        """End the write that the client has not taken, and the download with it."""
        if self._timeout is not None and self.waits_since is not None:
            self._gives_way = True
            self._timeout.reschedule(asyncio.get_running_loop().time())

    def _close_window(self) -> None:
        if self._octets < self._min_rate.min_rate_bytes_s * self._waited_s:
            raise ReaderTooSlow(f"took {self._octets} octets in {self._waited_s:.0f} s")
        self._octets, self._waited_s = 0, 0.0
