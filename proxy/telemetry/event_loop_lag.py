"""How late the event loop is: what every request waits for while one of them takes too long."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

_EVERY_S = 0.5


@asynccontextmanager
async def measuring(observe: Callable[[float], None]) -> AsyncIterator[None]:
    """Observe twice a second by how many seconds a timer was late, until the end of the block."""
    task = asyncio.create_task(_measuring(observe), name="event loop lag")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _measuring(observe: Callable[[float], None]) -> None:
    now = asyncio.get_running_loop().time
    while True:
        due = now() + _EVERY_S
        await asyncio.sleep(_EVERY_S)
        observe(max(0.0, now() - due))
