"""Sockets that pass from one process to the next, by what is said on the Unix socket."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from proxy.errors import ConfigurationError
from proxy.server.channel import Channel
from proxy.server.handover import (
    Holder,
    Patience,
    Predecessor,
    ask_for_reload,
    handover_path,
)
from proxy.server.listeners import bind
from proxy.settings import Listen
from tests.waiting import until

LISTEN = Listen(host="127.0.0.1", port=0)

Play = Callable[[Predecessor, Mapping[str, str]], asyncio.Task[None]]


@dataclass
class Started:
    """A successor that has been started: a task of this process, with a descriptor of its own."""

    pid: int
    predecessor: Predecessor
    task: asyncio.Task[None]
    killed: bool = False
    signals: list[int] = field(default_factory=list)

    def send_signal(self, sig: int, /) -> None:
        """Note it."""
        self.signals.append(sig)

    def kill(self) -> None:
        """End it."""
        self.task.cancel()
        self.predecessor.close()
        self.killed = True


@dataclass
class Held:
    """A holder of one socket, and what it told."""

    holder: Holder
    path: Path
    sock: socket.socket
    told: list[Sequence[str]]
    notified: list[tuple[str, ...]] = field(default_factory=list)
    started: list[Started] = field(default_factory=list)


@asynccontextmanager
async def held(
    state: Path,
    *,
    play: Play | None = None,
    is_ready: bool = True,
    silent_s: float = 600,
    start_s: float = 3600,
) -> AsyncIterator[Held]:
    """Hold a socket until the end of the block.

    Args:
        state: Where the Unix socket is.
        play: What a successor does; it is given its predecessor and its environment.
        is_ready: Whether the holder can answer.
        silent_s: After so long without a heartbeat it gives a successor up.
        start_s: After so long it gives one up in any case.
    """
    sock = bind(LISTEN, setting="TDC_LISTEN")
    told = list[Sequence[str]]()

    def start(environ: Mapping[str, str], descriptor: int) -> Started:
        assert play is not None
        inherited = os.dup(descriptor)
        own = {**environ, "THRON_CONNECTOR_HANDOVER_FD": str(inherited)}
        predecessor = Predecessor.inherited(own)
        assert predecessor is not None
        made.started.append(Started(4711, predecessor, play(predecessor, own)))
        return made.started[-1]

    holder = Holder(
        {"listen": sock},
        asyncio.Event(),
        environ={"PATH": "/bin", "TDC_APP_ID": "old"},
        start=start,
        is_ready=lambda: is_ready,
        notify=lambda *lines: made.notified.append(lines),
        reloaded=told.append,
        patience=Patience(silent_s=silent_s, start_s=start_s),
    )
    path = handover_path(state, Listen(host="127.0.0.1", port=sock.getsockname()[1]))
    made = Held(holder, path, sock, told)
    holder.listen(path)
    try:
        yield made
    finally:
        holder.close()
        sock.close()
        for each in made.started:
            with suppress(asyncio.CancelledError):
                await each.task


async def _connected(path: Path) -> Predecessor:
    predecessor = await Predecessor.of(path)
    assert predecessor is not None
    return predecessor


async def test_who_serves_gives_nothing(tmp_path: Path) -> None:
    """The sockets of a process that serves stay its own."""
    async with held(tmp_path) as made:
        with closing(await _connected(made.path)) as other:
            assert await other.take() is None
        assert not made.holder.handed_over.is_set()


async def test_who_stops_gives_its_sockets(tmp_path: Path) -> None:
    """A successor has the same sockets, and the holder goes on until that is ready."""
    async with held(tmp_path) as made:
        made.holder.stop()
        with closing(await _connected(made.path)) as successor:
            taken = await successor.take()
            assert taken is not None
            assert taken["listen"].getsockname() == made.sock.getsockname()
            assert not taken["listen"].get_inheritable()
            assert not made.holder.handed_over.is_set()
            attended = asyncio.create_task(made.holder.attended())
            await successor.ready([])
            await successor.accepts()
            await attended
            assert made.holder.handed_over.is_set()
            gone = asyncio.create_task(successor.gone())
            made.holder.leave()
            assert made.path.exists(), "it is the successor's"
            made.sock.close()
            with socket.create_connection(taken["listen"].getsockname()):
                pass  # accepted by what has been taken
            taken["listen"].close()
            assert not gone.done()
            made.holder.close()
            await gone


async def test_a_successor_that_ends_changes_nothing(tmp_path: Path) -> None:
    """Whoever closes before it is ready leaves the holder as it was, and the next one may take."""
    async with held(tmp_path) as made:
        made.holder.stop()
        for _ in range(3):
            predecessor = await _connected(made.path)
            taken = await predecessor.take()
            assert taken is not None
            taken["listen"].close()
            predecessor.close()
            await made.holder.attended()
        assert not made.holder.handed_over.is_set()
        with closing(await _connected(made.path)) as successor:
            taken = await successor.take()
            assert taken is not None
            taken["listen"].close()
            await successor.ready([])
            await successor.accepts()
            await made.holder.handed_over.wait()


async def test_one_successor_at_a_time(tmp_path: Path) -> None:
    """While one opens what it needs, another is refused."""
    async with held(tmp_path) as made:
        made.holder.stop()
        with (
            closing(await _connected(made.path)) as one,
            closing(await _connected(made.path)) as two,
        ):
            taken = await one.take()
            assert taken is not None
            taken["listen"].close()
            assert await two.take() is None


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="half a message"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no message"),
        pytest.param(b"[1]\n", id="no object"),
        pytest.param(b'{"do": "dance"}\n', id="an unknown wish"),
        pytest.param(b'{"do": "reload"}\n', id="half a wish"),
    ],
)
async def test_a_peer_that_is_odd_holds_nobody_up(said: bytes) -> None:
    """Whatever somebody sends, or does not, others are answered."""
    with TemporaryDirectory() as short:  # the path may be longer than a Unix socket's address
        await _hear(Path(short), said)


async def _hear(state: Path, said: bytes) -> None:
    async with held(state) as made:
        reader, writer = await asyncio.open_unix_connection(made.path)
        writer.write(said)
        await writer.drain()
        with closing(await _connected(made.path)) as other:
            assert await other.take() is None
        writer.close()
        await asyncio.gather(reader.read(), return_exceptions=True)


async def test_many_peers_are_few(tmp_path: Path) -> None:
    """Beyond a handful of silent peers others are closed, and each of these is let go."""
    async with held(tmp_path) as made:
        silent = [await Channel.connect(made.path) for _ in range(8)]
        refused = await Channel.connect(made.path)
        with pytest.raises(ConnectionResetError):
            await refused.receive()
        for each in (*silent, refused):
            each.close()

        async def is_answered() -> bool:
            predecessor = await Predecessor.of(made.path)
            if predecessor is None:
                return False
            with closing(predecessor):
                await predecessor.take()
            return True

        await until(is_answered)


async def test_what_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    """A Unix socket that nobody listens on is no obstacle; the new one is its owner's alone."""
    path = handover_path(tmp_path, Listen(host="127.0.0.1", port=1))
    with socket.socket(socket.AF_UNIX) as left, TemporaryDirectory() as short:
        left.bind(f"{short}/socket")  # the path may be longer than a Unix socket's address
        shutil.move(f"{short}/socket", path)
    assert await Predecessor.of(path) is None
    async with held(tmp_path) as made:
        made.holder.listen(path)
        with closing(await _connected(path)):
            assert path.stat().st_mode & 0o777 == 0o600
            assert sorted(os.listdir(tmp_path)) == sorted({path.name, made.path.name})  # noqa: PTH208 - no Path in a coroutine


async def test_a_long_path(tmp_path: Path) -> None:
    """The state directory may be deeper than a Unix socket's address is long."""
    state = tmp_path / ("a" * 100) / ("b" * 100)
    async with held(state) as made:
        with closing(await _connected(made.path)) as other:
            assert await other.take() is None


async def test_instances_share_a_state_directory(tmp_path: Path) -> None:
    """Each public address has a Unix socket of its own; the end of one is not that of another."""
    async with held(tmp_path) as one:
        async with held(tmp_path) as two:
            assert one.path != two.path
        assert one.path.exists()
        assert not two.path.exists()


async def test_no_state_directory(tmp_path: Path) -> None:
    """Where no Unix socket can be made, serving goes on without."""
    (tmp_path / "file").touch()
    async with held(tmp_path / "file") as made:
        assert await Predecessor.of(made.path) is None


def ready(predecessor: Predecessor, lacks: Sequence[str] = ()) -> asyncio.Task[None]:
    """Take the sockets, and be ready."""

    async def play() -> None:
        taken = await predecessor.take()
        assert taken is not None
        with taken["listen"]:
            await predecessor.ready(lacks)
            await predecessor.accepts()
            await predecessor.gone()
        predecessor.close()

    return asyncio.create_task(play())


async def test_reload(tmp_path: Path) -> None:
    """A process is started with the settings that are given, and the service manager is told."""
    environs = list[Mapping[str, str]]()

    def play(predecessor: Predecessor, environ: Mapping[str, str]) -> asyncio.Task[None]:
        environs.append(environ)
        return ready(predecessor)

    async with held(tmp_path, play=play) as made:
        assert await ask_for_reload(made.path, {"TDC_USERNAME": "new", "PATH": "/x"}) == []
        assert made.holder.handed_over.is_set()
        assert environs == [{"PATH": "/bin", "TDC_USERNAME": "new"}]
        assert made.told == [[]]
        begun, done = made.notified
        assert begun[0] == "RELOADING=1"
        assert begun[1].startswith("MONOTONIC_USEC=")
        assert done == ("MAINPID=4711", "READY=1")
        assert not made.started[0].killed
        assert await made.holder.reload() != [], "its successor's to do"


async def test_reload_without_settings_keeps_the_old(tmp_path: Path) -> None:
    """A signal, or a command without settings, starts with those of the process before."""
    environs = list[Mapping[str, str]]()

    def play(predecessor: Predecessor, environ: Mapping[str, str]) -> asyncio.Task[None]:
        environs.append(environ)
        return ready(predecessor)

    async with held(tmp_path, play=play) as made:
        assert await ask_for_reload(made.path, None) == []
        assert environs == [{"PATH": "/bin", "TDC_APP_ID": "old"}]


def failing(predecessor: Predecessor) -> asyncio.Task[None]:
    """Fail before anything is taken."""

    async def play() -> None:
        await predecessor.fail(["TDC_X is wrong", "TDC_Y too"])
        predecessor.close()

    return asyncio.create_task(play())


def failing_late(predecessor: Predecessor) -> asyncio.Task[None]:
    """Fail once the sockets are taken."""

    async def play() -> None:
        taken = await predecessor.take()
        assert taken is not None
        taken["listen"].close()
        await predecessor.fail(["TDC_X is wrong", "TDC_Y too"])
        predecessor.close()

    return asyncio.create_task(play())


def crashing(predecessor: Predecessor) -> asyncio.Task[None]:
    """End without a word."""

    async def play() -> None:
        predecessor.close()

    return asyncio.create_task(play())


def unable(predecessor: Predecessor) -> asyncio.Task[None]:
    """Be ready, without being able to answer."""

    async def play() -> None:
        taken = await predecessor.take()
        assert taken is not None
        taken["listen"].close()
        with pytest.raises(ConfigurationError, match="not logged in"):
            await predecessor.ready(["not logged in"])
        predecessor.close()

    return asyncio.create_task(play())


@pytest.mark.parametrize(
    ("play", "reasons"),
    [
        pytest.param(failing, ["TDC_X is wrong", "TDC_Y too"], id="settings"),
        pytest.param(failing_late, ["TDC_X is wrong", "TDC_Y too"], id="what it opens"),
        pytest.param(crashing, ["the new process ended before it was ready"], id="a crash"),
        pytest.param(unable, ["not logged in"], id="it could not answer where the old one can"),
    ],
)
async def test_reload_refused(
    tmp_path: Path, play: Callable[[Predecessor], asyncio.Task[None]], reasons: Sequence[str]
) -> None:
    """A successor that cannot take over is ended, and all reasons are told; then another may."""
    plays = [play, ready]

    async with held(tmp_path, play=lambda predecessor, _: plays.pop(0)(predecessor)) as made:
        problems = await ask_for_reload(made.path, None)
        assert problems is not None
        assert [each.partition(";")[0] for each in problems] == reasons
        assert made.told == [problems]
        assert made.notified[-1] == ("READY=1",), "the old one goes on"
        assert not made.holder.handed_over.is_set()
        assert made.started[0].killed
        assert await ask_for_reload(made.path, None) == []
        assert made.told[-1] == []


async def test_nothing_is_asked_of_a_holder_that_cannot_answer(tmp_path: Path) -> None:
    """Where the old one cannot answer either, a new one need not."""
    async with held(
        tmp_path, play=lambda predecessor, _: ready(predecessor, ["no credentials"]), is_ready=False
    ) as made:
        assert await ask_for_reload(made.path, None) == []


async def test_one_reload_at_a_time(tmp_path: Path) -> None:
    """A second one is refused while the first is under way; the end of the process ends it."""

    def hanging(predecessor: Predecessor, _: Mapping[str, str]) -> asyncio.Task[None]:
        async def play() -> None:
            with closing(predecessor):
                await asyncio.sleep(3600)

        return asyncio.create_task(play())

    async with held(tmp_path, play=hanging) as made:
        first = asyncio.create_task(made.holder.reload())

        async def is_started() -> bool:
            return bool(made.started)

        await until(is_started)
        assert await ask_for_reload(made.path, None) == await made.holder.reload() != []
        made.holder.stop()
        assert await first != []
        assert made.started[0].killed
        assert not made.holder.handed_over.is_set()


async def test_nobody_to_reload(tmp_path: Path) -> None:
    """Where nobody listens, that is told apart from a refusal."""
    assert await ask_for_reload(tmp_path / "none.sock", None) is None


def slow(predecessor: Predecessor) -> asyncio.Task[None]:
    """Take long to open what is needed, in many steps."""

    async def play() -> None:
        taken = await predecessor.take(heartbeat_every_s=0.001)
        assert taken is not None
        with taken["listen"]:
            for _ in range(40):
                await asyncio.sleep(0.05)
                predecessor.progressed()
            await predecessor.ready([])
            await predecessor.accepts()
            await predecessor.gone()
        predecessor.close()

    return asyncio.create_task(play())


async def test_a_slow_successor_is_waited_for(tmp_path: Path) -> None:
    """As long as it makes progress, as while it brings a large database up to date."""
    async with held(tmp_path, play=lambda predecessor, _: slow(predecessor), silent_s=1.5) as made:
        assert await ask_for_reload(made.path, None) == []


@pytest.mark.parametrize("has_taken", [False, True])
async def test_a_successor_that_hangs_is_given_up(tmp_path: Path, *, has_taken: bool) -> None:
    """One that makes no progress is ended, and the reason told, though its event loop turns."""

    def hanging(predecessor: Predecessor, _: Mapping[str, str]) -> asyncio.Task[None]:
        async def play() -> None:
            with closing(predecessor):
                if has_taken:
                    taken = await predecessor.take(heartbeat_every_s=0.001)
                    assert taken is not None
                    taken["listen"].close()
                await asyncio.sleep(3600)

        return asyncio.create_task(play())

    async with held(tmp_path, play=hanging, silent_s=0.05) as made:
        problems = await ask_for_reload(made.path, None)
        assert problems is not None
        assert "no progress for 0.05 s" in problems[0]
        assert made.started[0].killed
        assert not made.holder.handed_over.is_set()


async def test_a_start_that_never_ends_is_given_up(tmp_path: Path) -> None:
    """Progress alone does not keep the next reload waiting for ever."""

    def endless(predecessor: Predecessor) -> asyncio.Task[None]:
        async def play() -> None:
            taken = await predecessor.take(heartbeat_every_s=0.001)
            assert taken is not None
            with taken["listen"]:
                while True:
                    await asyncio.sleep(0.001)
                    predecessor.progressed()

        return asyncio.create_task(play())

    async with held(tmp_path, play=lambda predecessor, _: endless(predecessor), start_s=1) as made:
        problems = await ask_for_reload(made.path, None)
        assert problems is not None
        assert "minutes in all" in problems[0]
        assert made.started[0].killed
        assert not made.holder.handed_over.is_set()


async def test_one_that_stops_takes_no_reload(tmp_path: Path) -> None:
    """It says so, and starts nothing."""
    async with held(tmp_path, play=lambda predecessor, _: ready(predecessor)) as made:
        made.holder.stop()
        problems = await ask_for_reload(made.path, None)
        assert problems is not None
        assert ["is stopping" in each for each in problems] == [True]
        assert not made.started


@pytest.mark.parametrize("succeeds", [False, True])
async def test_a_hangup_during_a_reload(tmp_path: Path, *, succeeds: bool) -> None:
    """It is followed by one more reload, by the successor where there is one by then."""
    go_on = asyncio.Event()

    def play(predecessor: Predecessor, _: Mapping[str, str]) -> asyncio.Task[None]:
        async def wait() -> None:
            await go_on.wait()
            await (ready if succeeds or len(made.started) > 1 else failing)(predecessor)

        return asyncio.create_task(wait())

    async with held(tmp_path, play=play) as made:
        asked = asyncio.create_task(ask_for_reload(made.path, None))

        async def is_started() -> bool:
            return bool(made.started)

        await until(is_started)
        for _ in range(3):
            made.holder.hang_up()
        go_on.set()
        problems = await asked
        await made.holder.handed_over.wait()
        assert bool(problems) is not succeeds
        assert len(made.started) == (1 if succeeds else 2)
        assert made.started[0].signals == ([signal.SIGHUP] if succeeds else [])


async def test_settings_of_any_octets(tmp_path: Path) -> None:
    """An environment need not be UTF-8; the successor says what it makes of it."""
    environs = list[Mapping[str, str]]()

    def play(predecessor: Predecessor, environ: Mapping[str, str]) -> asyncio.Task[None]:
        environs.append(environ)
        return ready(predecessor)

    async with held(tmp_path, play=play) as made:
        odd = os.fsdecode(b"/etc/caf\xe9.pem")
        assert await ask_for_reload(made.path, {"TDC_CA_FILE": odd}) == []
        assert os.fsencode(environs[0]["TDC_CA_FILE"]) == b"/etc/caf\xe9.pem"


def test_containers_that_share_a_volume(tmp_path: Path) -> None:
    """The same address in another network namespace is another Unix socket."""
    here = handover_path(tmp_path, LISTEN)
    told = subprocess.run(
        [*("unshare", "--user", "--net"), sys.executable, "-c", _TELL_PATH, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
    )
    if told.returncode:
        pytest.skip(f"no namespaces here: {told.stderr}")
    there = Path(told.stdout.strip())
    assert there.parent == here.parent
    assert there != here


_TELL_PATH = """
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from proxy.server.handover import handover_path
from proxy.settings import Listen

print(handover_path(Path(sys.argv[1]), Listen(host="127.0.0.1", port=0)))
"""
