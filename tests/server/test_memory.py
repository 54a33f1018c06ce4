"""Memory that was freed, and is kept by the C library, goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S

pytestmark = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="glibc's malloc alone has it"
)

# In a process of its own: what else a process has made decides how much can go back.
CROWD = """
import asyncio
import resource

from proxy.server.memory import resident, trimming

LEAST = 50 * 1024 * 1024


def crowd():
    # Much memory in small pieces, let go, but for the one that lies above all of it.
    return [b"%d" % number * 10_000 for number in range(1000, 3000)][-1]


async def main():
    running = 1000
    async with trimming(lambda: running, every_s=0.001):
        above = crowd()
        held = resident()
        for _ in range(5):
            await asyncio.sleep(0.005)
        assert resident() > held - LEAST, "there are still many"
        running = 3
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))  # nothing can be opened for a while
        await asyncio.sleep(0.05)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        while resident() > held - LEAST:
            await asyncio.sleep(0.005)
    assert above


asyncio.run(main())
"""


def test_what_a_crowd_left_behind_goes_back() -> None:
    """As soon as few downloads are left, and not while there are many; an error ends no looking."""
    ran = subprocess.run(
        [sys.executable, "-c", CROWD], check=False, timeout=PATIENCE_S, capture_output=True
    )
    assert ran.returncode == 0, ran.stderr.decode()
