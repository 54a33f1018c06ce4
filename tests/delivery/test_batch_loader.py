"""Batched calls: keys that come while a call runs go together."""

import asyncio
from collections.abc import Mapping

import pytest

from proxy.delivery.batch_loader import BatchLoader
from proxy.errors import ThronFailed, ThronUnreachable
from tests.waiting import until


class Source:
    """Gives the length of each key but ``missing``, one call at a time, when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, keys: tuple[str, ...]) -> Mapping[str, int]:
        """Answer for all keys at once."""
        self.calls.append(keys)
        self.begun.set()
        await self.go_on.wait()
        if "broken" in keys:
            raise ThronUnreachable
        return {key: len(key) for key in keys if key != "missing"}


async def test_the_first_goes_at_once_and_the_others_together() -> None:
    """Nobody waits for company; whoever comes meanwhile shares the next call."""
    source = Source()
    batch = BatchLoader(source, most=50)
    first = asyncio.create_task(batch.get("a"))
    await source.begun.wait()
    others = [asyncio.create_task(batch.get(key)) for key in ("bb", "ccc", "bb", "missing")]
    await asyncio.sleep(0)
    source.go_on.set()
    assert await first == 1
    assert await asyncio.gather(*others) == [2, 3, 2, None]
    assert source.calls == [("a",), ("bb", "ccc", "missing")]


async def test_a_call_has_no_more_keys_than_allowed() -> None:
    """What does not fit goes with the call after."""
    source = Source()
    batch = BatchLoader(source, most=2)
    first = asyncio.create_task(batch.get("first"))
    await source.begun.wait()
    others = [asyncio.create_task(batch.get(str(number))) for number in range(5)]
    await asyncio.sleep(0)
    source.go_on.set()
    await asyncio.gather(first, *others)
    assert [len(keys) for keys in source.calls] == [1, 2, 2, 1]


async def test_a_failure_is_that_of_its_keys_only() -> None:
    """Those of the failing call get its error, those of the next one their values."""
    source = Source()
    batch = BatchLoader(source, most=50)
    broken = asyncio.create_task(batch.get("broken"))
    await source.begun.wait()
    fine = asyncio.create_task(batch.get("fine"))
    await asyncio.sleep(0)
    source.go_on.set()
    with pytest.raises(ThronUnreachable):
        await broken
    assert await fine == 4
    assert await batch.get("again") == 5


@pytest.mark.parametrize("bad", [0, 17, 49])
async def test_a_key_that_fails_costs_the_others_nothing(bad: int) -> None:
    """A batch that fails is asked for in halves, and who asked for the bad key gets its error."""
    calls: list[tuple[str, ...]] = []

    async def call(keys: tuple[str, ...]) -> Mapping[str, int]:
        calls.append(keys)
        if str(bad) in keys:
            raise ThronFailed(f"of {len(keys)}")
        return {key: int(key) for key in keys}

    batch = BatchLoader(call, most=50, divided_on=(ThronFailed,))
    # The first goes alone; it is none of those that count here.
    asked = [asyncio.create_task(batch.get(key)) for key in ("99", *map(str, range(50)))]
    _, *found = await asyncio.gather(*asked, return_exceptions=True)
    assert isinstance(found.pop(bad), ThronFailed)
    assert found == [number for number in range(50) if number != bad]
    assert len(calls) <= 1 + 2 * 6 + 1


async def test_what_fails_whatever_is_asked_is_not_asked_for_key_by_key() -> None:
    """Whoever has trouble enough is left alone."""
    calls: list[tuple[str, ...]] = []

    async def call(keys: tuple[str, ...]) -> Mapping[str, int]:
        calls.append(keys)
        raise ThronFailed

    batch = BatchLoader(call, most=50, divided_on=(ThronFailed,))
    failed = await asyncio.gather(*[batch.get(str(n)) for n in range(51)], return_exceptions=True)
    assert {type(each) for each in failed} == {ThronFailed}
    assert len(calls) < 51 / 2


async def test_who_leaves_stops_nothing() -> None:
    """A cancelled caller leaves the call to the others of its key."""
    source = Source()
    batch = BatchLoader(source, most=50)
    leaving = asyncio.create_task(batch.get("key"))
    await source.begun.wait()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    source.go_on.set()
    assert await batch.get("key") == 3


async def test_a_call_that_hangs_holds_up_nobody() -> None:
    """The next one is made beside it after a while, up to so many."""
    never = asyncio.Event()
    calls: list[tuple[str, ...]] = []

    async def call(keys: tuple[str, ...]) -> Mapping[str, int]:
        calls.append(keys)
        if keys[0].startswith("bad"):
            await never.wait()
        return dict.fromkeys(keys, 1)

    batch = BatchLoader(call, most=1, most_calls=3, overlap_after_s=0.001)
    tasks = []
    for key in ("bad-1", "fine-1", "bad-2", "fine-2", "bad-3", "fine-3"):
        tasks.append(asyncio.create_task(batch.get(key)))
        await asyncio.sleep(0)
    assert (await tasks[1], await tasks[3]) == (1, 1)
    await until(lambda: _is(len(calls) == 5))
    assert not tasks[5].done()
    never.set()
    assert await asyncio.gather(*tasks) == [1] * 6


async def _is(holds: bool) -> bool:  # noqa: FBT001 - what ``until`` asks for
    return holds


async def test_closing_ends_all_who_wait() -> None:
    """Neither the running call nor those behind it are left."""
    source = Source()
    batch = BatchLoader(source, most=1)
    waiting = [asyncio.create_task(batch.get(key)) for key in "abc"]
    await source.begun.wait()
    await batch.aclose()
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in ended] == [asyncio.CancelledError] * 3
    assert [task for task in asyncio.all_tasks() if task.get_name() == "batch"] == []
