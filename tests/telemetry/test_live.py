"""What comes and goes on the public listener, for people who watch."""

import asyncio

import pytest

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.live import Traffic, sampling
from proxy.telemetry.minutes import whole
from tests.running import Running
from tests.waiting import until

FILM = "strada-sl-film"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_700_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def traffic(clock: Clock) -> Traffic:
    """Give traffic by that clock."""
    return Traffic(now=clock)


def _record(id_: str = "1", path: str = "/files/film") -> AccessRecord:
    return AccessRecord(id_, "127.0.0.1", "http", None, 0.0, method="GET", path=path)


def test_a_download_that_runs(clock: Clock, traffic: Traffic) -> None:
    """What runs is told as far as it has come, without a sample."""
    record = _record()
    traffic.begin(record)
    record.connector, record.octets, record.expected = "files", 300, 1000
    clock.at += 1
    (running,) = traffic.in_flight(most=10)
    assert (running.connector, running.octets, running.expected) == ("files", 300, 1000)
    assert running.since.timestamp() == clock.at - 1
    assert traffic.running == 1


def test_octets_count_in_the_minute_that_they_flow_in(clock: Clock, traffic: Traffic) -> None:
    """A long download is spread over its minutes, and no octet counts twice."""
    record = _record()
    traffic.begin(record)
    for _ in range(3):
        record.octets += 1000
        clock.at += 1
        traffic.sample()
        clock.at += 59
    record.octets += 500
    traffic.end(record)
    hour = traffic.hour()
    assert [each.octets for each in hour[-4:]] == [1000, 1000, 1000, 500]
    assert [each.requests for each in hour[-4:]] == [0, 0, 0, 1]
    assert traffic.running == 0


def test_rates(clock: Clock, traffic: Traffic) -> None:
    """The rate of one download, and that of all, follow what flows and fall when it ends."""
    one, other = _record("1"), _record("2")
    traffic.begin(one)
    traffic.begin(other)
    for _ in range(20):
        clock.at += 2
        one.octets += 2000
        other.octets += 6000
        traffic.sample()
    rates = [round(each.rate) for each in traffic.in_flight(most=10)]
    assert rates == [1000, 3000]
    assert round(traffic.rate) == 4000
    traffic.end(one)
    traffic.end(other)
    for _ in range(60):
        clock.at += 2
        traffic.sample()
    assert traffic.rate == 0


def test_short_downloads_count_in_the_rate(clock: Clock, traffic: Traffic) -> None:
    """What begins and ends between two samples is part of the rate of all."""
    for number in range(5):
        record = _record(str(number))
        traffic.begin(record)
        record.octets = 1000
        traffic.end(record)
    clock.at += 5
    traffic.sample()
    assert traffic.rate == 1000


def test_probes_are_not_shown(traffic: Traffic) -> None:
    """What load balancers ask every few seconds is no traffic."""
    record = _record(path="/-/livez")
    traffic.begin(record)
    assert traffic.running == 0
    traffic.end(record)
    assert not traffic.recent.newest()
    assert whole(traffic.hour()).requests == 0


def test_a_clock_that_is_set_back(clock: Clock, traffic: Traffic) -> None:
    """No rate comes of it, and no octet is lost."""
    record = _record()
    traffic.begin(record)
    record.octets = 1000
    clock.at -= 3600
    traffic.sample()
    assert traffic.rate == 0
    clock.at += 2
    traffic.sample()
    assert whole(traffic.hour()).octets == 1000


async def test_sampling(clock: Clock, traffic: Traffic) -> None:
    """Samples are taken until the end of the block."""
    record = _record()
    traffic.begin(record)
    record.octets = 1000
    async with sampling(traffic, interval_s=0.001):
        clock.at += 2

        async def is_counted() -> bool:
            return whole(traffic.hour()).octets == 1000

        await until(is_counted)
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "traffic"]


async def test_whole_connector(connector: Running) -> None:
    """A download of the whole connector is seen as it runs, and as it ended, without its query."""
    content = connector.thron.tenant.find(FILM)
    data = connector.thron.tenant.bytes_of(content.id)
    traffic = connector.gateway.traffic
    connector.thron.faults.stall_after(10_000, where="source")
    url = connector.url(f"/files/{content.id}/film.mp4?download&secret=1")
    async with connector.http.get(url) as response:
        await response.content.readany()
        (running,) = traffic.in_flight(most=10)
        assert (running.connector, running.content_id) == ("files", content.id)
        assert (running.path, running.expected) == (f"/files/{content.id}/film.mp4", len(data))
        assert 0 < running.octets < len(data)

    async def is_over() -> bool:
        return traffic.running == 0

    await until(is_over)
    (ended,) = traffic.recent.newest()
    assert (ended.ended_by, whole(traffic.hour()).failed) == ("client", 0)
    assert "secret" not in repr(ended)
