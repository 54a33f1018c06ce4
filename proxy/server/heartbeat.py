"""Heartbeats: a process tells another that it gets on, so that one that hangs is noticed.

While it starts, a process that turns its event loop may still wait for ever: it beats only when a
step of its start is done. To wait for another process that has the database's lock counts as one:
that has a limit of its own.
"""

import asyncio
from typing import Any

from proxy.server.channel import Channel, Message

HEARTBEAT: Message = {"alive": True}
HEARTBEAT_EVERY_S = 5.0


class Progress:
    """Whether a step has been done since somebody last asked; threads may note one too."""

    def __init__(self) -> None:
        self._is_new = True

    def note(self) -> None:
        """Note that a step is done."""
        self._is_new = True

    def take(self) -> bool:
        """Tell whether there was one, and look out for the next."""
        is_new, self._is_new = self._is_new, False
        return is_new


async def beat(
    channel: Channel, progress: Progress | None = None, *, every_s: float = HEARTBEAT_EVERY_S
) -> None:
    """Send heartbeats for ever.

    Args:
        channel: To whoever waits for them.
        progress: Without news of it none is sent; None: as long as the event loop turns.
        every_s: Between two.
    """
    while True:
        await asyncio.sleep(every_s)
        if progress is None or progress.take():
            channel.post(HEARTBEAT)


async def heard(channel: Channel, *, silent_s: float) -> dict[str, Any]:
    """Return the next message, which may be a heartbeat.

    Raises:
        OSError: The other end is closed.
        TimeoutError: Nothing has come for so long.
        ValueError: What comes is no message.
    """
    # In two parts: if this process itself stood still, what came meanwhile is read in the second.
    try:
        async with asyncio.timeout(silent_s / 2):
            return await channel.receive()
    except TimeoutError:
        async with asyncio.timeout(silent_s / 2):
            return await channel.receive()


async def heard_besides(channel: Channel, *, silent_s: float) -> dict[str, Any]:
    """Return the next message that is no heartbeat; each heartbeat begins the wait anew.

    Raises:
        OSError, TimeoutError, ValueError: As ``heard``.
    """
    while (message := await heard(channel, silent_s=silent_s)) == HEARTBEAT:
        pass
    return message
