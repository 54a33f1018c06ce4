"""Notices changes in the database by asking at an interval, those of this process at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import structlog

from proxy.errors import ConfigurationError, DatabaseFailed

log = structlog.get_logger("proxy.polling")

# A change is to be seen within two seconds, whoever made it.
INTERVAL_S = 1.0
# Of calls that news ask for, one after the other.
_APART_S = 0.02


@asynccontextmanager
async def polling(
    name: str,
    poll: Callable[[], Awaitable[None]],
    *,
    interval_s: float = INTERVAL_S,
    news: Callable[[], asyncio.Event] = asyncio.Event,
    apart_s: float = _APART_S,
) -> AsyncIterator[None]:
    """Call at an interval, until the end of the block.

    Args:
        name: Of the task, and of what is not read when the database fails.
        poll: Its failures are logged, an outage once, and it is called again.
        interval_s: Between two calls.
        news: Gives an event that makes the next call come at once; asked before each call, so
            that nothing that happens during one is missed.
        apart_s: Between two calls, however much news there is.
    """
    task = asyncio.create_task(_poll_forever(name, poll, interval_s, news, apart_s), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _poll_forever(
    name: str,
    poll: Callable[[], Awaitable[None]],
    interval_s: float,
    news: Callable[[], asyncio.Event],
    apart_s: float,
) -> None:
    failing: str | None = None
    event, now = news(), asyncio.get_running_loop().time
    called_at = now() - apart_s
    while True:
        with suppress(TimeoutError):
            async with asyncio.timeout(interval_s):
                await event.wait()
                await asyncio.sleep(called_at + apart_s - now())
        event, called_at = news(), now()
        try:
            await poll()
        except (DatabaseFailed, ConfigurationError) as exc:
            if failing != str(exc):  # an outage is told once, not every second
                failing = str(exc)
                log.warning("not read", what=name, reason=failing)
        except Exception:
            log.exception("bug in polling", what=name)
        else:
            if failing is not None:
                failing = None
                log.info("read again", what=name)
