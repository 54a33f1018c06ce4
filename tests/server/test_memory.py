"""Memory that was freed, and is kept by the C library, goes back to the system."""

import ctypes

import pytest

from proxy.server.memory import resident, trimming
from tests.waiting import until

MIB = 1024 * 1024

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc's malloc alone has it"
)


def _crowd() -> bytes:
    """Take memory in small pieces, let it go, and return one that lies above all of it."""
    return [b"%d" % number * 10_000 for number in range(1000, 3000)][-1]


async def _has_shrunk(least: int) -> bool:
    return resident() < least


async def test_what_a_crowd_left_behind_goes_back() -> None:
    """As soon as few downloads are left, and not while there are many."""
    running = 1000
    async with trimming(lambda: running, every_s=0.001):
        above = _crowd()
        held = resident()
        for _ in range(5):
            assert not await _has_shrunk(held - 50 * MIB)
        running = 3
        await until(lambda: _has_shrunk(held - 50 * MIB))
    assert above
