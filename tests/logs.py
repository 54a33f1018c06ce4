"""What this process logs, as the lines that an operator reads."""

import asyncio
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog

from proxy.telemetry import log


class _Stream(io.StringIO):
    """Tells of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def write(self, text: str) -> int:
        written = super().write(text)
        self.news.set()
        return written


@dataclass(frozen=True, slots=True)
class Logged:
    """The log so far."""

    stream: _Stream = field(default_factory=_Stream)

    async def wait(self, event: str, *, nth: int = 1) -> dict[str, Any]:
        """Wait until an event has been logged for the nth time, and return it."""
        while len(found := self.of(event)) < nth:
            self.stream.news.clear()
            await self.stream.news.wait()
        return found[nth - 1]

    @property
    def text(self) -> str:
        """Everything, as it was written."""
        return self.stream.getvalue()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line as what it holds; a line that is no JSON object is an error."""
        found = [orjson.loads(line) for line in self.text.split("\n")[:-1]]
        assert all(isinstance(each, dict) for each in found)
        return found

    def of(self, event: str) -> list[dict[str, Any]]:
        """Return the events of one name."""
        return [each for each in self.events if each["event"] == event]


@contextmanager
def logged(level: str = "debug") -> Iterator[Logged]:
    """Configure logging as ``serve`` does, and undo it at the end of the block."""
    root, ours, server = (logging.getLogger(name) for name in (None, "proxy", "aiohttp.server"))
    before = root.handlers[:], root.level, ours.level, server.filters[:]
    found = Logged()
    log.configure(level, stream=found.stream)
    try:
        yield found
    finally:
        structlog.reset_defaults()
        root.handlers[:], server.filters[:] = before[0], before[3]
        root.setLevel(before[1])
        ours.setLevel(before[2])
