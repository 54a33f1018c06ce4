"""``serve`` with TDC_WORKERS: a supervisor of one console process and N delivery processes.

1. Each is a fresh interpreter that inherits the listening sockets, so that connections wait in one
   queue for whichever process is free, and none is lost when one of them ends.
2. The console's process starts first: it brings the database up to date, and what cannot be is
   told once. What fails at the start is the failure of all.
3. A process that ends without having been told to is replaced, after a wait that grows; so is one
   that hangs, once it is killed.
4. To whoever starts and ends it the supervisor is like the one process of ``proxy/app/gateway.py``:
   so a successor of either kind follows a predecessor of either kind.
5. The processes drain by themselves when the supervisor ends, however it does: its end of their
   channels closes.

Process managers do a part of that. gunicorn's arbiter forks processes of one kind and knows no
readiness of theirs, circus needs ZeroMQ and a daemon of its own, supervisord hands on no listening
sockets but FastCGI's; none has one process of another kind beside the others, hands settings on so
that all have the same, or gives its sockets to its successor.
"""

import asyncio
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog

from proxy.backoff import Backoff
from proxy.errors import ConfigurationError, GatewayError
from proxy.server.assignment import CONSOLE, Assignment, worker_name
from proxy.server.channel import Channel, Message
from proxy.server.child_processes import ChildProcess, ChildProcesses
from proxy.server.heartbeat import heard
from proxy.server.listeners import Sockets, stop_listening
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
# Of a process between two messages: while it opens what it needs a step of that is to be done, and
# afterwards its event loop is to turn. On a machine with fifty times too much to do an interpreter
# takes half a minute to start, and as long to import what it needs.
_SILENT_S = 60.0
# For a process to close its listeners; one that hangs has them closed by the supervisor.
_CLOSE_S = 2.0
_INTRODUCE_AGAIN_S = 1.0
_PUBLIC = frozenset({"listen", "tls_listen"})
# For a process that has been told to end at once.
_END_S = 5.0
# Beyond the time that downloads have to finish: a process that hangs must not keep the others.
_DRAIN_MORE_S = 30.0


@dataclass(slots=True, eq=False)
class _Child:
    """A process that runs, and what it has told.

    Attributes:
        not_ready: Why nothing new should come to it; None until it has opened everything.
        is_set_up: Whether it has credentials.
        problems: Why it could not start, or was killed.
        hangs: Whether it was killed since it made no progress.
    """

    process: ChildProcess
    channel: Channel
    not_ready: Sequence[str] | None = None
    is_set_up: bool = False
    problems: Sequence[str] = ()
    hangs: bool = False


class Supervisor:
    """Starts the processes, replaces them, and tells all of them what it is told."""

    def __init__(
        self,
        settings: Settings,
        sockets: Sockets,
        processes: ChildProcesses,
        *,
        failed: Callable[[int], None],
        progressed: Callable[[], None] | None,
        silent_s: float,
    ) -> None:
        self._settings = settings
        self._sockets = sockets
        self._processes = processes
        self._failed = failed
        self._progressed = progressed
        self._silent_s = silent_s
        self._memory = SharedMemory.make(processes=settings.workers)
        self._children: dict[int, _Child] = {}
        # For those too that are started later.
        self._orders: list[Message] = []
        # Who has been ready once, or will never be.
        self._started: dict[int, asyncio.Event] = {}
        self._keeping: list[asyncio.Task[None]] = []
        self._start_failure: ConfigurationError | GatewayError | None = None
        self._is_started = False
        self._stop = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        settings: Settings,
        *,
        sockets: Sockets,
        processes: ChildProcesses,
        failed: Callable[[int], None],
        progressed: Callable[[], None] | None = None,
        silent_s: float = _SILENT_S,
    ) -> AsyncIterator[Self]:
        """Run the processes until the end of the block; then let downloads finish (TDC_DRAIN_S).

        Args:
            settings: Loaded; the ports are those that were bound.
            sockets: On which no connection is accepted before ``accept``.
            processes: Starts them.
            failed: Is told an exit status, once nobody serves any more, or one fails at the end.
            progressed: Is called as they get on with their start.
            silent_s: After so long without progress one is killed, and replaced.

        Raises:
            ConfigurationError: One of the processes could not start because of the settings.
            GatewayError: It could not for another reason.
        """
        self = cls(
            settings,
            sockets,
            processes,
            failed=failed,
            progressed=progressed,
            silent_s=silent_s,
        )
        try:
            await self._start()
            yield self
            await self._drained()
        finally:  # a second signal may have cancelled what waits above
            await self._end()

    def not_ready(self) -> Sequence[str]:
        """Return why nothing can be answered: nothing if one process can."""
        told = [each.not_ready for each in self._delivering() if each.not_ready is not None]
        if any(not each for each in told):
            return []
        reasons = dict.fromkeys(reason for each in told for reason in each)
        return list(reasons) or ["no delivery process answers yet"]

    def is_set_up(self) -> bool:
        """Tell whether there are credentials."""
        return any(each.is_set_up for each in self._delivering())

    def accept(self) -> None:
        """Let them take connections from now on."""
        self._tell({"order": "accept"})

    def reloaded(self, problems: Sequence[str]) -> None:
        """Let the console show why a reload was refused, until one is not."""
        if (console := self._children.get(CONSOLE)) is not None:
            console.channel.post({"order": "reloaded", "problems": problems})

    def set_up_url(self) -> str | None:
        """Return none: the console's process tells it."""

    def end_soon(self) -> None:
        """Send new clients elsewhere, while their connections are still accepted."""
        self._tell({"order": "end_soon"})

    def close_listeners(self) -> None:
        """Let them take those that wait, unless a successor does, and no more."""
        self._stop.set()
        is_handed_over = self._sockets.handed_over.is_set()
        self._tell(
            {
                "order": "drain",
                "is_handed_over": is_handed_over,
                "for_all": self._sockets.are_ours,
            }
        )

    def end_now(self) -> None:
        """Let nothing that runs finish."""
        self._stop.set()
        self._tell({"order": "end"})

    async def _start(self) -> None:
        self._begin(CONSOLE)
        await self._started[CONSOLE].wait()
        delivery = range(CONSOLE + 1, CONSOLE + 1 + self._settings.workers)
        if self._start_failure is None:
            for number in delivery:
                self._begin(number)
            await asyncio.gather(*(self._started[number].wait() for number in delivery))
        if self._start_failure is not None:
            raise self._start_failure
        self._is_started = True

    async def _drained(self) -> None:
        self.close_listeners()
        sockets = self._sockets
        if not sockets.handed_over.is_set():
            await asyncio.wait(self._keeping, timeout=_CLOSE_S)
            if sockets.are_ours:
                # Nobody is to wait in a queue that a process which hangs does not empty.
                for sock in sockets.named.values():
                    stop_listening(sock)
        for sock in sockets.named.values():
            sock.close()
        await asyncio.wait(self._keeping, timeout=self._settings.drain_s + _DRAIN_MORE_S)

    async def _end(self) -> None:
        self._stop.set()
        self._tell({"order": "end"})
        for child in self._children.values():
            if child.not_ready is None:  # nothing runs there that could be ended softly
                child.process.kill()
        if self._keeping:
            await asyncio.wait(self._keeping, timeout=_END_S)
        for number, child in self._children.items():
            log.warning("process killed", process=worker_name(number))
            child.process.kill()
        await asyncio.gather(*self._keeping)

    def _tell(self, order: Message) -> None:
        if order in self._orders:  # to be told to end twice would cut the end itself
            return
        self._orders.append(order)
        for child in self._children.values():
            if child.not_ready is not None:  # else it is told once it has opened everything
                child.channel.post(order)

    def _delivering(self) -> Iterator[_Child]:
        return (child for number, child in self._children.items() if number != CONSOLE)

    def _begin(self, number: int) -> None:
        self._started[number] = asyncio.Event()
        self._keeping.append(asyncio.create_task(self._keep(number), name=worker_name(number)))

    async def _keep(self, number: int) -> None:
        """Run a process, and run it again when it ends, until told to stop."""
        failures = 0
        while not self._stop.is_set():
            began = time.monotonic()
            status, problems = await self._run(number)
            if self._stop.is_set():
                if status:
                    self._failed(1)
                break
            if not self._is_started and status > 0:
                kind = ConfigurationError if status == _CONFIGURATION_ERROR else _NotStarted
                self._start_failure = kind(problems)
                break
            failures = 1 if time.monotonic() - began >= _LASTED_S else failures + 1
            if self._is_hopeless(status, failures):
                self._failed(status)
                break
            wait_s = _BACKOFF.wait_s(failures, jitter=1)
            log.error(
                "process ended",
                process=worker_name(number),
                status=status,
                problems=problems,
                again_in_s=round(wait_s, 1),
            )
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._stop.wait()
        self._started[number].set()

    def _is_hopeless(self, status: int, failures: int) -> bool:
        """Tell whether a process cannot start, and nobody else serves."""
        serves = any(child.not_ready is not None for child in self._delivering())
        return status == _CONFIGURATION_ERROR and failures >= _HOPELESS and not serves

    async def _run(self, number: int) -> tuple[int, Sequence[str]]:
        """Run a process once; return its exit status, and why it could not start.

        The status is negative for the signal that ended it, but that of one that hung is 1: to
        start that again might take no end.
        """
        channel = None
        try:
            channel, theirs = Channel.pair()
            with theirs:
                process, ended = self._processes.start_worker(
                    [*_python(), "-m", "proxy", "worker", "--control", str(theirs.fileno())],
                    theirs.fileno(),
                )
        except OSError as exc:  # no descriptor, no memory, or too many processes
            if channel is not None:
                channel.close()
            reason = exc.strerror or str(exc)
            log.error("process not started", process=worker_name(number), reason=reason)  # noqa: TRY400 - no bug
            return 1, [f"{worker_name(number)}: {reason}"]
        sockets = {
            name: sock
            for name, sock in self._sockets.named.items()
            if (name in _PUBLIC) is (number != CONSOLE)
        }
        Assignment(number, self._settings, self._memory.descriptor, sockets).post(channel)
        child = self._children[number] = _Child(process, channel)
        hearing = asyncio.create_task(self._hear(number, child), name="control channel")
        status = await ended
        await hearing  # what it said last
        channel.close()
        del self._children[number]
        if number != CONSOLE:
            self._memory.clear(number - 1)
        ended_early = f"{worker_name(number)} ended before it was ready; the log has what it said"
        if child.hangs:
            return 1, child.problems
        return status, child.problems or ([ended_early] if child.not_ready is None else [])

    async def _hear(self, number: int, child: _Child) -> None:
        with suppress(OSError, ValueError):  # it has ended
            while True:
                try:
                    message = await heard(child.channel, silent_s=self._silent_s)
                except TimeoutError:
                    child.hangs = True
                    child.problems = [
                        f"{worker_name(number)} hung: no progress for {self._silent_s:g} s"
                    ]
                    child.process.kill()
                    return
                if self._progressed is not None:
                    self._progressed()
                match message:
                    case {"not_ready": [*reasons], "is_set_up": bool(is_set_up)}:
                        is_new = child.not_ready is None
                        child.not_ready, child.is_set_up = reasons, is_set_up
                        if is_new:
                            self._is_ready(number, child)
                    case {"failed": [*problems]}:
                        child.problems = problems

    def _is_ready(self, number: int, child: _Child) -> None:
        log.info("process ready", process=worker_name(number), pid=child.process.pid)
        for order in self._orders:
            child.channel.post(order)
        self._started[number].set()
        console = self._children.get(CONSOLE)
        if console is None or console.not_ready is None:
            return
        for each, other in self._children.items():
            if each != CONSOLE and other.not_ready is not None and number in {CONSOLE, each}:
                self._introduce(console, each, other)

    def _introduce(self, console: _Child, number: int, child: _Child) -> None:
        """Give the console's process a way to a delivery process."""
        if self._children.get(CONSOLE) is not console or self._children.get(number) is not child:
            return  # one of them has ended since
        try:
            ends = socket.socketpair()
        except OSError:  # no descriptor is left
            loop = asyncio.get_running_loop()
            loop.call_later(_INTRODUCE_AGAIN_S, self._introduce, console, number, child)
            return
        for process, end in zip((console, child), ends, strict=True):
            with end:
                process.channel.post({"order": "peer", "number": number}, [end.fileno()])


class _NotStarted(GatewayError):
    """A process that failed before it was ready, for reasons that are told."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))


def _python() -> list[str]:
    """Return the words that start this interpreter with the modules that this one imports."""
    # Started as a module, this process has its working directory among the places of modules. As
    # an installed command it has not: what lies about there is then not to be imported either.
    is_module = str(Path.cwd()) in sys.path
    return [sys.executable] if is_module else [sys.executable, "-P"]
