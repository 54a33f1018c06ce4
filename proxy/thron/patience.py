"""Questions for somebody who waits for the answer: asked again after what may pass.

A count of a large folder is hundreds of questions; one 503 among them must not lose the others.
Requests for contents have no such patience: these are answered from what is known (delivery).
"""

import asyncio
import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from proxy.errors import ThronBusy, ThronError, ThronTimeout, ThronUnreachable
from proxy.thron.exchange import Question
from proxy.thron.token_keeper import TokenKeeper
from proxy.thron.token_schedule import Schedule, backoff_s

T = TypeVar("T")

log = structlog.get_logger("proxy.thron")

# The last after some two or three seconds: somebody looks at the page or terminal meanwhile.
_MOST_ATTEMPTS = 4
_SCHEDULE = Schedule(first_retry_s=0.5)
# From the first attempt to the beginning of the last, which may itself take THRON's time-out.
_PATIENCE_S = 45.0

_PASSING = (ThronBusy, ThronTimeout, ThronUnreachable)


class Patient:
    """Asks one tenant.

    Args:
        thron: Asks with the token.
        schedule: Of the waits, which double; THRON's Retry-After is the least of them.
        now: Monotonic time, in seconds.
        jitter: Gives a number from 0 to 1.
    """

    def __init__(
        self,
        thron: TokenKeeper,
        *,
        schedule: Schedule = _SCHEDULE,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._thron = thron
        self._schedule = schedule
        self._now = now
        self._jitter = jitter

    async def ask(self, question: Question[T]) -> T:
        """Return the answer to a question, which may be asked several times.

        Raises:
            ThronError: As TokenKeeper's ``ask``; what may pass only once it has not passed, or if
                THRON asks for more patience than there is.
        """
        until = self._now() + _PATIENCE_S
        for attempt in range(1, _MOST_ATTEMPTS):
            try:
                return await self._thron.ask(question)
            except _PASSING as exc:
                wait_s = self._wait_s(exc, attempt)
                if self._now() + wait_s > until:
                    raise
                log.info("thron asked again", reason=str(exc), in_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)
        return await self._thron.ask(question)

    def _wait_s(self, exc: ThronError, failures: int) -> float:
        return backoff_s(self._schedule, exc, failures=failures, jitter=self._jitter())
