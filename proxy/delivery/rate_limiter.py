"""A rate limiter (GCRA): so many calls at once, so many a second, and a short wait beyond."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from proxy.errors import ThronBusy


class RateLimiter:
    """Spaces calls out, and refuses what would have to wait too long.

    A second's worth may come in one burst (a page with twenty new images); after that calls
    are admitted at the rate, each waiting its turn as long as that is soon.
    """

    def __init__(
        self, *, at_once: int, per_s: float, max_wait_s: float, now: Callable[[], float]
    ) -> None:
        """Make a limiter that has admitted nothing yet.

        Args:
            at_once: Calls that may run together.
            per_s: Calls that may begin in a second.
            max_wait_s: How long a call may wait for its turn, in seconds.
            now: Monotonic seconds.
        """
        self._places = asyncio.Semaphore(at_once)
        self._interval_s = 1 / per_s
        self._max_wait_s = max_wait_s
        self._now = now
        self._next = float("-inf")  # theoretical arrival time of the next call (GCRA)

    @asynccontextmanager
    async def admit(self) -> AsyncIterator[None]:
        """Admit one call for the length of the block.

        Raises:
            ThronBusy: Its turn would come too late; with the seconds until it is worth a try.
        """
        wait_s = self._reserve()
        try:
            async with asyncio.timeout(self._max_wait_s):
                await asyncio.sleep(wait_s)
                await self._places.acquire()
        except TimeoutError as exc:
            raise ThronBusy("too many questions for unknown addresses at once") from exc
        try:
            yield
        finally:
            self._places.release()

    def _reserve(self) -> float:
        now = self._now()
        # A rate of less than one a second lets the first one go at once too.
        turn = max(self._next, now - max(0.0, 1 - self._interval_s))
        wait_s = max(0.0, turn - now)
        if wait_s >= self._max_wait_s:
            raise ThronBusy("too many questions for unknown addresses", retry_after_s=wait_s)
        self._next = turn + self._interval_s
        return wait_s
