"""``worker``: one process of a supervisor's, which starts it (proxy/workers.py); not for people."""

import asyncio
import os
import signal
import socket
from contextlib import AsyncExitStack

import click
import structlog

from proxy.cli import importing
from proxy.commands.running import keep_what_start_made, runs, tell_set_up
from proxy.server.assignment import CONSOLE, Assignment, worker_name
from proxy.server.control_channel import ControlChannel, Message
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
    stop = asyncio.Event()
    task = asyncio.current_task()

    def obey(message: Message, descriptors: list[int]) -> None:
        match message["order"]:
            case "drain":
                stop.set()
            case "end" if task is not None:
                task.cancel()
            case "peer":  # only who is ready gets to know others
                introduce(message["number"], socket.socket(fileno=descriptors[0]))

    channel.listen(obey, ended=stop.set)
    # A service manager or a container may signal all processes at once, and the supervisor passes
    # its signal on: whichever comes, and however often, it is one and the same order to drain.
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)

    # Each kind of process does without the megabytes of what the other imports.
    async with AsyncExitStack() as stack:
        if assignment.number == CONSOLE:
            with importing():
                from proxy.app.console_process import open_console_process  # noqa: PLC0415
            process = await stack.enter_async_context(open_console_process(assignment, os.environ))
            introduce = process.introduce
            if (link := process.console.set_up_url()) is not None:
                await tell_set_up(link)
        else:
            with importing():
                from proxy.app.delivery_process import open_delivery_process  # noqa: PLC0415
            introduce = await stack.enter_async_context(
                open_delivery_process(assignment, os.environ)
            )
        keep_what_start_made()
        channel.send({"order": "ready"})
        await stop.wait()
    return 0
