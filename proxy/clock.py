"""The clocks: of the machine, unless a test hands in others."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks: ``now`` in monotonic seconds, ``wall`` in seconds since 1970."""

    now: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
