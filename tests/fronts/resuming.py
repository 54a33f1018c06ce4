"""Clients that download without an end, and resume as a browser or a download manager does."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from yarl import URL

# What a client takes at once, and how soon again: when a server ends, it is in the middle.
_CHUNK_OCTETS = 64 * 1024
_PAUSE_S = 0.015
# Of the answers that say "later": a server has ended, and the proxy has not noticed yet.
_LATER = frozenset({502, 503, 504})
_LATER_S = 0.2


@dataclass(slots=True)
class Tally:
    """What clients met.

    Attributes:
        begun: Downloads whose first octets are due.
        whole: Downloads that came to their end, each octet as published.
        octets: Of those.
        broken: Downloads that broke off, and went on by a range.
        refused: Answers that put a client off, by status.
        longest_s: The longest that a client had to try for a next octet.
        running: Those that have not come to their end.
    """

    begun: int = 0
    whole: int = 0
    octets: int = 0
    broken: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    longest_s: float = 0.0
    running: set[object] = field(default_factory=set)

    @property
    def noticed(self) -> int:
        """How often a client noticed anything."""
        return self.broken + self.refused.total()

    def __str__(self) -> str:
        return (
            f"{self.whole} downloads, {self.octets / 1e6:.0f} MB, {self.broken} resumed,"
            f" put off {dict(self.refused)}, {self.longest_s:.1f} s at most"
        )


@asynccontextmanager
async def downloading(url: str, content: bytes, *, clients: int) -> AsyncIterator[Tally]:
    """Let clients download a content over and over until the end of the block.

    A wrong octet, or an answer that cannot be resumed, ends the block with its error.
    """
    tally = Tally()
    ended = asyncio.Event()
    narrow = aiohttp.TCPConnector(limit=0, socket_factory=_narrow)
    async with aiohttp.ClientSession(connector=narrow, auto_decompress=False) as http:

        async def client() -> None:
            while not ended.is_set():
                await _download(http, url, content, tally)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(clients):
                tasks.create_task(client())
            yield tally
            ended.set()


async def _download(http: aiohttp.ClientSession, url: str, content: bytes, tally: Tally) -> None:
    have, etag, this = 0, "", object()
    failing_since: float | None = None
    tally.running.add(this)
    while have < len(content):
        fields = {"Range": f"bytes={have}-", "If-Range": etag} if have else {}
        try:
            async with http.get(URL(url, encoded=True), headers=fields) as answer:
                if answer.status in _LATER:
                    tally.refused[answer.status] += 1
                    failing_since = failing_since or time.monotonic()
                    await asyncio.sleep(_LATER_S)
                    continue
                expected = 206 if have else 200
                assert answer.status == expected, f"{answer.status} instead of {expected}"
                assert etag in {"", answer.headers["ETag"]}
                etag = answer.headers["ETag"]
                tally.begun += not have
                async for chunk in answer.content.iter_chunked(_CHUNK_OCTETS):
                    assert chunk == content[have : have + len(chunk)], f"wrong octet after {have}"
                    have += len(chunk)
                    if failing_since is not None:
                        tally.longest_s = max(tally.longest_s, time.monotonic() - failing_since)
                        failing_since = None
                    await asyncio.sleep(_PAUSE_S)
        except aiohttp.ClientError:
            tally.broken += 1
            failing_since = failing_since or time.monotonic()
    tally.running.discard(this)
    tally.whole += 1
    tally.octets += have


def _narrow(address: tuple[Any, ...]) -> socket.socket:
    """Return a socket into which no download fits: what has not been read is not there yet."""
    family, kind, protocol, _, _ = address
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * _CHUNK_OCTETS)
    return sock
