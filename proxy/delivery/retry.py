"""Retries: how long to wait before one, and how many there may be in all."""

from collections.abc import Callable
from dataclasses import dataclass

from proxy.backoff import Backoff


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a call that failed is made again, and after which waits.

    Attributes:
        random: Gives a number from 0 to 1.
        attempts: How often in a row.
        backoff: The waits before them.
    """

    random: Callable[[], float]
    attempts: int
    backoff: Backoff

    def wait_s(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt, the first being 1."""
        return self.backoff.wait_s(attempt, jitter=self.random())


@dataclass(slots=True)
class RetryBudget:
    """Every call earns a fraction of a retry, and a retry spends a whole one.

    While much fails little is tried again, so that retries do not add to what is wrong.

    Attributes:
        share: Retries that calls earn; 0.1 is at most one retry for ten calls in the long run.
        most: Retries that may be saved up.
        calls: Made since a retry was last asked for; whoever makes one counts it.
    """

    share: float = 0.1
    most: float = 10.0
    calls: int = 0
    _saved: float = 10.0

    def spend(self) -> bool:
        """Spend one retry; False if none is left."""
        self._saved = min(self.most, self._saved + self.share * self.calls)
        self.calls = 0
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
