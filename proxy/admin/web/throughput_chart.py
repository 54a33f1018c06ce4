"""The last hour as two rows of bars: how much flowed, and how many requests; pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from proxy.telemetry.minutes import Minute

HEIGHT = 100
_MINUTE_S = 60
# Of the minute that is not over yet so much must have passed for its rate to say anything.
_LEAST_S = 10.0
# A bar of something is never so low that it cannot be seen, the less one of failures.
_LEAST_HEIGHT = 1.5
_LEAST_BAD = 6.0
_STEPS = (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute; heights are in hundredths of the chart's.

    Attributes:
        x: Its place, 0 being the oldest.
        ago: Minutes since then; 0 for the one that is not over yet.
        at: When it began.
        minute: What it brought.
        rate: Octets a second.
        flow: Height of its rate.
        good: Height of the requests that were served.
        missed: Height of those for what is not there, or not allowed, which stand on those.
        bad: Height of those that failed, which stand on top.
    """

    x: int
    ago: int
    at: datetime
    minute: Minute
    rate: float
    flow: float
    good: float
    missed: float
    bad: float


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars, and what their full heights mean.

    Attributes:
        most_rate: Octets a second.
        most_requests: In a minute.
    """

    bars: tuple[Bar, ...]
    most_rate: float
    most_requests: int

    @property
    def is_empty(self) -> bool:
        """Whether the hour brought nothing."""
        return not any(bar.minute.requests or bar.minute.octets for bar in self.bars)


def chart(hour: Sequence[Minute], *, now: float) -> Chart:
    """Return the chart of an hour.

    Args:
        hour: Minutes, oldest first; the last one is not over yet.
        now: Seconds since 1970.
    """
    rates = [each.octets / _MINUTE_S for each in hour]
    rates[-1] = hour[-1].octets / min(_MINUTE_S, max(_LEAST_S, now - hour[-1].begins))
    most_rate = round_above(max(rates))
    most_requests = int(round_above(max(each.requests for each in hour), least=4))
    bars = (
        _bar(x, each, rate, most_rate=most_rate, most_requests=most_requests, count=len(hour))
        for x, (each, rate) in enumerate(zip(hour, rates, strict=True))
    )
    return Chart(tuple(bars), most_rate, most_requests)


def round_above(value: float, *, least: float = 1000.0) -> float:
    """Return a round number that is no smaller, half of which is round enough, too."""
    if value <= least:
        return least
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value)


def _bar(
    x: int, minute: Minute, rate: float, *, most_rate: float, most_requests: int, count: int
) -> Bar:
    failed = min(minute.failed, minute.requests)
    bad = _height(failed, most_requests, least=_LEAST_BAD)
    missed = min(_height(minute.client_errors, most_requests), HEIGHT - bad)
    return Bar(
        x=x,
        ago=count - 1 - x,
        at=datetime.fromtimestamp(minute.begins, UTC),
        minute=minute,
        rate=rate,
        flow=_height(rate, most_rate),
        good=min(
            _height(minute.requests - failed - minute.client_errors, most_requests),
            HEIGHT - bad - missed,
        ),
        missed=missed,
        bad=bad,
    )


def _height(value: float, most: float, *, least: float = _LEAST_HEIGHT) -> float:
    return round(max(least, HEIGHT * value / most), 2) if value else 0.0
