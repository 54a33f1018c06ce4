"""``worker``: one process of a supervisor's, which starts it (proxy/workers.py); not for people."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack
from functools import partial

import click
import structlog

from proxy.cli import importing
from proxy.commands.running import keep_what_start_made, runs, tell_set_up
from proxy.server.assignment import CONSOLE, Assignment, Serving, worker_name
from proxy.server.control_channel import ControlChannel, Message
from proxy.settings import Settings
from proxy.telemetry import log


@click.command(hidden=True)
@click.option("--control", type=int, required=True, help="Descriptor of the control channel.")
@runs
async def worker(control: int) -> int:
    """Serve what the supervisor assigns, until it says so or ends."""
    channel = ControlChannel(socket.socket(fileno=control))
    received = channel.receive()
    if received is None:  # it has ended already
        return 0
    assignment = Assignment.of(*received)
    log.configure(assignment.settings.log_level)
    structlog.contextvars.bind_contextvars(process=worker_name(assignment.number))
    orders = _Orders(channel, assignment.settings)

    # Each kind of process does without the megabytes of what the other imports.
    async with AsyncExitStack() as stack:
        if assignment.number == CONSOLE:
            with importing():
                from proxy.app.console_process import open_console_process  # noqa: PLC0415
            orders.serving = console = await stack.enter_async_context(
                open_console_process(assignment, os.environ)
            )
            if (link := console.console.set_up_url()) is not None:
                await tell_set_up(link)
        else:
            with importing():
                from proxy.app.delivery_process import open_delivery_process  # noqa: PLC0415
            orders.serving = await stack.enter_async_context(
                open_delivery_process(assignment, os.environ)
            )
        keep_what_start_made()
        channel.send({"order": "ready"})
        lame_duck_s = await orders.drain
        orders.serving.end_soon()
        await asyncio.sleep(lame_duck_s)
    return 0


class _Orders:
    """What this process is told, by the supervisor or by a signal.

    A service manager or a container may signal all processes at once, and the supervisor passes its
    signal on: whichever comes first, and however often, it is one and the same order to drain.

    Attributes:
        drain: Has for how long connections are still taken, once this process is to end.
        serving: What this process serves, once it does.
    """

    def __init__(self, channel: ControlChannel, settings: Settings) -> None:
        loop = asyncio.get_running_loop()
        self.drain: asyncio.Future[float] = loop.create_future()
        self.serving: Serving | None = None
        self._task = asyncio.current_task()
        # Without a supervisor the addresses are to be free at once for the next one.
        channel.listen(self._obey, ended=partial(self._drain, 0))
        loop.add_signal_handler(signal.SIGINT, self._drain, 0)
        loop.add_signal_handler(signal.SIGTERM, self._drain, settings.lame_duck_s)

    def _drain(self, lame_duck_s: float) -> None:
        if not self.drain.done():
            self.drain.set_result(lame_duck_s)

    def _obey(self, message: Message, descriptors: list[int]) -> None:
        match message["order"]:
            case "drain":
                self._drain(message["lame_duck_s"])
            case "end":
                if self.serving is not None:
                    self.serving.end_now()
                if self._task is not None:
                    self._task.cancel()
            case "peer" if self.serving is not None:
                self.serving.introduce(message["number"], socket.socket(fileno=descriptors[0]))
