"""An origin that says just the octets it is told to, whatever HTTP would have it say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

from yarl import URL


@dataclass(slots=True)
class Hostile:
    """What it says.

    Attributes:
        answers: One for each request, in pieces that are sent apart; the last again and again.
        closes: Whether it closes the connection behind an answer.
        connections: How many were made to it.
        requests: How many came.
    """

    answers: list[list[bytes]] = field(default_factory=list)
    closes: bool = False
    connections: int = 0
    requests: int = 0
    url: URL = field(default_factory=URL)
    open: set[asyncio.Transport] = field(default_factory=set)


class _Conversation(asyncio.Protocol):
    """One connection to it."""

    def __init__(self, origin: Hostile) -> None:
        self._origin = origin
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        self._transport = cast(asyncio.Transport, transport)
        self._origin.connections += 1
        self._origin.open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended
        """Count it no more."""
        self._origin.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer each request."""
        self._received += data
        while b"\r\n\r\n" in self._received:
            self._received = self._received.partition(b"\r\n\r\n")[2]
            answers = self._origin.answers
            self._origin.requests += 1
            self._say(list(answers.pop(0) if len(answers) > 1 else answers[0]))

    def _say(self, pieces: list[bytes]) -> None:
        self._transport.write(pieces.pop(0))
        if pieces:  # not before the other end may have read
            asyncio.get_running_loop().call_later(0.001, self._say, pieces)
        elif self._origin.closes:
            self._transport.close()


@asynccontextmanager
async def hostile(*answers: bytes, closes: bool = False) -> AsyncIterator[Hostile]:
    """Run one until the end of the block."""
    origin = Hostile([[each] for each in answers], closes=closes)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Conversation(origin), "127.0.0.1", 0)
    async with server:
        origin.url = URL(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x")
        try:
            yield origin
        finally:
            for transport in list(origin.open):
                transport.abort()
