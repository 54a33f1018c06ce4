"""The slow-client guard: how slowly a client may read before it is let go, or gives way.

It watches the origin's side of a download too: whoever keeps the other waiting for too long ends
it. It is told of each step, and looks once a second.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.errors import GatewayError, OriginTimeout, Preempted, ReaderTooSlow

# How often it is looked at who waits for whom; shorter limits are looked at more often.
_LOOK_EVERY_S = 1.0
_LOOKS_WITHIN = 4
# A client that takes nothing for so long is slow, or has stalled.
_STALLED_S = 1.0


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
        waited_s: How long it has been waited for in all.
        stalled: Called at each look at which the client has taken nothing for a second.
    """

    def __init__(self, min_rate: MinRate, *, now: Callable[[], float]) -> None:
        self._min_rate = min_rate
        self._now = now
        self._octets = 0
        self._waited_s = 0.0
        self.waited_s = 0.0
        self._counted_at = 0.0
        self._moved_at = 0.0
        self._looks: asyncio.TimerHandle | None = None
        self._timeout: asyncio.Timeout | None = None
        self._verdict: GatewayError | None = None
        self.waits_since: float | None = None
        self.stalled: Callable[[], None] | None = None

    def waits(self) -> None:
        """Note that the client is given octets, and has not taken them yet."""
        if self.waits_since is None:
            self.waits_since = self._counted_at = self._now()

    def taken(self, octets: int) -> None:
        """Note that it has taken some; from now on the origin is waited for."""
        self._moved_at = now = self._now()
        self._octets += octets
        if self.waits_since is not None:
            self._wait(now)
            self.waits_since = None

    def check(self) -> None:
        """Judge the client by the window so far.

        Raises:
            ReaderTooSlow: It takes too little.
        """
        window_s = self._min_rate.window_s
        if self.waits_since is not None:
            now = self._now()
            if now - self.waits_since >= window_s:
                raise ReaderTooSlow(f"took nothing for {window_s:g} s")
            self._wait(now)
        if self._waited_s >= window_s:
            if self._octets < self._min_rate.min_rate_bytes_s * self._waited_s:
                raise ReaderTooSlow(f"took {self._octets} bytes in {self._waited_s:.0f} s")
            self._octets, self._waited_s = 0, 0.0

    def give_way(self) -> None:
        """End the write that the client has not taken, and the download with it."""
        if self.waits_since is not None:
            self._end(Preempted(f"took nothing for {self._now() - self.waits_since:.1f} s"))

    @asynccontextmanager
    async def watching(self, *, read_gap_s: float = math.inf) -> AsyncIterator[None]:
        """Look at who waits for whom until the end of the block.

        Args:
            read_gap_s: How long the origin may be silent, in seconds.

        Raises:
            ReaderTooSlow: The client takes too little.
            Preempted: It took nothing of late, and another client needs its place.
            OriginTimeout: The origin is silent.
        """
        loop = asyncio.get_running_loop()
        every_s = min(_LOOK_EVERY_S, read_gap_s / _LOOKS_WITHIN)
        every_s = min(every_s, self._min_rate.window_s / _LOOKS_WITHIN)
        self._moved_at = self._now()

        self._looks = loop.call_later(every_s, self._look, every_s, read_gap_s)
        try:
            async with asyncio.timeout(None) as self._timeout:
                yield
        except TimeoutError as exc:
            if self._verdict is None:
                raise  # the client's connection, by TCP's own limit
            raise self._verdict from exc
        finally:
            if self._looks is not None:
                self._looks.cancel()
            self._timeout = self._verdict = self.waits_since = None

    def _look(self, every_s: float, read_gap_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._looks = loop.call_later(every_s, self._look, every_s, read_gap_s)
        try:
            self.check()
        except ReaderTooSlow as exc:
            self._end(exc)
        now = self._now()
        if self.waits_since is None and now - self._moved_at >= read_gap_s:
            self._end(OriginTimeout(f"silent for {read_gap_s:g} s in the middle of the content"))
        is_stalled = self.waits_since is not None and now - self.waits_since >= _STALLED_S
        if is_stalled and self.stalled is not None:
            self.stalled()

    def _wait(self, now: float) -> None:
        waited_s = now - self._counted_at
        self._counted_at = now
        self._waited_s += waited_s
        self.waited_s += waited_s

    def _end(self, verdict: GatewayError) -> None:
        if self._timeout is not None and self._verdict is None:
            self._verdict = verdict
            self._timeout.reschedule(asyncio.get_running_loop().time())
