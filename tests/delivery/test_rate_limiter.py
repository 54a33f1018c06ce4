"""A rate_limiter of questions: so many at once, so many a second."""

import asyncio
import contextlib

import pytest

from proxy.delivery.rate_limiter import RateLimiter
from proxy.errors import ThronBusy


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
