"""Crowds that hold connections or drop them: still serving, and nothing leaks."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from proxy.sandbox.server import Sandbox
from tests.process import Process, installed, served
from tests.running import by_id, running
from tests.waiting import until

FILM = "strada-sl-film"


@dataclass(frozen=True, slots=True)
class Besieged:
    """A connector in a process of its own, and one of its contents."""

    thron: Sandbox
    process: Process
    host: str
    port: int
    content_id: str

    @property
    def url(self) -> str:
        """Of the content."""
        return f"http://{self.host}:{self.port}/files/{self.content_id}"

    async def connect(
        self, *, receive_octets: int | None = None, source: str | None = None
    ) -> socket.socket:
        """Open a connection, with a small window or from an address of its own if asked."""
        sock = socket.socket()
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        if receive_octets is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_octets)
        if source is not None:
            sock.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(sock, (self.host, self.port))
        return sock

    async def ask(self, sock: socket.socket) -> None:
        """Ask for the content on a connection, which ends with the answer.

        On a busy machine that is a short error now and then: who reads twice would wait for the
        end of an idle connection, 75 seconds.
        """
        request = f"GET /files/{self.content_id} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        await asyncio.get_running_loop().sock_sendall(sock, request.encode())

    async def still_serves(self) -> None:
        """Hold that the content comes whole, and that the log tells no bug."""
        async with aiohttp.ClientSession() as http, http.get(self.url) as answer:
            assert await answer.read() == self.thron.tenant.bytes_of(self.content_id)
        assert "Traceback" not in self.process.output

    async def ended(self, downloads: int) -> None:
        """Wait until so many downloads have been recorded since the first."""
        await asyncio.to_thread(self.process.event, "download", nth=downloads)


@pytest.fixture
async def besieged(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Besieged]:
    environ = await installed(thron, tmp_path, by_id(thron)) | {"TDC_LOG_LEVEL": "info"}
    async with served(environ) as (process, public, _):
        host, _, port = public.rpartition(":")
        yield Besieged(thron, process, host, int(port), thron.tenant.find(FILM).id)


async def _idle(besieged: Besieged, crowd: int) -> None:
    await besieged.still_serves()
    before = besieged.process.descriptors(), besieged.process.resident_kib()
    held = before
    crowded: list[socket.socket] = []

    async def is_there() -> bool:  # those of which nothing came for 15 seconds have been let go
        nonlocal held
        while crowded:
            crowded.pop().close()
        for number in range(crowd):
            sock = await besieged.connect()
            crowded.append(sock)
            if number % 2:  # every other one begins a request, and leaves it at that
                await asyncio.get_running_loop().sock_sendall(sock, b"GET /files/x HTTP/1.1\r\nX: ")
        await besieged.still_serves()
        held = besieged.process.descriptors(), besieged.process.resident_kib()
        return held[0] >= crowd

    try:
        await until(is_there)
    finally:
        for sock in crowded:
            sock.close()
    await _settled(besieged, before[0])
    after = besieged.process.descriptors(), besieged.process.resident_kib()
    print(f"{crowd} idle: descriptors, KiB before {before}, with them {held}, after {after}")
    assert held[1] - before[1] < 40 * crowd + 20_000, "KiB for each idle connection"


async def _settled(besieged: Besieged, descriptors: int) -> None:
    """Wait until the connections of a crowd that has left are closed, and hold that they are."""
    probe = f"http://{besieged.host}:{besieged.port}/-/livez"
    async with aiohttp.ClientSession() as http:
        while besieged.process.descriptors() > descriptors + 4:
            async with http.get(probe) as answer:
                assert answer.status == 200
    await besieged.still_serves()


async def test_idle_connections(besieged: Besieged) -> None:
    """Connections that ask nothing, or never finish asking, keep no one from being served."""
    await _idle(besieged, 500)


@pytest.mark.soak
async def test_many_idle_connections(besieged: Besieged) -> None:
    """The same with 5,000."""
    await _idle(besieged, 5000)


async def _aborted(besieged: Besieged, times: int, *, at_once: int) -> int:
    """Let a crowd ask and leave; return the resident memory that is left, in KiB."""
    await besieged.still_serves()
    before = besieged.process.descriptors(), besieged.process.resident_kib()
    gate = asyncio.Semaphore(at_once)

    async def abort(number: int) -> None:
        async with gate:
            sock = await besieged.connect(receive_octets=4096)
            with contextlib.closing(sock):
                await besieged.ask(sock)
                # Some leave before the answer, some at its first octets, some within it.
                for _ in range(number % 3):
                    await asyncio.get_running_loop().sock_recv(sock, 4096)

    await asyncio.gather(*(abort(number) for number in range(times)))
    await _settled(besieged, before[0] + at_once)  # connections to origins are kept for a while
    after = besieged.process.descriptors(), besieged.process.resident_kib()
    print(f"{times} aborted: descriptors, KiB before {before}, after {after}")
    return after[1]


async def test_aborted_downloads(besieged: Besieged) -> None:
    """Clients that leave take their upstream connections, tasks and memory with them."""
    high_water = await _aborted(besieged, 100, at_once=50)
    assert await _aborted(besieged, 200, at_once=50) - high_water < 20_000


@pytest.mark.soak
async def test_many_aborted_downloads(besieged: Besieged) -> None:
    """The same 1,000 times, 200 at once, five times over: the figures stay where they were."""
    high_water = await _aborted(besieged, 1000, at_once=200)
    for _ in range(4):
        assert await _aborted(besieged, 1000, at_once=200) - high_water < 30_000


async def test_slow_readers(besieged: Besieged) -> None:
    """Clients that ask and do not read cost little memory each, and hold no one up."""
    await besieged.still_serves()
    before = besieged.process.resident_kib()
    readers = [await besieged.connect(receive_octets=4096) for _ in range(100)]
    try:
        for sock in readers:
            await besieged.ask(sock)
        await besieged.still_serves()
        held = besieged.process.resident_kib() - before
    finally:
        for sock in readers:
            sock.close()
    print(f"100 slow readers: {held} KiB")
    # 256 KiB of ours for each, as much again for what Python keeps of freed memory, and as for
    # the idle ones what a crowd costs the process once. The whole contents would be 120,000.
    assert held < 100 * 512 + 20_000
    await besieged.still_serves()


async def test_tasks_end_with_their_requests(thron: Sandbox, tmp_path: Path) -> None:
    """After a crowd that left in the middle no task of a request lives on."""
    async with running(thron, tmp_path, by_id(thron)) as whole:
        path = whole.url(f"/files/{thron.tenant.find(FILM).id}")
        await whole.get(path.raw_path)
        before = _kinds()

        async def abort() -> None:
            async with whole.http.get(path) as answer:
                await answer.content.readany()
                answer.close()

        await asyncio.gather(*(abort() for _ in range(50)))
        await whole.gateway.admission.drained(at_most_s=60)

        async def have_ended() -> bool:
            return _kinds() - before <= {"RequestHandler.start"}

        await until(have_ended)


def _kinds() -> set[str]:
    """Return what the running tasks do."""
    coroutines = (task.get_coro() for task in asyncio.all_tasks())
    return {getattr(coroutine, "__qualname__", "") for coroutine in coroutines}


@pytest.mark.soak
async def test_unfinished_header_section_is_closed(besieged: Besieged) -> None:
    """The running connector lets an unfinished request go after its 15 seconds."""
    sock = await besieged.connect()
    with contextlib.closing(sock):
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(sock, b"GET /files/x HTTP/1.1\r\nHost: a\r\nX: ")
        assert await loop.sock_recv(sock, 1) == b""
    await besieged.still_serves()
