"""Whoever is killed in the middle of a hand-over, the other one serves, and the next one works."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.server.channel import Channel
from proxy.server.handover import handover_path
from proxy.settings import Listen
from tests.bench.process_tree import children
from tests.commands.cli import Cli
from tests.commands.test_reload import at, event, is_answered, status_of
from tests.process import Process, beside, run, served
from tests.waiting import until

# Of the conversation of a hand-over, in its order.
STEPS = ("connected", "asked", "given", "ready", "told to go", "accepts")
_ROUNDS = 20


def unix_socket(state: Path, public: str) -> Path:
    """Return where the hand-over of a public address is talked about."""
    host, _, port = public.rpartition(":")
    return handover_path(state, Listen(host=host, port=int(port)))


@asynccontextmanager
async def stopping(cli: Cli) -> AsyncIterator[tuple[Process, str, str]]:
    """Run one that stops, and gives its sockets to whoever asks."""
    environ = {**cli.environ, "TDC_LAME_DUCK_S": "3600"}
    async with served(environ) as (process, public, admin):
        process.tell(signal.SIGTERM)

        async def is_lame() -> bool:
            return await is_answered(public, "/-/readyz") == 503

        await until(is_lame)
        yield process, public, admin


async def test_successors_are_killed(cli: Cli) -> None:
    """The process before them serves on, holds nothing of them, and the next one takes over."""
    async with stopping(cli) as (old, public, admin), AsyncExitStack() as stack:
        before = old.descriptors()
        for step in STEPS[:-1]:
            for _ in range(_ROUNDS):
                await _take_over(unix_socket(cli.state, public), until_step=step)
            assert await is_answered(public, "/-/livez") == 200

            async def holds_nothing() -> bool:  # but what it has opened for itself meanwhile
                return old.descriptors() < before + _ROUNDS

            await until(holds_nothing)
        await _is_followed(old, public, admin, cli, stack)
        assert (await run("reload", environ=at(cli, public, admin)))[0] == 0


async def test_a_successor_is_killed_once_it_accepts(cli: Cli) -> None:
    """The sockets were its own by then, and nobody serves until the next one starts."""
    async with stopping(cli) as (old, public, admin), AsyncExitStack() as stack:
        await _take_over(unix_socket(cli.state, public), until_step="accepts")
        assert await status_of(old) == 0
        await _is_followed(old, public, admin, cli, stack)


async def _is_followed(
    old: Process, public: str, admin: str, cli: Cli, stack: AsyncExitStack
) -> None:
    """Start the next one, which takes over."""
    new = await stack.enter_async_context(beside("serve", environ=at(cli, public, admin)))
    await event(new, "listening")
    assert await status_of(old) == 0
    assert await is_answered(public, "/-/readyz") == 200


async def _take_over(path: Path, *, until_step: str) -> None:
    """Take sockets up to a step, and end as a killed process does: the kernel closes its end."""

    async def is_taken() -> bool:
        channel = await Channel.connect(path)
        try:
            await _talk(channel, STEPS.index(until_step))
        except OSError:  # busy with those before, of whom it hears a few at once
            return False
        finally:
            channel.close()
        return True

    await until(is_taken)


async def _talk(channel: Channel, reached: int) -> None:
    if reached >= STEPS.index("asked"):
        await channel.send({"do": "take"})
    if reached >= STEPS.index("given"):
        assert (await channel.receive())["sockets"] == ["listen", "admin_listen"]
    if reached >= STEPS.index("ready"):
        await channel.send({"ready": []})
    if reached >= STEPS.index("told to go"):
        assert await channel.receive() == {"go": True}
    if reached >= STEPS.index("accepts"):
        await channel.send({"accepts": True})
        with suppress(OSError):  # it says no more
            await channel.receive()


@pytest.mark.parametrize("step", STEPS)
async def test_a_predecessor_is_killed(cli: Cli, step: str) -> None:
    """The process after it serves, with sockets that it was given or with its own."""
    async with AsyncExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2)]
        public, admin = (f"127.0.0.1:{sock.getsockname()[1]}" for sock in sockets)
        killed = stack.enter_context(socket.socket(socket.AF_UNIX))
        killed.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        short = Path(stack.enter_context(TemporaryDirectory())) / "socket"  # as its address must be
        killed.bind(str(short))
        unix_socket(cli.state, public).symlink_to(short)
        killed.listen()
        new = await stack.enter_async_context(beside("serve", environ=at(cli, public, admin)))
        sock, _ = await asyncio.get_running_loop().sock_accept(killed)
        await _hand_over(Channel(sock), sockets, until_step=step)
        await event(new, "listening")
        assert await is_answered(public, "/-/livez") == 200
        if step in {STEPS[0], STEPS[-1]}:  # with sockets of its own, and with given ones
            assert (await run("reload", environ=at(cli, public, admin)))[0] == 0
        new.tell(signal.SIGTERM)
        assert await status_of(new) == 0


async def _hand_over(
    channel: Channel, sockets: Sequence[socket.socket], *, until_step: str
) -> None:
    """Hand sockets over up to a step, and end as a killed process does."""
    reached = STEPS.index(until_step)
    if reached >= STEPS.index("asked"):
        assert await channel.receive() == {"do": "take"}
    if reached >= STEPS.index("given"):
        numbers = [each.fileno() for each in sockets]
        await channel.send({"sockets": ["listen", "admin_listen"]}, numbers)
    if reached >= STEPS.index("ready"):
        while "ready" not in await channel.receive():
            pass  # a heartbeat
    if reached >= STEPS.index("told to go"):
        await channel.send({"go": True})
    if reached >= STEPS.index("accepts"):
        assert await channel.receive() == {"accepts": True}
    for sock in sockets:
        sock.close()
    channel.close()


async def test_killed_at_any_time(cli: Cli) -> None:
    """A new process that is killed sooner or later refuses its reload, and leaves nothing."""
    async with served(cli.environ) as (process, public, admin):
        await event(process, "token.renewed")
        refused = 0
        for wait_s in (0, 0.1, 0.2, 0.4, 0.8):
            asked = asyncio.create_task(run("reload", environ=at(cli, public, admin)))

            async def is_started() -> bool:
                return bool(children(process.pid))

            await until(is_started)
            await asyncio.sleep(wait_s)
            if "handed over" in process.output:
                break  # it was fast: the process before has ended its work
            for pid in children(process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            status, output = await asked
            if status == 0:
                break  # it had just taken over
            refused += 1
            assert "the new process ended before it was ready" in output
            assert await is_answered(public, "/-/readyz") == 200

            async def is_alone() -> bool:
                return not children(process.pid)

            await until(is_alone)
        else:
            assert (await run("reload", environ=at(cli, public, admin)))[0] == 0
        assert refused
