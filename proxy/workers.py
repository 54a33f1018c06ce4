"""``serve`` with TDC_WORKERS: a supervisor of one console process and N delivery processes.

1. Each is a fresh interpreter that inherits the listening sockets, so that connections wait in one
   queue for whichever process is free, and none is lost when one of them ends.
2. The console's process starts first: it brings the database up to date, and what cannot be is
   told once. An error at the start ends all, with its exit status.
3. A process that ends without having been told to is replaced, after a wait that grows.
4. The first signal lets all of them drain, as one process does; the second one ends them. They
   drain by themselves when the supervisor ends, however it does: its end of their control channels
   closes.

Process managers do a part of that. gunicorn's arbiter forks processes of one kind and knows no
readiness of theirs, circus needs ZeroMQ and a daemon of its own, supervisord hands on no listening
sockets but FastCGI's; none has one process of another kind beside the others, hands settings on so
that all have the same, or gives its sockets to its successor.
"""

import asyncio
import socket
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from proxy.backoff import Backoff
from proxy.server.assignment import CONSOLE, Assignment, worker_name
from proxy.server.control_channel import ControlChannel, Message
from proxy.server.listeners import Sockets, bind_all
from proxy.server.shared_counts import SharedMemory
from proxy.settings import Settings

log = structlog.get_logger("proxy.workers")

_BACKOFF = Backoff(0.2, longest_s=10)
# Whoever has run for so long did not end because of how it started.
_LASTED_S = 30.0
# Starts in a row that failed by a configuration error: where nobody serves any more, it is told by
# the exit status.
_HOPELESS = 5
_CONFIGURATION_ERROR = 2
# For a process that has been told to end at once.
_END_S = 5.0
# Beyond the time that downloads have to finish: a process that hangs must not keep the others.
_DRAIN_MORE_S = 30.0


@dataclass(slots=True, eq=False)
class _Child:
    """A process that runs."""

    process: asyncio.subprocess.Process
    channel: ControlChannel
    is_ready: bool = False


async def supervise(
    settings: Settings,
    *,
    stop: asyncio.Event,
    lame_duck_s: Callable[[], float],
    ready: Callable[[], None],
) -> int:
    """Run the connector in several processes, and return its exit status.

    Args:
        settings: Loaded.
        stop: Set to let them drain; the calling task is cancelled to end them at once.
        lame_duck_s: For how long connections are still taken after that.
        ready: Is called once all of them serve.

    Raises:
        ConfigurationError: An address is taken.
    """
    async with AsyncExitStack() as stack:
        sockets, settings = bind_all(stack, settings)
        return await Supervisor(settings, sockets, stop, lame_duck_s, ready).run()


class Supervisor:
    """Starts the processes, and replaces them."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sockets,
        stop: asyncio.Event,
        lame_duck_s: Callable[[], float],
        ready: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._lame_duck_s = lame_duck_s
        self._ready = ready
        public = [sock for sock, _ in sockets.public]
        self._public = dict(zip(("listen", "tls_listen"), public, strict=False))
        self._admin = {"admin_listen": sockets.admin}
        if sockets.metrics is not None:
            self._admin["metrics_listen"] = sockets.metrics
        self._memory = SharedMemory.make(processes=settings.workers)
        self._stop = stop
        self._children: dict[int, _Child] = {}
        # For those too that are being started meanwhile.
        self._orders: list[Message] = []
        # Who has been ready once, or will never be.
        self._started: dict[int, asyncio.Event] = {}
        self._is_started = False
        self._status = 0

    async def run(self) -> int:
        """Keep the processes running until told to stop, and return the exit status of all."""
        keeping: list[asyncio.Task[None]] = []
        try:
            keeping.append(self._begin(CONSOLE))
            await self._started[CONSOLE].wait()
            delivery = range(CONSOLE + 1, CONSOLE + 1 + self._settings.workers)
            keeping += map(self._begin, delivery)
            await asyncio.gather(*(self._started[number].wait() for number in delivery))
            self._is_started = True
            if not self._stop.is_set():
                self._ready()
            await self._stop.wait()
            lame_duck_s = 0 if self._status else self._lame_duck_s()
            self._tell({"order": "drain", "lame_duck_s": lame_duck_s})
            # Once none of the processes accepts, nobody is to wait in a queue that nobody empties.
            for sock in (*self._public.values(), *self._admin.values()):
                sock.close()
            longest_s = lame_duck_s + self._settings.drain_s + _DRAIN_MORE_S
            await asyncio.wait(keeping, timeout=longest_s)
        finally:  # a second signal cancels what waits above
            self._tell({"order": "end"})
            await asyncio.wait(keeping, timeout=_END_S)
            for number, child in self._children.items():
                log.warning("process killed", process=worker_name(number))
                child.process.kill()
            await asyncio.gather(*keeping)
        return self._status

    def _tell(self, order: Message) -> None:
        self._orders.append(order)
        for child in self._children.values():
            child.channel.send(order)

    def _begin(self, number: int) -> asyncio.Task[None]:
        self._started[number] = asyncio.Event()
        return asyncio.create_task(self._keep(number), name=worker_name(number))

    async def _keep(self, number: int) -> None:
        """Run a process, and run it again when it ends, until told to stop."""
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            status = await self._run(number)
            if self._stop.is_set():
                # Of a process that a signal ended it is negative.
                self._status = max(self._status, abs(status) and 1)
                break
            failures = 1 if time.monotonic() - began >= _LASTED_S else failures + 1
            if self._is_hopeless(status, failures):
                self._status = status
                self._stop.set()
                break
            wait_s = _BACKOFF.wait_s(failures, jitter=1)
            log.error(
                "process ended",
                process=worker_name(number),
                status=status,
                again_in_s=round(wait_s, 1),
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stop.wait()
        self._started[number].set()

    def _introduce(self, number: int) -> None:
        """Give the console's process a way to each delivery process, now that one is ready."""
        console = self._children.get(CONSOLE)
        if console is None or not console.is_ready:
            return
        for each, child in self._children.items():
            if each == CONSOLE or not child.is_ready or number not in {CONSOLE, each}:
                continue
            ends = socket.socketpair()
            for process, end in zip((console, child), ends, strict=True):
                with end:
                    process.channel.send({"order": "peer", "number": each}, [end.fileno()])

    def _is_hopeless(self, status: int, failures: int) -> bool:
        """Tell whether what a process could not start for concerns the whole; it has said what."""
        if not self._is_started:
            return status > 0
        serves = any(child.is_ready for number, child in self._children.items() if number)
        return status == _CONFIGURATION_ERROR and failures >= _HOPELESS and not serves

    async def _run(self, number: int) -> int:
        """Run a process once, and return its exit status; negative for the signal that ended it."""
        channel, theirs = ControlChannel.pair()
        sockets = self._admin if number == CONSOLE else self._public
        channel.send(*Assignment(number, self._settings, self._memory.descriptor, sockets).message)
        control = theirs.fileno()
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *_python(),
                    *("-m", "proxy", "worker", "--control", str(control)),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(control,),
                    # A terminal signals the whole group: the supervisor passes on what it gets.
                    process_group=0,
                )
        except OSError as exc:  # no memory, or too many processes
            log.error("process not started", process=worker_name(number), reason=exc.strerror)  # noqa: TRY400 - no bug
            channel.close()
            return 1
        child = self._children[number] = _Child(process, channel)

        def heard(_message: Message, _descriptors: list[int]) -> None:
            child.is_ready = True
            self._introduce(number)
            self._started[number].set()
            log.info("process ready", process=worker_name(number), pid=process.pid)

        channel.listen(heard)
        for order in self._orders:
            channel.send(order)
        try:
            return await process.wait()
        finally:
            channel.close()
            del self._children[number]
            if number != CONSOLE:
                self._memory.clear(number - 1)


def _python() -> list[str]:
    """Return the words that start this interpreter with the modules that this one imports."""
    # Started as a module, this process has its working directory among the places of modules. As
    # an installed command it has not: what lies about there is then not to be imported either.
    is_module = str(Path.cwd()) in sys.path
    return [sys.executable] if is_module else [sys.executable, "-P"]
