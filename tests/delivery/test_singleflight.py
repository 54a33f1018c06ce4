"""Collapsed calls: one answer for all who ask at once."""

import asyncio
import gc

import pytest

from proxy.delivery.singleflight import SingleFlight
from proxy.errors import ThronUnreachable


class Slow:
    """A call that is counted, and ends when it is told to."""

    def __init__(self) -> None:
        self.calls = 0
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self) -> int:
        """Answer with how often it was called."""
        self.calls += 1
        self.begun.set()
        await self.go_on.wait()
        return self.calls


async def test_all_who_ask_at_once_share_one_call() -> None:
    """A hundred callers of one key get the answer of one call; the next one asks anew."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    slow = Slow()
    waiting = [asyncio.create_task(flight.run("key", slow)) for _ in range(100)]
    await slow.begun.wait()
    slow.go_on.set()
    assert await asyncio.gather(*waiting) == [1] * 100
    assert await flight.run("key", slow) == 2


async def test_other_keys_do_not_wait() -> None:
    """Each key has a call of its own."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    slow, quick = Slow(), Slow()
    quick.go_on.set()
    waiting = asyncio.create_task(flight.run("slow", slow))
    assert await flight.run("quick", quick) == 1
    slow.go_on.set()
    assert await waiting == 1


async def test_a_caller_that_leaves_takes_the_call_from_nobody() -> None:
    """The first caller's cancellation ends its own waiting, and nothing else."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    slow = Slow()
    first = asyncio.create_task(flight.run("key", slow))
    await slow.begun.wait()
    second = asyncio.create_task(flight.run("key", slow))
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    slow.go_on.set()
    assert await second == 1


async def test_patience_is_that_of_the_call() -> None:
    """Who joins a call that has run for long does not wait anew; the call goes on."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    slow = Slow()
    with pytest.raises(TimeoutError):
        await flight.run("key", slow, timeout_s=0.2)
    late = asyncio.create_task(flight.run("key", slow, timeout_s=0.2))
    nap = asyncio.create_task(asyncio.sleep(0.1))
    done, _ = await asyncio.wait({late, nap}, return_when=asyncio.FIRST_COMPLETED)
    assert late in done
    with pytest.raises(TimeoutError):
        await late
    await nap
    slow.go_on.set()
    assert await flight.run("key", slow) == 1


async def test_a_failure_is_everyones_and_is_not_remembered() -> None:
    """All who wait get the error; the next caller asks again."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    go_on = asyncio.Event()

    async def failing() -> int:
        await go_on.wait()
        raise ThronUnreachable

    async def working() -> int:
        return 1

    waiting = [asyncio.create_task(flight.run("key", failing)) for _ in range(3)]
    await asyncio.sleep(0)
    go_on.set()
    failed = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in failed] == [ThronUnreachable] * 3
    assert await flight.run("key", working) == 1


async def test_a_failure_in_the_background_troubles_nobody() -> None:
    """What is started and fails unseen leaves no complaint of the event loop."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: complaints.append(told))

    async def failing() -> int:
        raise ThronUnreachable

    flight.start("key", failing)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
    assert not complaints


async def test_closing_ends_what_runs() -> None:
    """No task outlives its owner."""
    flight: SingleFlight[str, int] = SingleFlight("test")
    slow = Slow()
    waiting = asyncio.create_task(flight.run("key", slow))
    await slow.begun.wait()
    await flight.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [task for task in asyncio.all_tasks() if task.get_name() == "test"] == []
