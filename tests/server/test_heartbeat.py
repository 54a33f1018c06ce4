"""Heartbeats on a channel, and what it takes for one that sends none to be noticed."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from proxy.server.channel import Channel
from proxy.server.heartbeat import HEARTBEAT, Progress, beat, heard


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = Channel.pair()
    two = Channel(other)
    yield one, two
    one.close()
    two.close()


async def test_progress_alone_beats(ends: tuple[Channel, Channel]) -> None:
    """While no step is done nothing is sent, however often the event loop turns."""
    one, two = ends
    progress = Progress()
    beating = asyncio.create_task(beat(one, progress, every_s=0.001))
    assert await heard(two, silent_s=60) == HEARTBEAT  # that it has begun
    with pytest.raises(TimeoutError):
        await heard(two, silent_s=0.2)
    await asyncio.to_thread(progress.note)
    assert await heard(two, silent_s=60) == HEARTBEAT
    beating.cancel()


async def test_the_event_loop_alone_beats(ends: tuple[Channel, Channel]) -> None:
    """Where no progress is asked for, each turn counts."""
    one, two = ends
    beating = asyncio.create_task(beat(one, every_s=0.001))
    for _ in range(3):
        assert await heard(two, silent_s=60) == HEARTBEAT
    beating.cancel()


async def test_one_that_stood_still_itself(ends: tuple[Channel, Channel]) -> None:
    """What came while the listener stood still is heard: the other one does not hang."""
    one, two = ends
    hearing = asyncio.create_task(heard(two, silent_s=10))
    await asyncio.sleep(0)  # it waits
    one.post(HEARTBEAT)
    time.sleep(5.1)  # noqa: ASYNC251 - as a machine that is suspended
    assert await hearing == HEARTBEAT
