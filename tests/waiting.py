"""Waiting for what comes in its own time: asked again and again, never slept for."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[bool]], *, at_most_s: float = 60) -> None:
    """Return as soon as something holds.

    Raises:
        TimeoutError: It does not, long after it should have.
    """
    async with asyncio.timeout(at_most_s):
        while not await holds():  # noqa: ASYNC110 - what other processes and clocks do sets no event
            await asyncio.sleep(0.005)
