"""Counters of the last hour, minute by minute, in bounded memory."""

from collections import deque
from dataclasses import dataclass

KEPT = 60
_MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Minute:
    """What one minute brought.

    Attributes:
        number: Minutes since 1970.
        octets: Of content handed to clients.
        requests: Answered; each counts where it ended.
        failed: Those among them that THRON, an origin or this gateway is to blame for.
        client_errors: Those that are the request's own, such as 404: nothing was served, and nobody
            here failed.
        resolved: Addresses that were looked for.
        hits: Those among them that were remembered.
    """

    number: int
    octets: int = 0
    requests: int = 0
    failed: int = 0
    resolved: int = 0
    hits: int = 0
    client_errors: int = 0

    @property
    def served(self) -> int:
        """Requests that got what they asked for."""
        return self.requests - self.failed - self.client_errors

    @property
    def begins(self) -> float:
        """Its first second, since 1970."""
        return float(self.number * _MINUTE_S)

    def plus(self, other: "Minute") -> "Minute":
        """Return the sum of both, at the time of this one."""
        return Minute(
            self.number,
            self.octets + other.octets,
            self.requests + other.requests,
            self.failed + other.failed,
            self.resolved + other.resolved,
            self.hits + other.hits,
            self.client_errors + other.client_errors,
        )


class Minutes:
    """Counts by the minute; only those with traffic are kept, an hour of them."""

    def __init__(self) -> None:
        self._kept: deque[Minute] = deque(maxlen=KEPT)

    def count(self, more: Minute) -> None:
        """Add counts; a clock that was set back adds them to the newest minute."""
        if self._kept and self._kept[-1].number >= more.number:
            self._kept[-1] = self._kept[-1].plus(more)
        else:
            self._kept.append(more)

    def hour(self, *, now: float) -> tuple[Minute, ...]:
        """Return the last sixty minutes, oldest first; the last one is not over yet.

        Args:
            now: Seconds since 1970.
        """
        last = number_at(now)
        if self._kept:
            last = max(last, self._kept[-1].number)
        known = {each.number: each for each in self._kept}
        numbers = range(last - KEPT + 1, last + 1)
        return tuple(known.get(number) or Minute(number) for number in numbers)


def number_at(at: float) -> int:
    """Return the number of the minute in which a time lies, in seconds since 1970."""
    return int(at // _MINUTE_S)


def whole(minutes: tuple[Minute, ...]) -> Minute:
    """Return the sum of some minutes, at the time of the first."""
    total = Minute(minutes[0].number)
    for each in minutes:
        total = total.plus(each)
    return total
