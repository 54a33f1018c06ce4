"""What the console's process makes of what the others tell it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from proxy.app.report import REPORT, Report
from proxy.app.whole import RecentOfAll, Whole
from proxy.delivery.circuit_breaker import Outage
from proxy.telemetry.families import Family, merged
from proxy.telemetry.live import InFlight
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.minutes import Minute
from proxy.telemetry.recent_requests import KEPT, EndedRequest
from proxy.tenant import Resolutions
from tests.logs import logged
from tests.waiting import PATIENCE_S, until

MINUTE = 29_000_000
NOW = MINUTE * 60.0


def ended(request_id: str, *, second: int) -> EndedRequest:
    return EndedRequest(
        number=7,
        at=datetime.fromtimestamp(NOW + second, UTC),
        duration_s=0.1,
        request_id=request_id,
        client="192.0.2.1",
        method="GET",
        path="/files/x",
        status=200,
        octets=1,
        expected=1,
        connector="files",
        content_id="x",
        resolution="hit",
        selected_range=None,
        first_byte_s=0.1,
        resumed=0,
        ended_by="complete",
        error=None,
        reason=None,
    )


def told(second: int, *, not_ready: tuple[str, ...] = (), failures: int = 0) -> Report:
    since = datetime.fromtimestamp(NOW + second, UTC)
    running = InFlight(
        f"runs-{second}", since, "192.0.2.1", "GET", "/files/x", "files", "x", None, 1, 2, 3.0
    )
    outage = Outage(since=0.0, failures=failures, problem="down", is_down=True, retry_in_s=1.0)
    return Report(
        running=1,
        rate=10.0,
        in_flight=(running,),
        hour=(Minute(MINUTE, octets=5, requests=1),),
        recent=(ended(f"ended-{second}", second=second),),
        last=7,
        families=(
            Family("requests", "Requests", "counter", (("requests_total", (), 4.0),)),
            Family(
                "octets",
                "Octets",
                "counter",
                tuple(
                    ("octets_total", (("connector", each),), 3.0) for each in ("", "files", "gone")
                ),
            ),
            Family("open", "Open", "gauge", (("open", (), 2.0),)),
        ),
        not_ready=not_ready,
        resolutions=Resolutions(3, outage if failures else None),
    )


class Peer:
    """The other end: tells the same again and again, but what has ended once only."""

    def __init__(self, whole: Whole, number: int, told: bytes) -> None:
        ours, self.sock = socket.socketpair()
        self.told = told
        self.asked: list[int] = []
        self._task = asyncio.create_task(self._answer())
        whole.introduce(number, ours)

    async def _answer(self) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=self.sock)
        try:
            while line := await reader.readline():
                self.asked.append(int(line))
                writer.write(b"%d\n%b" % (len(self.told), self.told))
        finally:
            writer.close()

    async def end(self) -> None:
        """End it, as a process ends."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def two(first: Report, second: Report) -> AsyncIterator[tuple[Whole, Peer, Peer]]:
    async with Whole.open(
        number=2, served=lambda: {"files"}, now=lambda: NOW, patience_s=PATIENCE_S
    ) as whole:
        peers = [
            Peer(whole, number, REPORT.dump_json(each))
            for number, each in enumerate((first, second), start=1)
        ]
        await whole.refresh()
        yield whole, *peers  # type: ignore[misc] # there are two
        for peer in peers:
            await peer.end()


async def test_two_are_one() -> None:
    """What runs and has ended is shown together, in the order of time."""
    async with two(told(2, failures=3), told(1, failures=5)) as (whole, one, _):
        assert (whole.running, whole.rate) == (2, 20.0)
        in_flight = [each.request_id for each in whole.in_flight(most=9)]
        assert in_flight == ["runs-1", "runs-2"]
        recent = [(each.number, each.request_id) for each in whole.recent.newest()]
        assert recent == [(2, "ended-2"), (1, "ended-1")]
        assert (whole.hour()[-1].octets, len(whole.hour())) == (10, 60)
        resolutions = whole.resolutions()
        assert resolutions.outage is not None
        assert (resolutions.remembered, resolutions.outage.failures) == (6, 5)
        await whole.refresh()
        assert one.asked == [0, 7]


async def test_ready_where_one_is() -> None:
    """The whole is ready where one process is; else the reasons of all are told, each once."""
    async with two(told(1, not_ready=("no session",)), told(2)) as (whole, *_):
        assert not whole.not_ready()
    async with two(*(told(n, not_ready=("no session",)) for n in range(2))) as (whole, *_):
        assert whole.not_ready() == ["no session"]
    async with Whole.open(number=2, served=tuple) as whole:
        assert whole.not_ready() == ["no delivery process answers yet"]
        await whole.refresh()
        assert not whole.silent(), "they are still starting"


async def test_one_that_has_ended() -> None:
    """What it had counted stays counted, what it had open does not; it is told once."""
    with logged() as log:
        async with two(told(1), told(2)) as (whole, one, _):
            await one.end()
            for _ in range(3):
                await whole.refresh()
            text = whole.exposition(Metrics()).decode().splitlines()
            assert "requests_total 8.0" in text
            assert "open 2.0" in text
            assert 'thron_connector_process_up{process="delivery-1"} 0.0' in text
            assert (whole.running, whole.hour()[-1].octets) == (1, 10)
            assert whole.silent() == ["delivery-1 does not answer: what it does is left out"]
            assert [each["which"] for each in log.of("process does not answer")] == ["delivery-1"]
            again = Peer(whole, 1, REPORT.dump_json(told(3)))
            await whole.refresh()
            assert again.asked == [0]
            assert (whole.hour()[-1].octets, whole.silent()) == (15, [])
            await again.end()


async def test_removed_connectors() -> None:
    """What has ended no longer counts for connectors that are no more: they would only grow."""
    async with two(told(1), told(2)) as (whole, one, other):
        for each in (one, other):
            await each.end()
        for _ in range(2):
            await whole.refresh()
        (octets,) = (each for each in merged(whole.families()) if each.name == "octets")
        assert {labels: value for _, labels, value in octets.samples} == {
            (("connector", ""),): 6.0,
            (("connector", "files"),): 6.0,
        }


async def test_one_of_another_version() -> None:
    """Reports that cannot be read are those of nobody; the others are shown."""
    async with two(told(1), told(2)) as (whole, one, _):
        one.told = b'{"running": "many"}'
        await whole.refresh()

        async def is_left_out() -> bool:
            return whole.running == 1

        await until(is_left_out)
        assert len(whole.silent()) == 1


def test_recent_requests_are_bounded() -> None:
    """As many are kept as one process keeps, the newest."""
    recent = RecentOfAll()
    recent.add([ended(f"{number}", second=0) for number in range(KEPT + 10)])
    assert recent.last == KEPT + 10
    assert len(recent.newest()) == KEPT
    (found,) = recent.newest(wanted=lambda each: each.request_id == "500")
    assert found.number == 501
