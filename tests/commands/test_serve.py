"""The connector as a process: its ports, and how signals end it."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
import pytest

from tests.commands.cli import FILM, Cli, document, ran, started


@dataclass(frozen=True, slots=True)
class Serving:
    """A connector that runs as a process of its own."""

    process: asyncio.subprocess.Process
    url: str

    async def event(self, name: str) -> dict[str, Any]:
        """Return the next event of a name in the log."""
        return await _event(self.process, name)

    async def end(self) -> tuple[int, str]:
        """Wait for the end, and return the exit status and the rest of the log."""
        _, err = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


async def _event(process: asyncio.subprocess.Process, name: str) -> dict[str, Any]:
    assert process.stderr is not None
    async for line in process.stderr:
        if not line.startswith(b"{"):
            continue  # a word to the operator
        found: dict[str, Any] = orjson.loads(line)
        if found["event"] == name:
            return found
    raise EOFError(name)


@asynccontextmanager
async def serving(cli: Cli, **environ: str) -> AsyncIterator[Serving]:
    usual = {
        "TDC_LISTEN": "127.0.0.1:0",
        "TDC_ADMIN_LISTEN": "127.0.0.1:0",
        "TDC_LAME_DUCK_S": "0",
    }
    async with started(["serve"], {**cli.environ, **usual, **environ}) as process:
        listening = await _event(process, "listening")
        yield Serving(process, f"http://{listening['public']}")


async def test_a_taken_port(cli: Cli) -> None:
    """A port that is taken is named with its setting, by serve and by sandbox."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = await ran("serve", {**cli.environ, "TDC_LISTEN": f"127.0.0.1:{port}"})
        assert (outcome.status, outcome.err.count("Traceback")) == (2, 0)
        assert f"TDC_LISTEN: 127.0.0.1:{port}: another program listens there" in outcome.err
        outcome = await ran(f"sandbox --port {port}", cli.environ)
        assert (outcome.status, outcome.err.count("Traceback")) == (2, 0)
        assert "--port: " in outcome.err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_serve_ends_at_once_when_idle(cli: Cli, number: signal.Signals) -> None:
    """Without downloads the first signal ends it, with status 0."""
    async with serving(cli) as running:
        running.process.send_signal(number)
        status, log = await running.end()
        assert status == 0
        assert "downloads cut" not in log


async def test_a_log_that_nobody_reads(cli: Cli) -> None:
    """What reads the log may hang: every request is answered, and a signal ends the process."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with serving(cli) as running:  # no line is read from here on
        async with aiohttp.ClientSession() as http:
            for _ in range(1500):  # some 300 octets each: more than the pipe and its reader hold
                async with http.get(f"{running.url}/nothing") as answer:
                    assert answer.status == 404
        running.process.send_signal(signal.SIGTERM)
        assert (await running.end())[0] == 0


@asynccontextmanager
async def half_done(cli: Cli, running: Serving) -> AsyncIterator[aiohttp.StreamReader]:
    """Hold a download that stands still in its middle."""
    film = cli.thron.tenant.find(FILM).id
    cli.thron.faults.stall_after(200_000, where="source")
    async with aiohttp.ClientSession() as http, http.get(f"{running.url}/files/{film}") as answer:
        assert answer.status == 200
        await answer.content.readexactly(100_000)
        yield answer.content


async def test_serve_lets_downloads_finish(cli: Cli) -> None:
    """After the first signal no connection is taken, and what runs is finished: status 0."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    data = cli.thron.tenant.bytes_of(cli.thron.tenant.find(FILM).id)
    async with serving(cli) as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("draining"))["downloads"] == 1
        host, port = running.url.removeprefix("http://").split(":")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(host, int(port))
        cli.thron.faults.release()
        assert await content.read() == data[100_000:]
        status, log = await running.end()
        assert status == 0
        assert "downloads cut" not in log


async def test_a_second_signal_ends_serve_at_once(cli: Cli) -> None:
    """A second signal cuts what runs, and says how much that was: status 1."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with serving(cli) as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        await running.event("draining")
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("downloads cut"))["downloads"] == 1
        with pytest.raises(aiohttp.ClientError):
            await content.read()
        status, log = await running.end()
        assert (status, log.count("Traceback")) == (1, 0)


async def test_serve_cuts_what_does_not_end(cli: Cli) -> None:
    """What still runs after TDC_DRAIN_S is cut and told."""
    await cli.apply(document(cli.thron, "files"), "--yes")
    async with serving(cli, TDC_DRAIN_S="0.05") as running, half_done(cli, running) as content:
        running.process.send_signal(signal.SIGTERM)
        assert (await running.event("downloads cut"))["downloads"] == 1
        with pytest.raises(aiohttp.ClientError):
            await content.read()
        status, log = await running.end()
        assert (status, log.count("Traceback")) == (0, 0)


async def test_serve_without_credentials(cli: Cli) -> None:
    """In the set-up state it runs, and answers that it is not set up."""
    nothing = dict.fromkeys(("TDC_CLIENT_ID", "TDC_APP_ID", "TDC_APP_KEY"), "")
    async with (
        serving(cli, **nothing) as running,
        aiohttp.ClientSession() as http,
        http.get(f"{running.url}/files/x") as answer,
    ):
        assert answer.status == 503
        assert "has not been set up yet" in await answer.text()
