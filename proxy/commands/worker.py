"""``worker``: one process of a supervisor's, which starts it (proxy/workers.py); not for people."""

import asyncio
import os
import signal
import socket
from contextlib import AbstractAsyncContextManager

import click
import structlog

from proxy.cli import importing
from proxy.commands.running import keep_what_start_made, runs, tell_set_up
from proxy.errors import ConfigurationError, GatewayError
from proxy.hints import with_hint
from proxy.server.assignment import CONSOLE, Assignment, Serving, worker_name
from proxy.server.channel import Channel, Message
from proxy.server.heartbeat import HEARTBEAT, Progress, beat
from proxy.settings import Settings
from proxy.telemetry import log

# Between two looks at whether this process could answer.
_LOOK_EVERY_S = 0.1
_CONFIGURATION_ERROR = 2


@click.command(hidden=True)
@click.option("--control", type=int, required=True, help="Descriptor of the control channel.")
@runs
async def worker(control: int) -> int:
    """Serve what the supervisor assigns, until it says so or ends."""
    # A service manager's, for all processes: what it means the supervisor says.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    channel = Channel(socket.socket(fileno=control))
    channel.post(HEARTBEAT)  # the interpreter runs
    try:
        try:
            assignment = await Assignment.receive(channel)
        except ConnectionError:  # the supervisor has ended already
            return 0
        log.configure(assignment.settings.log_level)
        structlog.contextvars.bind_contextvars(process=worker_name(assignment.number))
        progress = Progress()
        beating = asyncio.create_task(beat(channel, progress), name="heartbeat")
        async with _opened(assignment, channel, progress) as serving:
            keep_what_start_made()
            orders = _Orders(channel, serving, assignment.settings, progress)
            await orders.drain.wait()
        beating.cancel()
    except ConfigurationError as exc:
        channel.post({"failed": exc.problems})
        return _CONFIGURATION_ERROR
    except GatewayError as exc:
        channel.post({"failed": [with_hint(exc)]})
        return 1
    return 0


def _opened(
    assignment: Assignment, channel: Channel, progress: Progress
) -> AbstractAsyncContextManager[Serving]:
    # Each kind of process does without the megabytes of what the other imports.
    with importing():
        if assignment.number == CONSOLE:
            from proxy.app.console_process import open_console_process  # noqa: PLC0415

            channel.post(HEARTBEAT)  # to import stops the event loop, and its heartbeats
            return open_console_process(assignment, os.environ, progressed=progress.note)
        from proxy.app.delivery_process import open_delivery_process  # noqa: PLC0415

        channel.post(HEARTBEAT)
        return open_delivery_process(assignment, os.environ, progressed=progress.note)


class _Orders:
    """What this process is told, by the supervisor or by a signal; and what it tells.

    A service manager or a container may signal all processes at once, and the supervisor passes its
    signal on: whichever comes first, and however often, it is one and the same order to end.

    Attributes:
        drain: Set once no connection is to be taken any more.
    """

    def __init__(
        self, channel: Channel, serving: Serving, settings: Settings, progress: Progress
    ) -> None:
        self._channel = channel
        self._serving = serving
        self._progress = progress
        self._lame_duck_s = settings.lame_duck_s
        self._serves = asyncio.current_task()
        self.drain = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self.drain.set)
        loop.add_signal_handler(signal.SIGTERM, self._end_soon)
        # As long as this process: while it drains, it can still be told to end at once.
        self._tasks = [loop.create_task(each) for each in (self._tell(), self._obey())]

    def _end_soon(self) -> None:
        self._serving.end_soon()
        asyncio.get_running_loop().call_later(self._lame_duck_s, self.drain.set)

    async def _tell(self) -> None:
        """Tell whether this process could answer: at once, and whenever that changes."""
        told: Message = {}
        while True:
            serving = self._serving
            told, before = (
                {"not_ready": list(serving.not_ready()), "is_set_up": serving.is_set_up()},
                told,
            )
            if told != before:
                self._channel.post(told)
            self._progress.note()
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _obey(self) -> None:
        try:
            while True:
                await self._do(await self._channel.receive())
        except ConnectionError:
            pass  # the supervisor has ended: the addresses are to be free for the next one
        finally:
            self.drain.set()

    def _drain(self, *, is_handed_over: bool, for_all: bool) -> None:
        if is_handed_over:
            self._serving.handed_over.set()
        elif for_all:
            self._serving.close_listeners()
        self.drain.set()

    async def _do(self, message: Message) -> None:
        serving = self._serving
        match message:
            case {"order": "accept"}:
                serving.accept()
                if (link := serving.set_up_url()) is not None:
                    await tell_set_up(link)
            case {"order": "end_soon"}:
                serving.end_soon()
            case {"order": "drain", "is_handed_over": bool(is_handed_over), "for_all": for_all}:
                self._drain(is_handed_over=is_handed_over, for_all=for_all)
            case {"order": "end"}:
                serving.end_now()
                if self._serves is not None:
                    self._serves.cancel()
            case {"order": "peer", "number": int(number)}:
                serving.introduce(number, socket.socket(fileno=self._channel.descriptors.pop(0)))
            case {"order": "reloaded", "problems": [*problems]}:
                serving.reloaded(problems)
