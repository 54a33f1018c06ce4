"""The overview's events, read as a browser reads them (HTML, 9.2.6)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson

from tests.waiting import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Event:
    """One event."""

    name: str
    data: Any

    @property
    def parts(self) -> dict[str, str]:
        """The parts of the page that are news."""
        found: dict[str, str] = self.data["parts"]
        return found


class Events:
    """A stream of them."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.page: dict[str, str] = {}

    async def next(self) -> Event | None:
        """Return the next event; None at the end of the stream."""
        name, data = "message", ""
        async with asyncio.timeout(PATIENCE_S):
            while line := await self._response.content.readline():
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    name = value
                elif field == "data":
                    data = value
                elif not field and data:
                    event = Event(name, orjson.loads(data))
                    self.page |= event.data.get("parts", {})
                    return event
        return None

    async def rest(self) -> AsyncIterator[Event]:
        """Give what comes until the stream ends."""
        while (event := await self.next()) is not None:
            yield event

    async def until(self, part: str, words: str) -> str:
        """Return a part of the page as soon as it has some words."""
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.page.get(part, ""):
                assert await self.next() is not None, "the stream has ended"
        return self.page[part]


@asynccontextmanager
async def events(
    base: str, cookies: dict[str, str], *, path: str = "/events"
) -> AsyncIterator[Events]:
    """Watch, with the cookies of a browser."""
    limit = 2**20  # of a line: an event is one
    async with (
        aiohttp.ClientSession(cookies=cookies, read_bufsize=limit) as http,
        http.get(base + path, allow_redirects=False) as response,
    ):
        assert response.status == 200, response.status
        assert response.content_type == "text/event-stream"
        assert response.headers["Cache-Control"] == "no-store"
        yield Events(response)
