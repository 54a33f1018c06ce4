"""What comes and goes on the public listener, for people who watch.

A download costs two entries here, at its begin and at its end; between them its record is read
every few seconds, and nothing is done for each chunk.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.minutes import Minute, Minutes, number_at
from proxy.telemetry.recent_requests import RecentRequests

_SAMPLED_EVERY_S = 2.0
# Rates are averages that forget: after so many seconds two thirds of what was before.
_FORGOTTEN_S = 5.0
# Of load balancers, every few seconds: nobody wants to see them.
_PROBES = "/-/"


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request that is being answered.

    Attributes:
        since: When it came.
        octets: Of content that the client's connection has taken.
        expected: Octets of content in all; None while it is not known.
        rate: Octets a second, of late.
    """

    request_id: str
    since: datetime
    client: str
    method: str
    path: str
    connector: str | None
    content_id: str | None
    selected_range: str | None
    octets: int
    expected: int | None
    rate: float


@dataclass(slots=True)
class _Rate:
    """An average that forgets; None before the first measurement."""

    octets_s: float | None = None

    def measure(self, octets: int, *, over_s: float) -> None:
        fresh = octets / over_s
        if self.octets_s is None:
            self.octets_s = fresh
        else:
            self.octets_s += (1 - math.exp(-over_s / _FORGOTTEN_S)) * (fresh - self.octets_s)

    @property
    def now(self) -> float:
        return self.octets_s if self.octets_s is not None and self.octets_s >= 1 else 0.0


@dataclass(slots=True)
class _Flight:
    record: AccessRecord
    since: float
    counted: int = 0
    rate: _Rate = field(default_factory=_Rate)


class Traffic:
    """Keeps what runs, what has just ended, and what the last hour brought.

    Args:
        now: Seconds since 1970.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._flights: dict[str, _Flight] = {}
        self._minutes = Minutes()
        self._rate = _Rate()
        self._fresh = 0
        self._sampled = now()
        self.recent = RecentRequests(now=now)

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return len(self._flights)

    @property
    def rate(self) -> float:
        """Octets of content a second that clients take, of late."""
        return self._rate.now

    def begin(self, record: AccessRecord) -> None:
        """Note that a request is being answered."""
        if not record.path.startswith(_PROBES):
            self._flights[record.request_id] = _Flight(record, self._now())

    def end(self, record: AccessRecord) -> None:
        """Note that it has ended, one way or another."""
        flight = self._flights.pop(record.request_id, None)
        if flight is None:
            return
        ended = self.recent.add(record)
        more = Minute(
            number_at(self._now()),
            octets=self._newly(flight),
            requests=1,
            failed=int(ended.is_failure),
            resolved=int(record.resolution is not None),
            hits=int(record.resolution == "hit"),
        )
        self._minutes.count(more)

    def sample(self) -> None:
        """Read how far the downloads that run have come, and how fast."""
        now = self._now()
        over_s = now - self._sampled
        if over_s <= 0:  # the clock was set back
            self._sampled = now
            return
        moved = 0
        for flight in self._flights.values():
            fresh = self._newly(flight)
            moved += fresh
            flight.rate.measure(fresh, over_s=min(over_s, max(now - flight.since, 0.001)))
        if moved:
            self._minutes.count(Minute(number_at(now), octets=moved))
        self._rate.measure(self._fresh, over_s=over_s)
        self._fresh, self._sampled = 0, now

    def in_flight(self, *, most: int) -> tuple[InFlight, ...]:
        """Return what is being answered, those that came first before the others."""
        flights = list(self._flights.values())[:most]
        return tuple(_in_flight(each) for each in flights)

    def hour(self) -> tuple[Minute, ...]:
        """Return the last sixty minutes, oldest first; the last one is not over yet."""
        return self._minutes.hour(now=self._now())

    def _newly(self, flight: _Flight) -> int:
        """Return the octets since the last look at a download."""
        fresh = flight.record.octets - flight.counted
        flight.counted += fresh
        self._fresh += fresh
        return fresh


@asynccontextmanager
async def sampling(
    traffic: Traffic, *, interval_s: float = _SAMPLED_EVERY_S
) -> AsyncIterator[None]:
    """Sample every few seconds until the end of the block."""
    task = asyncio.create_task(_sampling(traffic, interval_s), name="traffic")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _sampling(traffic: Traffic, interval_s: float) -> None:
    while True:
        await asyncio.sleep(interval_s)
        traffic.sample()


def _in_flight(flight: _Flight) -> InFlight:
    record = flight.record
    return InFlight(
        request_id=record.request_id,
        since=datetime.fromtimestamp(flight.since, UTC),
        client=record.client,
        method=record.method,
        path=record.path,
        connector=record.connector,
        content_id=record.content_id,
        selected_range=record.selected_range,
        octets=record.octets,
        expected=record.expected,
        rate=flight.rate.now,
    )
