"""A rate limiter (GCRA): so many calls at once, so many a second, and a short wait beyond.

Several processes can share one: what some leave others can have, and none takes another's share.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from proxy.errors import ThronBusy
from proxy.server.shared_counts import SharedQuestions
from proxy.text import Text

# Between two looks for a place that another process leaves.
_LOOK_EVERY_S = 0.01


class RateLimiter:
    """Spaces calls out, and refuses what would have to wait too long.

    A second's worth may come in one burst (a page with twenty new images); after that calls
    are admitted at the rate, each waiting its turn as long as that is soon.
    """

    def __init__(
        self,
        *,
        at_once: int,
        per_s: float,
        max_wait_s: float,
        now: Callable[[], float],
        shared: SharedQuestions | None = None,
    ) -> None:
        """Make a limiter that has admitted nothing yet.

        Args:
            at_once: Calls that may run together.
            per_s: Calls that may begin in a second.
            max_wait_s: How long a call may wait for its turn, in seconds.
            now: Monotonic seconds, the same in all processes.
            shared: What all processes have together; None: there are no others.
        """
        self._at_once = at_once
        self._places = asyncio.Semaphore(at_once)
        self._interval_s = 1 / per_s
        self._max_wait_s = max_wait_s
        self._now = now
        self._shared = shared or SharedQuestions()
        self._running = 0
        self._wanted = 0
        # Of the even share that is this process's, however many turns the others have taken.
        self._own_next = float("-inf")

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
                await self._take_place()
        except TimeoutError as exc:
            raise ThronBusy(Text("too many questions for unknown addresses at once")) from exc
        try:
            yield
        finally:
            self._running -= 1
            self._wanted -= 1
            self._note()
            self._places.release()

    async def _take_place(self) -> None:
        self._wanted += 1
        self._note()
        try:
            await self._places.acquire()
            try:
                while self._running >= self._shared.allowed(self._at_once):  # noqa: ASYNC110 - other processes set no event
                    await asyncio.sleep(_LOOK_EVERY_S)
            except BaseException:
                self._places.release()
                raise
        except BaseException:
            self._wanted -= 1
            self._note()
            raise
        self._running += 1
        self._note()

    def _note(self) -> None:
        self._shared.note(asking=self._running, to_ask=self._wanted)

    def _reserve(self) -> float:
        """Return the seconds until a call's turn, which is nobody else's from now on."""
        now, shared = self._now(), self._shared
        # A rate of less than one a second lets the first one go at once too.
        turn = max(shared.next_turn, now - max(0.0, 1 - self._interval_s))
        wait_s = max(0.0, turn - now)
        own_wait_s = max(0.0, self._own_next - now) if shared.processes > 1 else wait_s
        if (soonest_s := min(wait_s, own_wait_s)) >= self._max_wait_s:
            raise ThronBusy(
                Text("too many questions for unknown addresses"), retry_after_s=soonest_s
            )
        if own_wait_s < wait_s:
            self._own_next = now + own_wait_s + self._interval_s * shared.processes
        # Read once more: this process may have stood still since, and must not set the others back.
        shared.next_turn = max(turn, shared.next_turn) + self._interval_s
        return soonest_s
