"""What comes and goes on the public listener, for people who watch.

A download costs two entries here, at its begin and at its end; between them its record is read
every few seconds, and nothing is done for each chunk. What is counted and shown is made when
somebody looks.
"""

import asyncio
import math
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Container, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import islice
from typing import Final, Protocol

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.histogram import Histogram
from proxy.telemetry.minutes import Minute, Minutes, number_at
from proxy.telemetry.recent_requests import KEPT, Ended, EndedRequest, RecentRequests
from proxy.telemetry.redaction import redacted

# A whole download may take an hour, a HEAD half a millisecond.
_DURATIONS: Final = (0.001, 0.01, 0.1, 0.5, 1, 5, 10, 60, 300, 1800, 3600)
_FIRST_BYTES: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)
_SAMPLED_EVERY_S = 2.0
# Rates are averages that forget: after so many seconds two thirds of what was before.
_FORGOTTEN_S = 5.0
# Of load balancers, every few seconds: nobody wants to see them.
_PROBES = "/-/"
_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


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
class _Sampled:
    """How far a download had come at the last look at it."""

    octets: int = 0
    rate: _Rate = field(default_factory=_Rate)


class RecentView(Protocol):
    """The requests that ended last, for those who show them."""

    @property
    def last(self) -> int:
        """The number of the newest."""

    def newest(
        self, *, most: int = KEPT, wanted: Callable[[EndedRequest], bool] | None = None
    ) -> tuple[EndedRequest, ...]:
        """Return the last ones, newest first."""


class TrafficView(Protocol):
    """What comes and goes, for those who show it: of one process, or of several together."""

    @property
    def running(self) -> int:
        """How many requests are being answered."""

    @property
    def rate(self) -> float:
        """Octets of content a second that clients take, of late."""

    @property
    def recent(self) -> RecentView:
        """The requests that ended last."""

    def in_flight(self, *, most: int) -> tuple[InFlight, ...]:
        """Return what is being answered, those that came first before the others."""

    def hour(self) -> tuple[Minute, ...]:
        """Return the last sixty minutes, oldest first; the last one is not over yet."""


class Traffic:
    """Keeps what runs, what has just ended, and what the last hour brought.

    What is counted since the start is so up to the last ``sum_up``.

    Args:
        now: Seconds since 1970.
        kept: How many of the requests that ended last are shown.

    Attributes:
        first_byte: From the request to the first octet of content, in seconds.
        duration: From the request to the end of its answer, in seconds.
        answers: By connector, method, status and who ended them.
        probes: Of load balancers, by status.
        errors: By their names in the access record.
        resolutions: By what the resolver had to do.
        octets_by_connector: Of content handed to clients by what has ended.
        resumes: Of broken upstreams.
        recent: The requests that ended last.
    """

    def __init__(self, *, now: Callable[[], float], kept: int = KEPT) -> None:
        self._now = now
        self.first_byte = Histogram(
            "thron_connector_first_byte_seconds",
            "From the request to the first byte of content",
            buckets=_FIRST_BYTES,
        )
        self.duration = Histogram(
            "thron_connector_duration_seconds",
            "From the request to the end of its answer",
            buckets=_DURATIONS,
        )
        self.answers: Counter[tuple[str | None, str, int | None, str]] = Counter()
        self.probes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.resolutions: Counter[str] = Counter()
        self.octets_by_connector: Counter[str] = Counter()
        self.resumes = 0
        self._running: dict[AccessRecord, float] = {}  # since when, the first to come first
        self._sampled: dict[AccessRecord, _Sampled] = {}
        self._sampled_at = now()
        self._minutes = Minutes()
        self._rate = _Rate()
        # Since they were last added to the minute that it was then.
        self._octets = self._requests = self._failed = self._resolved = self._hits = 0
        self._client_errors = 0
        self._unmeasured = 0
        self._kept: deque[Ended] = deque(maxlen=kept)
        self._last = self._summed_up = 0  # requests that have ended, and how many are counted
        self.recent = RecentRequests(self._kept)

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return len(self._running)

    def records(self) -> Iterable[AccessRecord]:
        """Return the requests that are being answered, those that came first before the others."""
        return self._running.keys()

    @property
    def rate(self) -> float:
        """Octets of content a second that clients take, of late."""
        return self._rate.now

    def begin(self, record: AccessRecord) -> None:
        """Note that a request is being answered."""
        if not record.path.startswith(_PROBES):
            self._running[record] = self._now()

    def end(self, record: AccessRecord) -> None:
        """Note that it has ended, one way or another; it is counted when somebody looks."""
        self._running.pop(record, None)  # of what was answered at once, nothing was noted
        if record.path.startswith(_PROBES):
            self.probes[str(record.status)] += 1
            self.duration.observe(record.duration_s or 0.0)
            return
        self._last += 1
        self._kept.append((self._last, self._now(), record))
        if self._last - self._summed_up == self._kept.maxlen:  # the next one would push one out
            self.sum_up()

    def sum_up(self) -> None:
        """Count what has ended since the last time."""
        uncounted = self._last - self._summed_up
        self._summed_up = self._last
        for _, _, record in islice(reversed(self._kept), uncounted):
            self._count_ended(record)

    def _count_ended(self, record: AccessRecord) -> None:
        if record.first_byte_s is not None:
            self.first_byte.observe(record.first_byte_s)
        self.duration.observe(record.duration_s or 0.0)
        # Whatever else a client calls its method would be one more label for ever.
        method = record.method if record.method in _METHODS else "other"
        self.answers[record.connector, method, record.status, record.ended_by] += 1
        if record.octets:
            self.octets_by_connector[record.connector or ""] += record.octets
        if record.error is not None:
            self.errors[record.error] += 1
        self.resumes += record.resumed
        sampled = self._sampled.pop(record, None)
        self._octets += record.octets - (sampled.octets if sampled is not None else 0)
        self._requests += 1
        if record.resolution is not None:
            self.resolutions[record.resolution] += 1
            self._resolved += 1
            self._hits += record.resolution == "hit"
        if record.severity != "info":
            self._failed += 1
        elif record.status is not None and record.status >= HTTPStatus.BAD_REQUEST:
            self._client_errors += 1

    def forget_connectors(self, kept: Container[str]) -> None:
        """Forget what was counted of connectors that are no more: else labels grow for ever."""
        self.sum_up()
        for answer in [each for each in self.answers if each[0] is not None]:
            if answer[0] not in kept:
                del self.answers[answer]
        for slug in [each for each in self.octets_by_connector if each and each not in kept]:
            del self.octets_by_connector[slug]

    def sample(self) -> None:
        """Read how far the downloads that run have come, and how fast."""
        self.sum_up()
        now = self._now()
        over_s = now - self._sampled_at
        self._sampled_at = now
        if over_s <= 0:  # the clock was set back
            return
        for record, since in self._running.items():
            sampled = self._sampled.setdefault(record, _Sampled())
            fresh = record.octets - sampled.octets
            sampled.octets += fresh
            self._octets += fresh
            sampled.rate.measure(fresh, over_s=min(over_s, max(now - since, 0.001)))
        self._count(now)
        self._rate.measure(self._unmeasured, over_s=over_s)
        self._unmeasured = 0

    def in_flight(self, *, most: int) -> tuple[InFlight, ...]:
        """Return what is being answered, those that came first before the others."""
        first = islice(self._running.items(), most)
        return tuple(self._in_flight(record, since) for record, since in first)

    def hour(self) -> tuple[Minute, ...]:
        """Return the last sixty minutes, oldest first; the last one is not over yet."""
        self.sum_up()
        now = self._now()
        self._count(now)
        return self._minutes.hour(now=now)

    def _count(self, now: float) -> None:
        """Add to the minute what has come since the last time, two seconds ago at most."""
        if not (self._octets or self._requests):
            return
        more = Minute(
            number_at(now),
            octets=self._octets,
            requests=self._requests,
            failed=self._failed,
            client_errors=self._client_errors,
            resolved=self._resolved,
            hits=self._hits,
        )
        self._minutes.count(more)
        self._unmeasured += self._octets
        self._octets = self._requests = self._failed = self._resolved = self._hits = 0
        self._client_errors = 0

    def _in_flight(self, record: AccessRecord, since: float) -> InFlight:
        sampled = self._sampled.get(record)
        return InFlight(
            request_id=record.request_id,
            since=datetime.fromtimestamp(since, UTC),
            client=record.client,
            method=record.method,
            path=redacted(record.path),
            connector=record.connector,
            content_id=record.content_id,
            selected_range=record.selected_range,
            octets=record.octets,
            expected=record.expected,
            rate=sampled.rate.now if sampled is not None else 0.0,
        )


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
