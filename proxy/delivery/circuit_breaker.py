"""A circuit breaker: after failures of several contents their host is not called for a while."""

from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Outage:
    """Failures that no answer has ended yet; times are of the breaker's clock.

    Attributes:
        since: The first of them.
        failures: How many.
        problem: What the last one was.
        is_down: Whether several different things failed, so that it is the peer itself.
        retry_in_s: For how long the peer is left alone; 0 if the next call is a trial.
    """

    since: float
    failures: int
    problem: str
    is_down: bool
    retry_in_s: float


@dataclass(slots=True)
class CircuitBreaker:
    """Counts different things that failed; pure but for its own state, the clock is an argument.

    What fails alone is broken itself. Only where several different ones fail, and none succeeds in
    between, the host that they share is down.

    Attributes:
        failures_allowed: Different things that fail before the host is left alone.
        pause_s: For how long; then one call may try, and its outcome decides.
    """

    failures_allowed: int = 3
    pause_s: float = 5.0
    _failed: set[Hashable] = field(default_factory=set)
    _failures: int = 0
    _retry_at: float = 0.0
    _since: float = 0.0
    _problem: str = ""

    def retry_in_s(self, now: float) -> float:
        """Return the seconds for which the host is to be left alone; 0 if it may be called.

        Where a pause has just ended the asker is the one that may try: until its outcome is
        known the pause goes on for the others.
        """
        if not self._is_open:
            return 0.0
        if now < self._retry_at:
            return self._retry_at - now
        self._retry_at = now + self.pause_s
        return 0.0

    def succeeded(self) -> None:
        """Close the breaker: the host has answered."""
        self._failed.clear()
        self._failures = 0

    def failed(self, now: float, *, about: Hashable, problem: str = "") -> None:
        """Note a failure that may be the host's.

        Args:
            now: Monotonic seconds.
            about: What was asked for; the same thing counts once, however often it fails.
            problem: What went wrong, for people who look.
        """
        if self._failures == 0:
            self._since = now
        self._failures += 1
        self._problem = problem
        if not self._is_open:
            self._failed.add(about)
        if self._is_open:
            self._retry_at = now + self.pause_s

    def undecided(self, now: float) -> None:
        """Note an outcome that says nothing about the host; a trial call may be made again."""
        self._retry_at = min(self._retry_at, now)

    def outage(self, now: float) -> Outage | None:
        """Return the outage that goes on, or None if the last call was answered."""
        if self._failures == 0:
            return None
        retry_in_s = max(0.0, self._retry_at - now) if self._is_open else 0.0
        return Outage(self._since, self._failures, self._problem, self._is_open, retry_in_s)

    @property
    def _is_open(self) -> bool:
        return len(self._failed) >= self.failures_allowed
