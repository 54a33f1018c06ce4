"""The delivery processes as one, for the console: what comes and goes, metrics and readiness.

Each is asked every second. One that does not answer in time is left out of what runs, and told;
what it has counted stays counted, as what a process had that has ended: else a counter would fall,
which Prometheus takes for a restart.
"""

import asyncio
import socket
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Container, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from heapq import merge
from itertools import islice
from typing import Self

import structlog

from proxy.app.report import REPORT, Report
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.server.assignment import worker_name
from proxy.telemetry.families import Family, exposition, families, merged, of_connectors
from proxy.telemetry.live import InFlight
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.minutes import Minute, Minutes
from proxy.telemetry.recent_requests import KEPT, EndedRequest
from proxy.tenant import Resolutions

log = structlog.get_logger("proxy.workers")

# Less than the time between two looks.
_PATIENCE_S = 0.8


class _Peer:
    """The way to one process, and what it told last."""

    def __init__(self, sock: socket.socket, *, patience_s: float) -> None:
        self._sock = sock
        self._patience_s = patience_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._asking: asyncio.Task[Report] | None = None
        self.report: Report | None = None
        self.is_answering = True

    async def refresh(self) -> tuple[EndedRequest, ...]:
        """Ask it, and return the requests that have ended since; nobody waits for it for long.

        Raises:
            OSError: It has ended.
            EOFError: It has, in the middle of a report.
            ValueError: It is of another version, and its reports are others.
        """
        # One question at a time: to one that hangs no others are added.
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="report")
        done, _ = await asyncio.wait({self._asking}, timeout=self._patience_s)
        self.is_answering = bool(done)
        if not done:
            return ()
        asked, self._asking = self._asking, None
        self.report = asked.result()
        return self.report.recent

    async def _ask(self) -> Report:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(sock=self._sock)
        reader, writer = self._streams
        writer.write(b"%d\n" % (self.report.last if self.report is not None else 0))
        length = await reader.readline()
        if not length:
            raise ConnectionResetError
        return REPORT.validate_json(await reader.readexactly(int(length)))

    def close(self) -> None:
        """Ask it no more."""
        if self._asking is not None:
            self._asking.cancel()
        if self._streams is not None:
            self._streams[1].close()
        else:
            self._sock.close()


class RecentOfAll:
    """The requests that ended last, in any process; numbered as they come to be known here."""

    def __init__(self) -> None:
        self._kept: deque[EndedRequest] = deque(maxlen=KEPT)
        self.last = 0

    def add(self, ended: Sequence[EndedRequest]) -> None:
        """Keep some, oldest first."""
        for each in ended:
            self.last += 1
            self._kept.append(replace(each, number=self.last))

    def newest(
        self, *, most: int = KEPT, wanted: Callable[[EndedRequest], bool] | None = None
    ) -> tuple[EndedRequest, ...]:
        """Return the last requests, newest first, as ``RecentRequests`` does."""
        return tuple(islice(filter(wanted, reversed(self._kept)), most))


class Whole:
    """What all delivery processes tell; of each, what it told last."""

    def __init__(
        self,
        *,
        number: int,
        served: Callable[[], Container[str]],
        now: Callable[[], float],
        patience_s: float,
    ) -> None:
        self._number = number
        self._patience_s = patience_s
        self._served = served
        self._now = now
        self._peers: dict[int, _Peer] = {}
        # Who has been ready once: until then nobody expects it to answer.
        self._known: set[str] = set()
        self._past: tuple[Minute, ...] = ()
        self._past_families: tuple[Family, ...] = ()
        self._silent: frozenset[str] = frozenset()
        self.recent = RecentOfAll()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *,
        number: int,
        served: Callable[[], Container[str]],
        now: Callable[[], float] = time.time,
        patience_s: float = _PATIENCE_S,
    ) -> AsyncIterator[Self]:
        """Ask so many processes every second until the end of the block, once they are known.

        Args:
            number: How many there are.
            served: The slugs of the connectors that there are.
            now: Seconds since 1970.
            patience_s: How long each is waited for, in seconds.
        """
        self = cls(number=number, served=served, now=now, patience_s=patience_s)
        async with polling("reports", self.refresh, interval_s=INTERVAL_S):
            yield self
        for peer in self._peers.values():
            peer.close()

    def introduce(self, number: int, sock: socket.socket) -> None:
        """Ask a process by a socket from now on; it is new, or the one before has ended."""
        self._forget(number)
        self._peers[number] = _Peer(sock, patience_s=self._patience_s)
        self._known.add(worker_name(number))

    async def refresh(self) -> None:
        """Ask all of them."""
        peers = list(self._peers.items())
        asked = await asyncio.gather(*(peer.refresh() for _, peer in peers), return_exceptions=True)
        ended: list[EndedRequest] = []
        for (number, peer), recent in zip(peers, asked, strict=True):
            if not isinstance(recent, BaseException):
                ended += recent
            elif isinstance(recent, OSError | EOFError | ValueError):
                if self._peers.get(number) is peer:
                    self._forget(number)
            else:
                raise recent
        self.recent.add(sorted(ended, key=lambda each: each.at))
        # Processes forget removed connectors by themselves; what has ended no more does.
        self._past_families = of_connectors(self._past_families, self._served())
        self._tell_silent()

    @property
    def running(self) -> int:
        """How many requests are being answered."""
        return sum(each.running for each in self._answering())

    @property
    def rate(self) -> float:
        """Octets of content a second that clients take, of late."""
        return sum(each.rate for each in self._answering())

    def in_flight(self, *, most: int) -> tuple[InFlight, ...]:
        """Return what is being answered, those that came first before the others."""
        runs = (each.in_flight for each in self._answering())
        return tuple(islice(merge(*runs, key=lambda each: each.since), most))

    def hour(self) -> tuple[Minute, ...]:
        """Return the last sixty minutes, oldest first; the last one is not over yet."""
        return self._together([self._past, *(each.hour for each in self._reports())])

    def resolutions(self) -> Resolutions:
        """Return what the resolvers hold, and the worst outage that one of them has met."""
        told = [each.resolutions for each in self._answering()]
        outages = [each.outage for each in told if each.outage is not None]
        return Resolutions(
            sum(each.remembered for each in told),
            max(outages, key=lambda outage: (outage.is_down, outage.failures), default=None),
        )

    def not_ready(self) -> Sequence[str]:
        """Return why nothing can be answered: nothing if one process can."""
        told = [each.not_ready for each in self._answering()]
        if any(not each for each in told):
            return []
        reasons = dict.fromkeys(reason for each in told for reason in each)
        return list(reasons) or ["no delivery process answers yet"]

    def silent(self) -> Sequence[str]:
        """Return the processes that do not answer, as reasons for people."""
        return [f"{name} does not answer: what it does is left out" for name in self._names()]

    def families(self) -> Iterator[Sequence[Family]]:
        """Return the metrics of each process, and of those that have ended."""
        yield self._past_families
        for peer in self._peers.values():
            if peer.report is not None:
                told = peer.report.families
                yield told if peer.is_answering else _cumulative(told)

    def exposition(self, metrics: Metrics) -> bytes:
        """Return all figures, those of this process among them, in Prometheus' text format."""
        for name, is_up in self.states():
            metrics.process_up.labels(name).set(is_up)
        return exposition(merged([families(metrics.registry), *self.families()]))

    def states(self) -> Iterator[tuple[str, bool]]:
        """Return the processes, and whether each answers."""
        for number in range(1, self._number + 1):
            peer = self._peers.get(number)
            is_up = peer is not None and peer.is_answering and peer.report is not None
            yield worker_name(number), is_up

    def _names(self) -> list[str]:
        return [name for name, is_up in self.states() if name in self._known and not is_up]

    def _tell_silent(self) -> None:
        silent = frozenset(self._names())
        for name in sorted(silent - self._silent):
            log.warning("process does not answer", which=name)
        self._silent = silent

    def _reports(self) -> Iterator[Report]:
        return (peer.report for peer in self._peers.values() if peer.report is not None)

    def _answering(self) -> Iterator[Report]:
        return (
            peer.report
            for peer in self._peers.values()
            if peer.report is not None and peer.is_answering
        )

    def _together(self, hours: Sequence[tuple[Minute, ...]]) -> tuple[Minute, ...]:
        minutes = Minutes()
        for minute in merge(*hours, key=lambda each: each.number):
            minutes.count(minute)
        return minutes.hour(now=self._now())

    def _forget(self, number: int) -> None:
        """Keep what a process has counted, now that it has ended."""
        peer = self._peers.pop(number, None)
        if peer is None:
            return
        peer.close()
        if peer.report is not None:
            self._past = self._together([self._past, peer.report.hour])
            told = _cumulative(peer.report.families)
            self._past_families = merged([self._past_families, told])


def _cumulative(told: Sequence[Family]) -> tuple[Family, ...]:
    return tuple(each for each in told if each.is_cumulative)
