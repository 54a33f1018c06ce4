"""A budget of retries: while much fails, little is tried again, so that retries do no harm."""

from dataclasses import dataclass


@dataclass(slots=True)
class RetryBudget:
    """Every call earns a fraction of a retry, and a retry spends a whole one.

    Attributes:
        share: Retries that calls earn; 0.1 is at most one retry for ten calls in the long run.
        most: Retries that may be saved up.
    """

    share: float = 0.1
    most: float = 10.0
    _saved: float = 10.0

    def earn(self) -> None:
        """Note a call."""
        self._saved = min(self.most, self._saved + self.share)

    def spend(self) -> bool:
        """Take one retry, and tell whether there was one."""
        if self._saved < 1:
            return False
        self._saved -= 1
        return True
