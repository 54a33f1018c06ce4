"""Clients of a steady rate notice what goes wrong."""

import asyncio
from contextlib import suppress

import pytest

from tests.steady_load import steady_load
from tests.waiting import until

DATA = b"d" * 1000
_ANSWERS = {
    b"GET": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + DATA,
    b"HEAD": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    b"Range": b"HTTP/1.1 206 Partial Content\r\nContent-Length: 100\r\n\r\n" + DATA[:100],
}


@pytest.mark.parametrize(
    ("changed", "kinds"),
    [
        pytest.param({}, set(), id="all right"),
        pytest.param({b"HEAD": b"HTTP/1.1 503 Busy\r\n\r\n"}, {"wrong"}, id="a status"),
        pytest.param({b"Range": _ANSWERS[b"Range"][:-1] + b"x"}, {"wrong"}, id="an octet"),
        pytest.param({b"GET": _ANSWERS[b"GET"][:-1]}, {"cut"}, id="one octet less"),
        pytest.param({b"Range": b""}, {"cut"}, id="no answer"),
    ],
)
async def test_what_goes_wrong(changed: dict[bytes, bytes], kinds: set[str]) -> None:
    """Each kind of failure is counted as what it is."""
    answers = _ANSWERS | changed

    running = set[asyncio.Task[None] | None]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError):  # the client leaves
            while True:
                request = await reader.readuntil(b"\r\n\r\n")
                writer.write(answers[b"Range" if b"Range" in request else request.split()[0]])
                await writer.drain()
                if "cut" in kinds:
                    break
        writer.close()
        running.discard(asyncio.current_task())

    async def all_have_left() -> bool:
        return not running

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, steady_load(f"{host}:{port}", "/", DATA, downloads=2, per_s=200) as load:

        async def has_asked() -> bool:
            return load.asked >= 8

        await until(has_asked)
    await until(all_have_left)
    assert set(load.failures) == kinds
    assert load.downloads == (0 if b"GET" in changed else 2)


async def test_a_closed_port() -> None:
    """A connection that is refused is told apart."""
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    server.close()
    await server.wait_closed()
    async with steady_load(f"{host}:{port}", "/", DATA, downloads=1, per_s=200) as load:

        async def has_asked() -> bool:
            return load.asked >= 4

        await until(has_asked)
    assert set(load.failures) == {"refused"}
