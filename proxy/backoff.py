"""Exponential back-off: how long to wait before what failed is tried again; pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that grow from one failure to the next.

    Attributes:
        first_s: The longest wait after a first failure.
        longest_s: No wait is longer.
        factor: What each further failure multiplies the wait by.
    """

    first_s: float
    longest_s: float
    factor: float = 2.0

    def wait_s(self, failures: int, *, jitter: float) -> float:
        """Return the seconds to wait.

        Args:
            failures: How many there were in a row, the last one included.
            jitter: From 0 to 1. It spreads the wait over its second half, so that callers that
                failed together do not come back together.
        """
        # The exponent is bounded, as a float overflows after some thousand failures.
        grown = self.first_s * self.factor ** min(failures - 1, 30)
        return min(grown, self.longest_s) * (1 + jitter) / 2
