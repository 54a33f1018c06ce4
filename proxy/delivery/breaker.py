"""One circuit breaker for one peer: after failures in a row, it is left alone for a while."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """Failures in a row that no answer has ended yet; times are of the breaker's clock.

    Attributes:
        since: The first of them.
        failures: How many.
        problem: What the last one was.
        retry_in_s: For how long the peer is left alone; 0 if it is asked.
    """

    since: float
    failures: int
    problem: str
    retry_in_s: float


@dataclass(slots=True)
class Breaker:
    """Counts failures in a row; pure but for its own state, the clock is an argument.

    Only a peer that does not answer, or answers 5xx, fails; a 404 or a 403 is an answer.

    Attributes:
        failures_allowed: In a row, before the peer is left alone.
        pause_s: For how long; then one call may try, and its outcome decides.
    """

    failures_allowed: int = 5
    pause_s: float = 5.0
    _failures: int = 0
    _retry_at: float = 0.0
    _since: float = 0.0
    _problem: str = ""

    def retry_in_s(self, now: float) -> float:
        """Return the seconds for which the peer is to be left alone; 0 if it may be called.

        Where a pause has just ended the asker is the one that may try: until its outcome is
        known the pause goes on for the others.
        """
        if self._failures < self.failures_allowed:
            return 0.0
        if now < self._retry_at:
            return self._retry_at - now
        self._retry_at = now + self.pause_s
        return 0.0

    def succeeded(self) -> None:
        """Note an answer."""
        self._failures = 0

    def failed(self, now: float, *, problem: str = "") -> None:
        """Note that there was none, and why."""
        if self._failures == 0:
            self._since = now
        self._failures += 1
        self._problem = problem
        if self._failures >= self.failures_allowed:
            self._retry_at = now + self.pause_s

    def outage(self, now: float) -> Outage | None:
        """Return what is known of failures that go on; None if the last call was answered."""
        if self._failures == 0:
            return None
        is_open = self._failures >= self.failures_allowed
        retry_in_s = max(0.0, self._retry_at - now) if is_open else 0.0
        return Outage(self._since, self._failures, self._problem, retry_in_s)
