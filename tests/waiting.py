"""Waiting for what comes in its own time: asked again and again, never slept for."""

import asyncio
from collections.abc import Awaitable, Callable

# Long after what is waited for should have come: a busy machine may stand still for half a minute.
PATIENCE_S = 100


async def until(holds: Callable[[], Awaitable[bool]], *, at_most_s: float = PATIENCE_S) -> None:
    """Return as soon as something holds.

    Raises:
        TimeoutError: It does not, long after it should have.
    """
    async with asyncio.timeout(at_most_s):
        while not await holds():  # noqa: ASYNC110 - what other processes and clocks do sets no event
            await asyncio.sleep(0.005)
