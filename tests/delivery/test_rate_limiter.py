"""A budget of questions: so many at once, so many a second."""

import asyncio
import contextlib

import pytest

from proxy.delivery.rate_limiter import Budget
from proxy.errors import ThronBusy


def frozen(**changed: float) -> Budget:
    """Return a budget whose clock stands still."""
    facts = {"per_s": 20.0, "patience_s": 0.01} | changed
    return Budget(
        at_once=100, per_s=facts["per_s"], patience_s=facts["patience_s"], now=lambda: 100.0
    )


async def test_a_seconds_worth_may_come_in_one_burst() -> None:
    """Twenty calls are admitted at once, the next would have to wait too long."""
    budget = frozen()
    for _ in range(20):
        async with budget.spend():
            pass
    with pytest.raises(ThronBusy) as refused:
        async with budget.spend():
            pass
    assert refused.value.retry_after_s == pytest.approx(0.05)


async def test_time_gives_back_what_was_spent() -> None:
    """Half a second later half of the burst is there again."""
    seconds = [100.0]
    budget = Budget(at_once=100, per_s=20, patience_s=0.01, now=lambda: seconds[0])
    admitted = 0
    for now in (100.0, 100.5):
        seconds[0] = now
        with contextlib.suppress(ThronBusy):
            while True:
                async with budget.spend():
                    admitted += 1
    assert admitted == 30


async def test_no_more_run_together_than_allowed() -> None:
    """Who finds no place within the patience is refused, and a place that is left is taken."""
    budget = Budget(at_once=1, per_s=1000, patience_s=0.01, now=lambda: 100.0)
    async with budget.spend():
        with pytest.raises(ThronBusy):
            async with budget.spend():
                pass
    async with budget.spend():
        pass


async def test_a_failing_call_gives_its_place_back() -> None:
    """Errors and cancellation inside the block leave no place taken."""
    budget = Budget(at_once=1, per_s=1000, patience_s=0.01, now=lambda: 100.0)
    with pytest.raises(RuntimeError):
        async with budget.spend():
            raise RuntimeError
    begun = asyncio.Event()

    async def endless() -> None:
        async with budget.spend():
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(endless())
    await begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with budget.spend():
        pass


async def test_one_who_leaves_the_queue_takes_no_place() -> None:
    """A cancelled caller that waited for a place does not keep it."""
    budget = Budget(at_once=1, per_s=1000, patience_s=60, now=lambda: 100.0)

    async def spend() -> None:
        async with budget.spend():
            pass

    async with budget.spend():
        waiting = asyncio.create_task(spend())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await spend()
