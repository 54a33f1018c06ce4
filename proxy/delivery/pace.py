"""How slowly a client may read before it is let go."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.errors import ReaderTooSlow


@dataclass(frozen=True, slots=True)
class Pace:
    """The least a reader must take.

    Attributes:
        min_rate_bytes_s: Octets a second, averaged over the window.
        window_s: Seconds of waiting for the client; the origin's slowness is not counted.
    """

    min_rate_bytes_s: int
    window_s: float


class PaceKeeper:
    """Watches one client take what is written."""

    def __init__(self, pace: Pace, *, now: Callable[[], float]) -> None:
        self._pace = pace
        self._now = now
        self._octets = 0
        self._waited_s = 0.0

    async def write(self, write: Callable[[bytes], Awaitable[None]], chunk: bytes) -> None:
        """Write a chunk, and wait as long as the client may take.

        Raises:
            ReaderTooSlow: It took too little.
            ConnectionError: It has left.
        """
        began = self._now()
        try:
            async with asyncio.timeout(self._pace.window_s):
                await write(chunk)
        except TimeoutError as exc:
            raise ReaderTooSlow(f"took nothing for {self._pace.window_s:g} s") from exc
        self._waited_s += self._now() - began
        self._octets += len(chunk)
        if self._waited_s >= self._pace.window_s:
            self._close_window()

    def _close_window(self) -> None:
        if self._octets < self._pace.min_rate_bytes_s * self._waited_s:
            raise ReaderTooSlow(f"took {self._octets} octets in {self._waited_s:.0f} s")
        self._octets, self._waited_s = 0, 0.0
