"""What a service manager is told and gives, by a small stand-in of systemd."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from select import select
from threading import Timer

import pytest

from proxy.sandbox.server import Sandbox
from proxy.server.service_manager import (
    given_sockets,
    gives_sockets,
    is_supervised,
    keep_watchdog,
    notify,
)
from tests.commands.test_reload import event, is_answered
from tests.process import beside, environ_for, served
from tests.waiting import PATIENCE_S


@pytest.mark.parametrize("is_abstract", [False, True], ids=["a path", "abstract"])
def test_notify(tmp_path: Path, *, is_abstract: bool) -> None:
    """The lines come in one datagram."""
    name = f"thron-{os.getpid()}" if is_abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name if is_abstract else name)
        notify({"NOTIFY_SOCKET": "@" + name if is_abstract else name}, "MAINPID=7", "READY=1")
        assert manager.recv(100) == b"MAINPID=7\nREADY=1"


def test_nobody_to_notify(tmp_path: Path) -> None:
    """Without a service manager, or with one that has gone, nothing happens."""
    notify({}, "READY=1")
    notify({"NOTIFY_SOCKET": str(tmp_path / "none")}, "READY=1")


def test_a_busy_manager_is_waited_for(tmp_path: Path) -> None:
    """What is told while its queue is full is not lost."""
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other,
    ):
        manager.bind(environ["NOTIFY_SOCKET"])
        other.settimeout(0)
        with suppress(BlockingIOError):
            while True:
                other.sendto(b"STATUS=", environ["NOTIFY_SOCKET"])
        reader = Timer(0.1, lambda: [manager.recv(100) for _ in range(8)])
        reader.start()
        notify(environ, "READY=1")
        reader.join()
        manager.settimeout(0)
        told = b""
        with suppress(BlockingIOError):
            while True:
                told = manager.recv(100)
        assert told == b"READY=1"


def test_supervised() -> None:
    """Only with a service manager may the main process change."""
    assert is_supervised({"NOTIFY_SOCKET": "/run/systemd/notify"})
    assert not is_supervised({})


def test_sockets_for_another_process() -> None:
    """What is given to another process, or not at all, is nobody's here."""
    assert given_sockets({}) == []
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", "PATH": "/bin"}
    assert given_sockets(environ) == []
    assert environ == {"PATH": "/bin"}, "nor a successor's"
    assert not gives_sockets(environ)


_AS_SYSTEMD = """
import os, socket, sys
public = socket.create_server(("127.0.0.1", 0))
admin = socket.create_server(("127.0.0.1", 0))
os.dup2(public.fileno(), 13)
os.dup2(admin.fileno(), 14)
os.dup2(13, 3)
os.dup2(14, 4)
address = "{0}:{1}".format(*admin.getsockname())
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "listen:x"}
os.environ |= {"TDC_ADMIN_LISTEN": address}
os.execv(sys.executable, [sys.executable, "-m", "proxy", "serve"])
"""


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_as_systemd_has_it(thron: Sandbox, tmp_path: Path, workers: str) -> None:
    """Sockets are taken by name or address; READY, RELOADING, MAINPID and STOPPING are told."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)

        async def told() -> list[str]:
            return (await asyncio.to_thread(manager.recv, 1000)).decode().splitlines()

        environ = {
            **environ_for(thron, tmp_path),
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "TDC_LISTEN": "127.0.0.1:1",
            "TDC_LAME_DUCK_S": "0",
            "TDC_WORKERS": workers,
        }
        async with beside(environ=environ, program=(sys.executable, "-c", _AS_SYSTEMD)) as process:
            listening = await event(process, "listening")
            public = str(listening["public"])
            assert public != "127.0.0.1:1", "the name of its setting goes first"
            assert await told() == ["READY=1"]
            assert await is_answered(public, "/-/livez") == 200
            assert await is_answered(str(listening["admin"]), "/livez") == 200

            process.tell(signal.SIGHUP)
            assert (await told())[0] == "RELOADING=1"
            main, ready = await told()
            newest = int(main.removeprefix("MAINPID="))
            assert ready == "READY=1"
            assert await asyncio.to_thread(process.exit_status) == 0, (
                "systemd looks after the new one from now on"
            )
            assert await is_answered(public, "/-/livez") == 200

            os.kill(newest, signal.SIGTERM)
            assert await told() == ["STOPPING=1"]
            assert await asyncio.to_thread(process.status) == 0, "the end of all that write there"


async def test_an_event_loop_that_hangs_is_not_told_of(tmp_path: Path) -> None:
    """While it does not turn the service manager hears nothing, so that it can start anew."""
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000"}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(environ["NOTIFY_SOCKET"])
        manager.settimeout(60)
        watchdog = asyncio.create_task(keep_watchdog(environ))
        for _ in range(3):
            assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
        while select([manager], [], [], 0)[0]:
            manager.recv(100)
        assert not select([manager], [], [], 0.3)[0], "this thread, and its event loop, waited here"
        assert await asyncio.to_thread(manager.recv, 100) == b"WATCHDOG=1"
        watchdog.cancel()


async def test_watchdog(thron: Sandbox, tmp_path: Path) -> None:
    """With WatchdogSec= the service manager hears of the event loop, after a reload too."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE_S)

        async def heard(line: bytes) -> None:
            while line not in await asyncio.to_thread(manager.recv, 100):
                pass

        environ = environ_for(thron, tmp_path) | {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "100000",
            "WATCHDOG_PID": "1",
        }
        async with served(environ) as (process, _, _):
            await heard(b"READY=1")
            await heard(b"WATCHDOG=1")
            process.tell(signal.SIGHUP)
            await heard(b"MAINPID=")
            assert await asyncio.to_thread(process.exit_status) == 0
            while select([manager], [], [], 0)[0]:
                manager.recv(100)
            await heard(b"WATCHDOG=1")  # the successor's: no other process is left
