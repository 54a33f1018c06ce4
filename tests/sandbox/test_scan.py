"""Looking through all contents lets others on."""

import asyncio

from proxy.sandbox.scan import scan


async def test_scan() -> None:
    """All items come, in their order."""
    assert [number async for number in scan(range(1200))] == list(range(1200))


async def test_others_run_meanwhile() -> None:
    """A task that waits for its turn gets it during a long scan."""
    turn = asyncio.Event()
    task = asyncio.create_task(asyncio.sleep(0))
    task.add_done_callback(lambda _: turn.set())
    had_turn = [turn.is_set() async for _ in scan(range(2000))]
    assert not had_turn[0]
    assert had_turn[-1]
