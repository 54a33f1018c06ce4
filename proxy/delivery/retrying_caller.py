"""Calls to THRON with one retry after a failure that may pass, behind a circuit breaker."""

import asyncio
import weakref
from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

import structlog

from proxy.backoff import Backoff
from proxy.delivery.circuit_breaker import CircuitBreaker, Outage
from proxy.delivery.retry import RetryBudget, RetryPolicy
from proxy.errors import ThronError, ThronFailed, ThronRefused, ThronTimeout, ThronUnreachable
from proxy.text import Text

log = structlog.get_logger("proxy.delivery.retrying_caller")

T = TypeVar("T")

# For so long after a failure only the questions made here end an outage: where they are asked all
# the time they tell best, as THRON's other services can answer while the one that they need fails.
_QUIET_S = 30.0


class RetryingCaller:
    """Makes calls that may be repeated, as the questions of a resolver are."""

    def __init__(
        self,
        breaker: CircuitBreaker,
        *,
        silent_s: Callable[[], float],
        now: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """Make a caller.

        Args:
            breaker: Says when THRON is to be left alone.
            silent_s: For how long THRON, asked something, has answered nothing at all.
            now: Monotonic seconds.
            random: Gives a number from 0 to 1.
        """
        self._breaker = breaker
        self._silent_s = silent_s
        self._now = now
        self._retry_policy = RetryPolicy(random, attempts=1, backoff=Backoff(0.2, longest_s=0.2))
        self._retries = RetryBudget()
        self._counted: weakref.ref[ThronError] | None = None
        self._outage: Outage | None = None  # as it was logged
        self._failed_at = float("-inf")

    @property
    def outage(self) -> Outage | None:
        """THRON's outage while it lasts; times are of the clock given."""
        return self._breaker.outage(self._now())

    @property
    def is_down(self) -> bool:
        """Whether THRON failed whatever it was asked, and has answered nothing since."""
        return self._outage is not None

    @property
    def silent_s(self) -> float:
        """For how long THRON, asked something, has answered nothing at all."""
        return self._silent_s()

    async def ask(self, question: Callable[[], Awaitable[T]], *, about: Hashable) -> T:
        """Return the answer to a question.

        Args:
            question: Asks it.
            about: What it is about: one that THRON cannot answer must not silence the others.

        Raises:
            ThronUnreachable: THRON failed twice, or is left alone after several failures.
            ThronError: As the question does.
        """
        self._retries.calls += 1
        try:
            return await self._asked(question, about)
        except ThronUnreachable as exc:
            if exc.asked_wait_s is not None or not self._retries.spend():
                raise
        await asyncio.sleep(self._retry_policy.wait_s(1))
        return await self._asked(question, about)

    async def _asked(self, question: Callable[[], Awaitable[T]], about: Hashable) -> T:
        wait_s = self._breaker.retry_in_s(self._now())
        if wait_s > 0:
            raise ThronUnreachable(Text("left alone after several failures"), retry_after_s=wait_s)
        try:
            answer = await question()
        except BaseException as exc:  # whoever leaves gives his turn to the next
            self._note(exc, about)
            raise
        self._answered()
        return answer

    def note_answer(self) -> None:
        """Note that THRON answered anybody: an outage ends unless a question failed just now."""
        if self._now() - self._failed_at >= _QUIET_S:
            self._answered()

    def note_silence(self, *, about: Hashable) -> None:
        """Count a failure: a caller stopped waiting while THRON answered nothing at all."""
        problem = f"no answer to anything for {self._silent_s():.0f} s"
        self._failed(about=about, problem=problem)

    def _note(self, exc: BaseException, about: Hashable) -> None:
        """Tell the breaker of a failure, once for all who shared the question."""
        match exc:
            case ThronRefused():
                self._answered()  # a refusal is an answer
            case ThronFailed():
                self._breaker.undecided(self._now())  # so may only this question be answered
            case ThronUnreachable() | ThronTimeout():
                if self._counted is None or self._counted() is not exc:
                    self._counted = weakref.ref(exc)
                    self._failed(about=about, problem=str(exc))
            case _:
                self._breaker.undecided(self._now())

    def _failed(self, *, about: Hashable, problem: str) -> None:
        now = self._failed_at = self._now()
        self._breaker.failed(now, about=about, problem=problem)
        outage = self._breaker.outage(now)
        if self._outage is None and outage is not None and outage.is_down:
            self._outage = outage
            log.warning(
                "THRON does not answer",
                for_s=round(now - outage.since, 1),
                failures=outage.failures,
                reason=problem,
                fix="what is known is served meanwhile; see THRON's status, the network and the"
                " proxy on the way",
            )

    def _answered(self) -> None:
        self._breaker.succeeded()
        if self._outage is not None:
            log.info("THRON answers again", after_s=round(self._now() - self._outage.since, 1))
            self._outage = None
