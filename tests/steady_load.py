"""Clients that ask at a steady rate, and notice whatever goes wrong.

They speak HTTP/1.1 by themselves: a client's library may ask again unseen where it was cut.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self

_SMALL = 100
# More at once would be a crowd, no rate.
_MOST_AT_ONCE = 400
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)
_LAST = re.compile(rb"\r\nConnection: close\r\n", re.IGNORECASE)


@dataclass(slots=True)
class Load:
    """What came of it.

    Attributes:
        downloads: That ran through all of it, and came right.
        asked: Small requests, right or not.
        slowest_s: Of the small ones.
        failures: Refused connections, answers cut or missing, and wrong ones.
    """

    downloads: int = 0
    asked: int = 0
    slowest_s: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """Return the figures."""
        failed = ", ".join(f"{self.failures[kind]} {kind}" for kind in ("refused", "cut", "wrong"))
        return (
            f"{self.downloads} downloads and {self.asked} small requests, the slowest in"
            f" {self.slowest_s:.2f} s: {failed}"
        )


@asynccontextmanager
async def steady_load(
    address: str, path: str, data: bytes, *, downloads: int, per_s: float
) -> AsyncIterator[Load]:
    """Ask until the end of the block, and wait there for all answers.

    Args:
        address: Of the server, as ``host:port``.
        path: Of a file.
        data: What it holds.
        downloads: Whole ones, all at once; how long they take is the origin's matter.
        per_s: Small requests: every other one on a new connection, the others on those that are
            left open.
    """
    load, clients = Load(), _Clients(address, path, data)
    done = asyncio.Event()
    long = [asyncio.create_task(_noted(load, clients.download())) for _ in range(downloads)]
    small = asyncio.create_task(_ask_steadily(load, clients, per_s=per_s, done=done))
    try:
        yield load
        load.downloads = sum(await asyncio.gather(*long))
        done.set()
        await small
    finally:
        for each in (small, *long):
            each.cancel()
        await asyncio.gather(small, *long, return_exceptions=True)
        clients.close()
        await asyncio.sleep(0)  # in which the connections close


async def _ask_steadily(
    load: Load, clients: "_Clients", *, per_s: float, done: asyncio.Event
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.TaskGroup() as asking:
        running = set[asyncio.Task[None]]()
        while not done.is_set():
            # As many as are due by now, whatever the answers do: a slow server is asked no less.
            while load.asked < (loop.time() - began) * per_s and len(running) < _MOST_AT_ONCE:
                load.asked += 1
                task = asking.create_task(_timed(load, clients, is_new=load.asked % 2 == 0))
                running.add(task)
                task.add_done_callback(running.discard)
            await asyncio.sleep(1 / per_s)


async def _timed(load: Load, clients: "_Clients", *, is_new: bool) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    await _noted(load, clients.head() if is_new else clients.first_octets())
    load.slowest_s = max(load.slowest_s, loop.time() - began)


async def _noted(load: Load, answer: Coroutine[Any, Any, bool]) -> bool:
    """Note how an answer failed, if it did; tell whether it was right."""
    kind = "wrong"
    try:
        if await answer:
            return True
    except ConnectionRefusedError:
        kind = "refused"
    except (OSError, asyncio.IncompleteReadError):
        kind = "cut"
    load.failures[kind] += 1
    return False


@dataclass(slots=True)
class _Connection:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, address: str) -> Self:
        host, _, port = address.rpartition(":")
        return cls(*await asyncio.open_connection(host, int(port)))

    async def ask(self, request: str) -> tuple[int, bytes, bool]:
        """Return an answer's status and content, and whether it is the connection's last."""
        self.writer.write(request.encode())
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        has_content = length is not None and not request.startswith("HEAD")
        content = await self.reader.readexactly(int(length[1])) if length and has_content else b""
        return int(head.split()[1]), content, _LAST.search(head) is not None

    def close(self) -> None:
        self.writer.transport.abort()


class _Clients:
    """Ask for one file in three ways; each tells whether the answer was right."""

    def __init__(self, address: str, path: str, data: bytes) -> None:
        self._address = address
        self._end = f"{path} HTTP/1.1\r\nHost: {address}\r\n"
        self._data = data
        self._open: list[_Connection] = []

    async def download(self) -> bool:
        status, content, _ = await self._once(f"GET {self._end}\r\n")
        return (status, content) == (200, self._data)

    async def head(self) -> bool:
        status, _, _ = await self._once(f"HEAD {self._end}\r\n")
        return status == 200

    async def first_octets(self) -> bool:
        connection = self._open.pop() if self._open else await _Connection.open(self._address)
        try:
            request = f"GET {self._end}Range: bytes=0-{_SMALL - 1}\r\n\r\n"
            status, content, is_last = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if is_last:
            connection.close()
        else:
            self._open.append(connection)
        return (status, content) == (206, self._data[:_SMALL])

    def close(self) -> None:
        for each in self._open:
            each.close()

    async def _once(self, request: str) -> tuple[int, bytes, bool]:
        connection = await _Connection.open(self._address)
        try:
            return await connection.ask(request)
        finally:
            connection.close()
