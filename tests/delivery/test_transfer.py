"""How slowly a client may read."""

import asyncio
import math
import time

import pytest

from proxy.delivery.transfer import MinRate, Transfer
from proxy.errors import OriginTimeout, Preempted, ReaderTooSlow
from proxy.telemetry.access_record import AccessRecord
from tests.delivery.taking import new_record


class Reader:
    """A client whose time is an argument: each chunk takes it so long."""

    def __init__(self, min_rate: MinRate) -> None:
        self._now = 0.0
        self._transfer = Transfer(new_record(), min_rate, now=lambda: self._now)

    def take(self, octets: int, *, seconds: float) -> None:
        """Take so many octets in so many seconds."""
        self._transfer.waits()
        self._now += seconds
        self._transfer.taken(octets)
        self._transfer.check()


def test_a_reader_of_the_least_rate_is_served() -> None:
    """The rate is an average over the window: pauses are made good by haste."""
    reader = Reader(MinRate(min_rate_bytes_s=1000, window_s=10))
    for _ in range(10):
        reader.take(1000, seconds=9)
        reader.take(9000, seconds=1)


def test_a_slower_one_is_let_go() -> None:
    """At the end of a window with too few octets."""
    reader = Reader(MinRate(min_rate_bytes_s=1000, window_s=10))
    reader.take(4999, seconds=5)
    with pytest.raises(ReaderTooSlow):
        reader.take(4999, seconds=5)


async def stall(transfer: Transfer, *, read_gap_s: float = math.inf) -> None:
    """Take nothing."""
    async with transfer.watching(read_gap_s=read_gap_s):
        transfer.waits()
        await asyncio.Event().wait()


async def test_one_that_takes_nothing_is_let_go() -> None:
    """A write that never ends does so after the window."""
    transfer = Transfer(
        new_record(), MinRate(min_rate_bytes_s=1, window_s=0.01), now=time.monotonic
    )
    with pytest.raises(ReaderTooSlow):
        await stall(transfer)


async def test_an_origin_that_is_silent() -> None:
    """It ends the download; while the client is waited for, the origin is not silent."""
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=0.1), now=time.monotonic)
    with pytest.raises(ReaderTooSlow):
        await stall(transfer, read_gap_s=0.01)

    async def silence() -> None:
        async with transfer.watching(read_gap_s=0.01):
            await asyncio.Event().wait()

    with pytest.raises(OriginTimeout, match=r"silent for 0\.01 s"):
        await silence()


async def test_one_that_takes_nothing_gives_way() -> None:
    """A write that the client has not taken is ended at once; between writes there is none."""
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=300), now=lambda: 5.0)
    transfer.give_way()
    async with transfer.watching():
        transfer.waits()
        since = transfer.waits_since
        transfer.taken(6)
        transfer.give_way()
        await asyncio.sleep(0)
    assert (since, transfer.waits_since) == (5.0, None)
    asyncio.get_running_loop().call_soon(transfer.give_way)
    with pytest.raises(Preempted, match=r"took nothing for 0\.0 s"):
        await stall(transfer)


@pytest.mark.parametrize("error", [ConnectionResetError, TimeoutError])
async def test_one_that_has_left_is_no_slow_reader(error: type[OSError]) -> None:
    """The connection's error passes as it is."""
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=10), now=lambda: 0.0)

    async def leave() -> None:
        async with transfer.watching():
            transfer.waits()
            raise error

    with pytest.raises(error):
        await leave()


def test_the_first_octet() -> None:
    """The first octet is timed by the record's clock, once."""
    times = iter([3.0, 4.0])
    record = AccessRecord("id", "127.0.0.1", "https", None, 1.0, monotonic=lambda: next(times))
    transfer = Transfer(record, MinRate(min_rate_bytes_s=1, window_s=10), now=lambda: 0.0)
    transfer.left = 2
    for _ in range(2):
        transfer.count(1)
        assert record.first_byte_s == 2
    assert (record.octets, transfer.left) == (2, 0)


def test_what_is_counted() -> None:
    """Each window begins anew, from nothing; the whole wait goes on being counted."""
    now = 100.0
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=10), now=lambda: now)
    assert transfer.waited_s == 0
    for octets in (10, 10, 9):
        transfer.waits()
        now += 5
        transfer.check()
        now += 5
        transfer.taken(octets)
        if octets == 10:
            transfer.check()
    assert transfer.waited_s == 30
    with pytest.raises(ReaderTooSlow, match="took 9 bytes in 10 s"):
        transfer.check()


@pytest.mark.parametrize(("waited_s", "is_too_slow"), [(9.0, False), (10.0, True)])
def test_a_write_that_is_never_taken(waited_s: float, *, is_too_slow: bool) -> None:
    """The window counts from the beginning of the write, whatever the clock shows."""
    now = 100.0
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=10), now=lambda: now)
    transfer.waits()
    now += waited_s
    if is_too_slow:
        with pytest.raises(ReaderTooSlow, match="took nothing for 10 s"):
            transfer.check()
    else:
        transfer.check()


async def test_a_stalled_reader_is_told_of() -> None:
    """Only one that has taken nothing for a second; whoever watches the others hears nothing."""
    now = 100.0
    transfer = Transfer(new_record(), MinRate(min_rate_bytes_s=1, window_s=0.04), now=lambda: now)
    told: list[float] = []

    def tell() -> None:
        told.append(now)

    def pass_time() -> None:
        nonlocal now
        now += 1

    transfer.stalled = tell
    async with transfer.watching():
        await asyncio.sleep(0.05)
        now += 5
        await asyncio.sleep(0.05)
        assert told == [], "the origin is waited for"
    slow = Transfer(new_record(), MinRate(min_rate_bytes_s=0, window_s=0.04), now=lambda: now)
    slow.stalled = tell
    asyncio.get_running_loop().call_soon(pass_time)
    with pytest.raises(ReaderTooSlow):
        await stall(slow)
    assert set(told) == {106.0}
