"""Asks THRON again after a failure that may pass, for somebody who waits at a page or a terminal.

A count of a large folder is hundreds of questions; one 503 among them must not lose the others.
Requests for contents are not asked so: they are answered from what is known (delivery).
"""

import asyncio
import math
import random
import time
from collections.abc import Callable
from typing import TypeVar

import structlog

from proxy.backoff import Backoff
from proxy.errors import ThronBusy, ThronTimeout, ThronUnreachable
from proxy.thron.exchange import Question
from proxy.thron.token_keeper import TokenKeeper

T = TypeVar("T")

log = structlog.get_logger("proxy.thron")

_MAY_PASS = (ThronBusy, ThronTimeout, ThronUnreachable)


class Retrying:
    """Asks THRON, each question several times if need be.

    By default the last attempt is made after two or three seconds.

    Args:
        thron: Asks with the token.
        attempts: How often at most.
        backoff: The waits between them; a Retry-After of THRON's is the least.
        longest_asked_s: No Retry-After is waited for longer.
        give_up_s: No attempt begins later than this after the first one.
        now: Monotonic seconds.
        jitter: Gives a number from 0 to 1.
    """

    def __init__(
        self,
        thron: TokenKeeper,
        *,
        attempts: int = 4,
        backoff: Backoff = Backoff(first_s=0.5, longest_s=2),
        longest_asked_s: float = math.inf,
        give_up_s: float = 45.0,
        now: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._thron = thron
        self._attempts = attempts
        self._backoff = backoff
        self._longest_asked_s = longest_asked_s
        self._give_up_s = give_up_s
        self._now = now
        self._jitter = jitter

    async def ask(self, question: Question[T]) -> T:
        """Return the answer to a question.

        Raises:
            ThronError: As TokenKeeper's ``ask``; what may pass only where it did not pass, or
                where THRON asks to wait for longer than there is time.
        """
        give_up_at = self._now() + self._give_up_s
        for attempt in range(1, self._attempts):
            try:
                return await self._thron.ask(question)
            except _MAY_PASS as exc:
                asked_s = min(exc.asked_wait_s or 0.0, self._longest_asked_s)
                wait_s = max(self._backoff.wait_s(attempt, jitter=self._jitter()), asked_s)
                if self._now() + wait_s > give_up_at:
                    raise
                log.info("thron asked again", reason=str(exc), in_s=round(wait_s, 1))
            await asyncio.sleep(wait_s)
        return await self._thron.ask(question)
