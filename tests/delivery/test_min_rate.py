"""How slowly a client may read."""

import asyncio

import pytest

from proxy.delivery.min_rate import MinRate, MinRateGuard
from proxy.errors import Preempted, ReaderTooSlow


class Reader:
    """A client whose time is an argument: each chunk takes it so long."""

    def __init__(self, min_rate: MinRate) -> None:
        self._now = 0.0
        self._takes_s = 0.0
        self._keeper = MinRateGuard(min_rate, now=lambda: self._now)

    async def take(self, octets: int, *, seconds: float) -> None:
        """Take so many octets in so many seconds."""
        self._takes_s = seconds
        await self._keeper.write(self._write, bytes(octets))

    async def _write(self, _chunk: bytes) -> None:
        self._now += self._takes_s


async def test_a_reader_of_the_least_rate_is_served() -> None:
    """The rate is an average over the window: pauses are made good by haste."""
    reader = Reader(MinRate(min_rate_bytes_s=1000, window_s=10))
    for _ in range(10):
        await reader.take(1000, seconds=9)
        await reader.take(9000, seconds=1)


async def test_a_slower_one_is_let_go() -> None:
    """At the end of a window with too few octets."""
    reader = Reader(MinRate(min_rate_bytes_s=1000, window_s=10))
    await reader.take(4999, seconds=5)
    with pytest.raises(ReaderTooSlow):
        await reader.take(4999, seconds=5)


async def test_one_that_takes_nothing_is_let_go() -> None:
    """A write that never ends does so after the window."""
    keeper = MinRateGuard(MinRate(min_rate_bytes_s=1, window_s=0.01), now=lambda: 0.0)

    async def endless(_chunk: bytes) -> None:
        await asyncio.Event().wait()

    with pytest.raises(ReaderTooSlow):
        await keeper.write(endless, b"octets")


async def test_one_that_takes_nothing_gives_way() -> None:
    """A write that the client has not taken is ended at once; between writes there is none."""
    keeper = MinRateGuard(MinRate(min_rate_bytes_s=1, window_s=300), now=lambda: 5.0)
    keeper.give_way()

    async def taken(_chunk: bytes) -> None:
        assert keeper.waits_since == 5.0

    async def endless(_chunk: bytes) -> None:
        asyncio.get_running_loop().call_soon(keeper.give_way)
        await asyncio.Event().wait()

    await keeper.write(taken, b"octets")
    assert keeper.waits_since is None
    with pytest.raises(Preempted):
        await keeper.write(endless, b"octets")


async def test_one_that_has_left_is_no_slow_reader() -> None:
    """The connection's error passes as it is."""
    keeper = MinRateGuard(MinRate(min_rate_bytes_s=1, window_s=10), now=lambda: 0.0)

    async def gone(_chunk: bytes) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await keeper.write(gone, b"octets")
