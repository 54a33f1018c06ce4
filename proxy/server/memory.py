"""Memory that a crowd has left behind goes back to the system, once the crowd has gone.

The C library keeps what was freed below its highest piece in use: after a thousand slow downloads
some 20 MB, for as long as the process runs. ``malloc_trim`` gives that back, whatever lies above.
Of what asyncio made for each connection the parts refer to each other, and are freed when the
garbage collector looks next; where little goes on any more, that would be hours later.
"""

import asyncio
import ctypes
import gc
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

# Between two looks; collection and trim take some milliseconds, in which nothing else is done.
_EVERY_S = 30.0
# Downloads that may run meanwhile.
_FEW = 16
# More than at the last look, and worth it.
_GROWN = 8 * 1024 * 1024
# Up to this generation: the oldest has what is remembered for long, and takes long to look through.
_YOUNG = 1

_STATM = Path("/proc/self/statm")


@asynccontextmanager
async def trimming(running: Callable[[], int], *, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Give memory back after crowds until the end of the block, where the system has a way to.

    Args:
        running: How many downloads there are now.
        every_s: Between two looks.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc's alone
    if trim is None:
        yield
        return
    trimmed = _trim_forever(trim, running, least=resident(), every_s=every_s)
    task = asyncio.create_task(trimmed, name="trimming")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _trim_forever(
    trim: Callable[[int], object], running: Callable[[], int], *, least: int, every_s: float
) -> None:
    while True:
        await asyncio.sleep(every_s)
        # Where no descriptor is left, the next look is early enough.
        with suppress(OSError):
            if running() <= _FEW and resident() > least + _GROWN:
                gc.collect(_YOUNG)
                trim(0)
                least = resident()  # what is in use by now, and not looked at again


def resident() -> int:
    """Return this process's resident memory in octets."""
    return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
