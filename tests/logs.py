"""What this process logs, as the lines that an operator reads."""

import asyncio
import atexit
import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from typing_extensions import Buffer

from proxy.telemetry import log
from proxy.telemetry.line_writer import LineWriter


class _Stream(io.BytesIO):
    """Tells of every line."""

    def __init__(self) -> None:
        super().__init__()
        self.news = asyncio.Event()

    def write(self, octets: Buffer) -> int:
        written = super().write(octets)
        self.news.set()
        return written


@dataclass(frozen=True, slots=True)
class Logged:
    """The log so far."""

    stream: _Stream
    writer: LineWriter

    async def wait(self, event: str, *, nth: int = 1) -> dict[str, Any]:
        """Wait until an event has been logged for the nth time, and return it."""
        while len(found := self.of(event)) < nth:
            self.stream.news.clear()
            await self.stream.news.wait()
        return found[nth - 1]

    @property
    def text(self) -> str:
        """Everything, as it was written."""
        self.writer.write_out()
        return self.stream.getvalue().decode()

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
    root, server = logging.getLogger(), logging.getLogger("aiohttp.server")
    before = root.handlers[:], root.level, server.filters[:]
    stream = _Stream()
    writer = log.configure(level, stream=stream)
    try:
        yield Logged(stream, writer)
    finally:
        atexit.unregister(writer.close)
        structlog.reset_defaults()
        log.access_log.cache_clear()
        root.handlers[:], server.filters[:] = before[0], before[2]
        root.setLevel(before[1])
