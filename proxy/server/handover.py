"""Listening sockets pass from a process to its successor, so that they never close.

Whoever holds the sockets answers on a Unix socket in the state directory, which only its user may
open.

A successor asks to ``take`` the sockets, opens all that it needs, says that it is ``ready``, and
accepts once it is told to ``go``. Until it says that it ``accepts`` the holder serves as ever, so
that a successor that fails changes nothing. It is given the sockets where the holder stops, or has
started it itself: then the two are connected from the start, and the Unix socket is not needed.
"""

import asyncio
import hashlib
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import structlog

from proxy.errors import ConfigurationError
from proxy.server.channel import Channel, short
from proxy.server.heartbeat import HEARTBEAT_EVERY_S, Progress, beat, heard_besides
from proxy.settings import PREFIX, Listen

log = structlog.get_logger("proxy.handover")

# Names the descriptor by which a successor is connected with the process that started it.
_INHERITED = "THRON_CONNECTOR_HANDOVER_FD"
# For whoever connects to say what it wants, and to take the answer.
_EXCHANGE_S = 5.0
# For whoever holds the sockets to answer. One that has ended is noticed at once: this is for one
# that stands still, and to give up on one that is only slow would leave two to serve.
_ANSWER_S = 60.0
_MOST_PEERS = 8
_ACCEPT_AGAIN_S = 0.1

# Of this process: a file whose inode is that of its network namespace (namespaces(7)).
_NETWORK = Path("/proc/self/ns/net")

_ACCEPTS = {"accepts": True}
_UNDER_WAY = "another reload or restart is under way; try again when it is done"
_STOPS = "this connector is stopping: it takes no reload any more; start it again instead"
_SERVES = "another one serves there, and does not stop"


def handover_path(state: Path, listen: Listen) -> Path:
    """Return the Unix socket of whoever listens on a public address.

    Its name has the address, which one process alone can bind in its network namespace, and of
    which machine and namespace that is: containers that share a volume have the same address, and
    each is to reload itself alone. Who has the address may replace what a killed process has left.
    """
    try:
        namespace = _NETWORK.stat().st_ino
    except OSError:  # not Linux, or no /proc
        namespace = 0
    where = hashlib.blake2s(f"{socket.gethostname()} {namespace}".encode(), digest_size=4)
    return state / f"handover-{listen.host}-{listen.port}-{where.hexdigest()}.sock"


class Successor(Protocol):
    """A process that has been started."""

    @property
    def pid(self) -> int:
        """Its number."""

    def kill(self) -> None:
        """End it at once."""

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal."""


# Starts a successor with an environment and one descriptor to inherit.
Start = Callable[[Mapping[str, str], int], Successor]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a successor is waited for.

    Attributes:
        silent_s: Between two heartbeats; an interpreter on a machine that stands still for half
            a minute starts meanwhile. More than a supervisor waits for its processes, so that it
            can tell which one hangs.
        start_s: For all of it: an upgrade may have a large database to bring up to date. Until it
            is given up no other reload can be.
    """

    silent_s: float = 80
    start_s: float = 900


_PATIENCE = Patience()


class Holder:
    """Holds listening sockets until a successor has them.

    Attributes:
        handed_over: Set once a successor accepts, and this process is to take no more.
    """

    def __init__(
        self,
        sockets: Mapping[str, socket.socket],
        handed_over: asyncio.Event,
        *,
        environ: Mapping[str, str],
        start: Start,
        is_ready: Callable[[], bool],
        notify: Callable[..., None],
        reloaded: Callable[[Sequence[str]], None],
        patience: Patience = _PATIENCE,
    ) -> None:
        """Hold sockets.

        Args:
            sockets: By the settings' names.
            handed_over: To be set.
            environ: With which this process was started.
            start: Starts a successor.
            is_ready: Tells whether this process can answer. A successor of its own that cannot,
                where it can, is refused.
            notify: Tells the service manager, as sd_notify(3) has it.
            reloaded: Is told the problems of each reload, of which a good one has none.
            patience: After which a successor is given up.
        """
        self._sockets = sockets
        self._environ = environ
        self._start = start
        self._is_ready = is_ready
        self._notify = notify
        self._reloaded = reloaded
        self._patience = patience
        self._attending = asyncio.Lock()
        self._reloading: asyncio.Task[Sequence[str]] | None = None
        self._has_hung_up = False
        self._after_hangup: asyncio.Task[None] | None = None
        self._successor: Channel | None = None
        self._peers: set[asyncio.Task[None]] = set()
        self._stops = False
        self._path: Path | None = None
        self._listening: asyncio.Task[None] | None = None
        self.handed_over = handed_over

    def listen(self, path: Path) -> None:
        """Answer on a Unix socket from now on.

        Where none can be made there is no restart in place, and ``reload`` by a signal alone.
        """
        try:
            listener = _listen(path)
        except OSError as exc:
            log.info("no handover socket", path=str(path), reason=exc.strerror or str(exc))
            return
        self._path = path
        self._listening = asyncio.create_task(self._accept(listener), name="handover")
        self._listening.add_done_callback(lambda _: listener.close())

    def leave(self) -> None:
        """Answer nobody any more; to be called before the sockets are closed."""
        if self._path is None or self._listening is None:
            return
        self._listening.cancel()
        if not self.handed_over.is_set():  # else it is the successor's by now
            self._path.unlink(missing_ok=True)
        self._listening = None

    async def reload(self, changed: Mapping[str, str] | None = None) -> Sequence[str]:
        """Start a successor, and return why it did not take over: nothing if it did.

        Args:
            changed: The settings of its environment; None for those of this process.
        """
        if self._is_reloading or self._attending.locked() or self.handed_over.is_set():
            return [_UNDER_WAY]
        if self._stops:
            log.error("reload refused", problems=[_STOPS], fix="start it again")
            return [_STOPS]
        # A task of its own: whoever asks for a reload may leave.
        self._reloading = asyncio.create_task(self._reload(changed), name="reload")
        await asyncio.wait({self._reloading})
        return [_UNDER_WAY] if self._reloading.cancelled() else self._reloading.result()

    def hang_up(self) -> None:
        """Reload since SIGHUP came; once more after a reload that is under way.

        That may have read its files before what the signal tells of was written.
        """
        self._has_hung_up = True
        if self._after_hangup is None or self._after_hangup.done():
            self._after_hangup = asyncio.create_task(self._reload_in_turn(), name="hangup")

    async def _reload_in_turn(self) -> None:
        while self._has_hung_up and not self.handed_over.is_set():
            if self._reloading is not None:
                await asyncio.wait({self._reloading})
            self._has_hung_up = False
            await self.reload()

    @property
    def _is_reloading(self) -> bool:
        return self._reloading is not None and not self._reloading.done()

    def stop(self) -> None:
        """Give the sockets to whoever asks, but start no successor any more."""
        self._stops = True
        if self._reloading is not None and not self.handed_over.is_set():
            self._reloading.cancel()

    async def attended(self) -> None:
        """Wait for the successor that is being started, if there is one."""
        async with self._attending:
            pass

    def close(self) -> None:
        """Tell the successor that nothing is served here any more."""
        self.leave()
        self.stop()
        for peer in self._peers:
            peer.cancel()
        if self._successor is not None:
            self._successor.close()

    async def _reload(self, changed: Mapping[str, str] | None) -> Sequence[str]:
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        environ = dict(self._environ)
        if changed is not None:
            kept = {name: value for name, value in environ.items() if not name.startswith(PREFIX)}
            given = {name: str(value) for name, value in changed.items() if name.startswith(PREFIX)}
            environ = kept | given
        try:
            problems = await self._start_successor(environ)
        except TimeoutError:
            silent_s, minutes = self._patience.silent_s, self._patience.start_s / 60
            limits = f"no progress for {silent_s:g} s, or {minutes:g} minutes in all"
            problems = [f"the new process was not ready in time: {limits}"]
        except (OSError, ValueError):
            problems = ["the new process ended before it was ready; the log has what it said"]
        if problems:
            log.error("reload refused", problems=problems, fix="correct them, and reload again")
            self._notify("READY=1")
        self._reloaded(problems)
        return problems

    async def _start_successor(self, environ: Mapping[str, str]) -> Sequence[str]:
        """Start a process, and return why it did not take over.

        Raises:
            OSError: It cannot be started, or has ended.
            ValueError: It says what nobody understands.
            TimeoutError: It takes too long.
        """
        process: Successor | None = None
        channel, theirs = Channel.pair()
        try:
            with theirs:
                process = self._start(
                    {**environ, _INHERITED: str(theirs.fileno())}, theirs.fileno()
                )
            async with self._attending, asyncio.timeout(self._patience.start_s):
                match await self._next(channel):
                    case {"do": "take"}:
                        return await self._attend(channel, child=process)
                    case {"failed": [*problems]}:
                        return list(map(str, problems))
                    case message:
                        raise ValueError(f"{list(message)} is no question")
        finally:
            if not self.handed_over.is_set():
                channel.close()
                if process is not None:
                    process.kill()

    async def _attend(self, channel: Channel, *, child: Successor | None = None) -> Sequence[str]:
        """Hand the sockets to a successor, and return why it did not take over.

        Raises:
            OSError: It has ended.
            ValueError: It says what nobody understands.
        """
        descriptors = [each.fileno() for each in self._sockets.values()]
        await channel.send({"sockets": list(self._sockets)}, descriptors)
        match await self._next(channel):
            case {"failed": [*problems]}:
                return list(map(str, problems))
            case {"ready": [*lacks]}:
                if lacks and self._is_ready():
                    await channel.send({"refused": lacks})
                    return list(map(str, lacks))
                await channel.send({"go": True})
                if await self._next(channel) != _ACCEPTS:
                    raise ValueError("it does not accept")
                self._successor = channel
                if child is not None:  # before this process can end
                    self._notify(f"MAINPID={child.pid}", "READY=1")
                    if self._has_hung_up:  # meanwhile: it is the successor's to reload
                        child.send_signal(signal.SIGHUP)
                log.info("handed over", pid=child.pid if child is not None else None)
                self.handed_over.set()
                return []
            case message:
                raise ValueError(f"{list(message)} is no answer")

    async def _next(self, channel: Channel) -> dict[str, Any]:
        """Return what a successor says, but for its heartbeats.

        Raises:
            TimeoutError: It sends none.
        """
        return await heard_besides(channel, silent_s=self._patience.silent_s)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                sock, _ = await loop.sock_accept(listener)
            except OSError:  # such as no descriptor being left
                await asyncio.sleep(_ACCEPT_AGAIN_S)
                continue
            if len(self._peers) >= _MOST_PEERS:
                sock.close()
                continue
            task = asyncio.create_task(self._answer(Channel(sock)), name="handover peer")
            self._peers.add(task)
            task.add_done_callback(self._peers.discard)

    async def _answer(self, channel: Channel) -> None:
        """Answer one who has connected; whatever it does, this process serves."""
        try:
            async with asyncio.timeout(_EXCHANGE_S):
                request = await channel.receive()
            match request:
                case {"do": "take"}:
                    await self._give(channel)
                case {"do": "reload", "environ": None | dict() as changed}:
                    alive = asyncio.create_task(beat(channel), name="heartbeat")
                    try:
                        problems = await self.reload(changed)
                    finally:
                        alive.cancel()
                    async with asyncio.timeout(_EXCHANGE_S):
                        await channel.send({"problems": problems})
        except (OSError, ValueError) as exc:
            log.info("handover broke off", reason=str(exc) or type(exc).__name__)
        finally:
            if channel is not self._successor:
                channel.close()

    async def _give(self, channel: Channel) -> None:
        if not self._stops or self._attending.locked() or self.handed_over.is_set():
            await channel.send({"refused": [_UNDER_WAY if self._stops else _SERVES]})
            return
        async with self._attending, asyncio.timeout(self._patience.start_s):
            for problem in await self._attend(channel):
                log.info("handover refused", reason=problem)


class Predecessor:
    """Who holds the sockets that this process is to have, as this process sees it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._progress = Progress()
        self._beating: asyncio.Task[None] | None = None

    @classmethod
    def inherited(cls, environ: MutableMapping[str, str]) -> Self | None:
        """Return the one that has started this process, and take it out of the environment."""
        descriptor = environ.pop(_INHERITED, None)
        if descriptor is None:
            return None
        os.set_inheritable(int(descriptor), False)  # noqa: FBT003 - the os module's own signature
        return cls(Channel(socket.socket(fileno=int(descriptor))))

    @classmethod
    async def of(cls, path: Path) -> Self | None:
        """Return the one that answers on a Unix socket; None if nobody does."""
        try:
            return cls(await Channel.connect(path))
        except OSError:
            return None

    async def take(
        self, *, heartbeat_every_s: float = HEARTBEAT_EVERY_S
    ) -> dict[str, socket.socket] | None:
        """Return the sockets by the settings' names; None where they are not given.

        From then on heartbeats go to the other one as this process makes progress, until it is
        ready.
        """
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._channel.send({"do": "take"})
                names = (await self._channel.receive()).get("sockets")
        except (OSError, ValueError):
            return None
        # Where this process has no descriptor left, the kernel leaves some out.
        if names is None or len(names) != len(self._channel.descriptors):
            return None
        beating = beat(self._channel, self._progress, every_s=heartbeat_every_s)
        self._beating = asyncio.create_task(beating, name="heartbeat")
        return {name: socket.socket(fileno=self._channel.descriptors.pop(0)) for name in names}

    def progressed(self) -> None:
        """Note that a step of this process's start is done; a thread may do so too."""
        self._progress.note()

    async def ready(self, lacks: Sequence[str]) -> None:
        """Say that this process can accept, and return once it is to.

        Args:
            lacks: Why it cannot answer everything.

        Raises:
            ConfigurationError: The other one goes on instead.
        """
        self._stop_beating()
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self._channel.send({"ready": lacks})
                answer = await self._channel.receive()
        except (OSError, ValueError):
            return  # it has ended, and nobody else serves
        if "go" not in answer:
            raise ConfigurationError(list(map(str, answer.get("refused", []))))

    async def accepts(self) -> None:
        """Say that this process takes connections by now: the other one may cease to."""
        with suppress(OSError):  # it has ended
            await self._channel.send(_ACCEPTS)

    async def fail(self, problems: Sequence[str]) -> None:
        """Say why this process does not take over."""
        self._stop_beating()
        with suppress(OSError):
            await self._channel.send({"failed": problems})

    async def gone(self) -> None:
        """Wait until it serves nothing any more."""
        with suppress(OSError, ValueError):
            await self._channel.receive()

    def close(self) -> None:
        """Let it go, and what sockets of it nobody has taken."""
        self._stop_beating()
        self._channel.close()

    def _stop_beating(self) -> None:
        if self._beating is not None:
            self._beating.cancel()


async def ask_for_reload(path: Path, settings: Mapping[str, str] | None) -> Sequence[str] | None:
    """Ask whoever listens on a Unix socket for a reload.

    Args:
        path: Of the socket.
        settings: The environment's; None for those with which it was started.

    Returns:
        All problems; None where nobody answers.
    """
    try:
        with closing(await Channel.connect(path)) as channel:
            await channel.send({"do": "reload", "environ": settings})
            message = await heard_besides(channel, silent_s=_ANSWER_S)
            return list(map(str, message["problems"]))
    except (OSError, ValueError, KeyError):
        return None


def _listen(path: Path) -> socket.socket:
    """Return a Unix socket that listens, in the place of whatever was there.

    Raises:
        OSError: The directory cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    try:
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        with short(beside) as address:
            sock.bind(address)
        beside.chmod(0o600)  # nobody can connect before it listens
        sock.listen()
        beside.rename(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        sock.close()
        raise
    return sock
