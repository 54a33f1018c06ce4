"""A rate_limiter of questions: so many at once, so many a second."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.delivery.rate_limiter import RateLimiter
from proxy.errors import ThronBusy
from proxy.server.shared_counts import SharedMemory


def frozen(**changed: float) -> RateLimiter:
    """Return a rate_limiter whose clock stands still."""
    facts = {"per_s": 20.0, "max_wait_s": 0.01} | changed
    return RateLimiter(
        at_once=100, per_s=facts["per_s"], max_wait_s=facts["max_wait_s"], now=lambda: 100.0
    )


async def test_a_seconds_worth_may_come_in_one_burst() -> None:
    """Twenty calls are admitted at once, the next would have to wait too long."""
    rate_limiter = frozen()
    for _ in range(20):
        async with rate_limiter.admit():
            pass
    with pytest.raises(ThronBusy, match=r"^too many questions for unknown addresses$") as refused:
        async with rate_limiter.admit():
            pass
    assert refused.value.retry_after_s == pytest.approx(0.05)


async def test_less_than_one_a_second() -> None:
    """The first call need not wait; the second one would have to, for its whole turn."""
    rate_limiter = frozen(per_s=0.25)
    async with rate_limiter.admit():
        pass
    with pytest.raises(ThronBusy) as refused:
        async with rate_limiter.admit():
            pass
    assert refused.value.retry_after_s == pytest.approx(4)


async def test_time_gives_back_what_was_spent() -> None:
    """Half a second later half of the burst is there again."""
    seconds = [100.0]
    rate_limiter = RateLimiter(at_once=100, per_s=20, max_wait_s=0.01, now=lambda: seconds[0])
    admitted = 0
    for now in (100.0, 100.5):
        seconds[0] = now
        with contextlib.suppress(ThronBusy):
            while True:
                async with rate_limiter.admit():
                    admitted += 1
    assert admitted == 30


async def test_no_more_run_together_than_allowed() -> None:
    """Who finds no place within the patience is refused, and a place that is left is taken."""
    rate_limiter = RateLimiter(at_once=1, per_s=1000, max_wait_s=0.01, now=lambda: 100.0)
    async with rate_limiter.admit():
        with pytest.raises(ThronBusy):
            async with rate_limiter.admit():
                pass
    async with rate_limiter.admit():
        pass


async def test_a_failing_call_gives_its_place_back() -> None:
    """Errors and cancellation inside the block leave no place taken."""
    rate_limiter = RateLimiter(at_once=1, per_s=1000, max_wait_s=0.01, now=lambda: 100.0)
    with pytest.raises(RuntimeError):
        async with rate_limiter.admit():
            raise RuntimeError
    begun = asyncio.Event()

    async def endless() -> None:
        async with rate_limiter.admit():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with rate_limiter.admit():
        pass


async def test_one_who_leaves_the_queue_takes_no_place() -> None:
    """A cancelled caller that waited for a place does not keep it."""
    rate_limiter = RateLimiter(at_once=1, per_s=1000, max_wait_s=60, now=lambda: 100.0)

    async def admit() -> None:
        async with rate_limiter.admit():
            pass

    async with rate_limiter.admit():
        waiting = asyncio.create_task(admit())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await admit()


PER_S = 20


@contextmanager
def sharing(
    seconds: list[float], *, processes: int, max_wait_s: float = 0.001, at_once: int = 1000
) -> Iterator[tuple[SharedMemory, list[RateLimiter]]]:
    """Give limiters of several processes, each with a mapping of its own, on one clock."""
    memory = SharedMemory.make(processes=processes)
    try:
        yield (
            memory,
            [
                RateLimiter(
                    at_once=at_once,
                    per_s=PER_S,
                    max_wait_s=max_wait_s,
                    now=lambda: seconds[0],
                    shared=SharedMemory(memory.descriptor, processes=processes)
                    .of(number, max_downloads=1, max_connections=1)
                    .questions,
                )
                for number in range(processes)
            ],
        )
    finally:
        os.close(memory.descriptor)


async def _admits(rate_limiter: RateLimiter) -> bool:
    with contextlib.suppress(ThronBusy):
        async with rate_limiter.admit():
            return True
    return False


@given(asked=st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.2)), min_size=1, max_size=300))
def test_the_rate_is_that_of_all_processes(asked: list[tuple[int, float]]) -> None:
    """However they take turns, no more go than a second's worth at once, the rate, and one each."""

    async def at_times() -> list[float]:
        seconds = [100.0]
        times = []
        with sharing(seconds, processes=3) as (_, limiters):
            for number, pause_s in asked:
                seconds[0] += pause_s
                if await _admits(limiters[number]):
                    times.append(seconds[0])
        return times

    times = asyncio.run(at_times())
    for first, began in enumerate(times):
        for last in range(first, len(times)):
            most = PER_S * (times[last] - began) + PER_S + 3 + 1
            assert last - first + 1 <= most


async def test_a_busy_process_has_what_the_others_leave() -> None:
    """Alone in asking it gets all of the rate, not a share of it."""
    seconds = [100.0]
    with sharing(seconds, processes=4) as (_, (busy, *_)):
        admitted = 0
        for _ in range(1000):
            admitted += await _admits(busy)
            seconds[0] += 0.01
    assert admitted >= PER_S * 10


async def test_a_busy_process_leaves_each_its_share() -> None:
    """Beside one that takes every turn that it can, another still gets a fourth of the rate."""
    seconds = [100.0]
    with sharing(seconds, processes=4) as (_, (busy, calm, *_)):
        admitted = 0
        for moment in range(1000):
            for _ in range(3):
                await _admits(busy)
            if moment % 20 == 0:  # five times a second
                admitted += await _admits(calm)
            seconds[0] += 0.01
    assert admitted >= 48


async def test_a_killed_process_gives_its_places_back() -> None:
    """What it asked is over as soon as its slot is empty; until then others wait for a place."""
    with sharing([100.0], processes=2, max_wait_s=60, at_once=4) as (memory, (killed, other)):
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                await stack.enter_async_context(killed.admit())
            waiting = asyncio.create_task(_admits(other))
            await asyncio.sleep(0.05)
            assert not waiting.done()
            memory.clear(0)
            assert await waiting
