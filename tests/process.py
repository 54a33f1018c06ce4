"""Our commands as processes of their own, with what they print."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import (
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    suppress,
)
from pathlib import Path
from typing import IO, Any, TypeVar

import orjson

from proxy.catalogue.database import Database
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.catalogue.fresh import sqlite_file

T = TypeVar("T")

_ROOT = Path(__file__).parents[1]


class Process:
    """A running ``thron-connector`` command; its output is kept as it comes."""

    def __init__(
        self,
        *arguments: str,
        environ: Mapping[str, str],
        open_files: int | None = None,
        tree: Path = _ROOT,
        program: Sequence[str] = (sys.executable, "-m", "proxy"),
    ) -> None:
        limited = ("prlimit", f"--nofile={open_files}:{open_files}") if open_files else ()
        self._popen = subprocess.Popen(
            [*limited, *program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tree,
            env={"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", **environ},
        )
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream,))
            for stream in (self._popen.stdout, self._popen.stderr)
            if stream is not None
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._popen.pid

    @property
    def output(self) -> str:
        """All lines of both streams so far."""
        return "\n".join(self._lines)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines that are JSON, as what they hold."""
        return [orjson.loads(line) for line in self._lines if line.startswith("{")]

    def event(self, name: str, *, nth: int = 1) -> dict[str, Any]:
        """Wait until an event has been logged for the nth time, and return it."""
        with self._news:
            while True:
                found = [each for each in self.events if each.get("event") == name]
                if len(found) >= nth:
                    return found[nth - 1]
                if not any(reader.is_alive() for reader in self._readers):
                    raise EOFError(f"ended without {name}: {self.output}")
                self._news.wait(1)

    def printed(self, words: str) -> str:
        """Wait until a line with these words has been printed, and return it."""
        with self._news:
            while True:
                for line in self._lines:
                    if words in line:
                        return line
                if not any(reader.is_alive() for reader in self._readers):
                    raise EOFError(f"ended without {words}: {self.output}")
                self._news.wait(1)

    def descriptors(self) -> int:
        """Return how many descriptors are open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def resident_kib(self) -> int:
        """Return the resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        (line,) = (each for each in status.splitlines() if each.startswith("VmRSS:"))
        return int(line.split()[1])

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._popen.send_signal(number)

    def exit_status(self) -> int:
        """Wait for the end, and return the exit status; a successor may go on."""
        return self._popen.wait()

    def status(self) -> int:
        """Wait for the end of all that it started too, and return the exit status."""
        status = self.exit_status()
        for reader in self._readers:
            reader.join()
        return status

    def end(self) -> None:
        """End it by force if it still runs, and the successors that it has told of."""
        self._popen.kill()
        for told in self.events:
            if told["event"] == "handed over" and told["pid"] is not None:
                with suppress(ProcessLookupError):
                    os.kill(told["pid"], signal.SIGKILL)
        self.status()

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self._lines.append(line.rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._news.notify_all()


@contextmanager
def command(
    *arguments: str,
    environ: Mapping[str, str],
    open_files: int | None = None,
    tree: Path = _ROOT,
    program: Sequence[str] = (sys.executable, "-m", "proxy"),
) -> Iterator[Process]:
    """Run a command of a tree of the code until the end of the block, with a limit if asked.

    A program in its place is run as it is.
    """
    process = Process(
        *arguments, environ=environ, open_files=open_files, tree=tree, program=program
    )
    try:
        yield process
    finally:
        process.end()


@contextmanager
def serving(
    environ: Mapping[str, str], *, open_files: int | None = None
) -> Iterator[tuple[Process, str, str]]:
    """Run ``serve`` until the end of the block; give it with its public and admin address.

    Args:
        environ: Its settings; both listeners take any free port, the log level is debug.
        open_files: Its limit of open files, where that is not this process's.
    """
    usual = {
        "TDC_LISTEN": "127.0.0.1:0",
        "TDC_ADMIN_LISTEN": "127.0.0.1:0",
        "TDC_LOG_LEVEL": "debug",
        "TDC_LAME_DUCK_S": "0",
        "TDC_DRAIN_S": "0",
    }
    with command("serve", environ=usual | dict(environ), open_files=open_files) as process:
        listening = process.event("listening")
        yield process, listening["public"], listening["admin"]


@asynccontextmanager
async def served(
    environ: Mapping[str, str], *, open_files: int | None = None
) -> AsyncIterator[tuple[Process, str, str]]:
    """Do the same beside a running event loop, which the sandbox needs."""
    async with _beside(serving(environ, open_files=open_files)) as entered:
        yield entered


@asynccontextmanager
async def beside(
    *arguments: str,
    environ: Mapping[str, str],
    tree: Path = _ROOT,
    program: Sequence[str] = (sys.executable, "-m", "proxy"),
) -> AsyncIterator[Process]:
    """Run a command beside a running event loop until the end of the block."""
    running = command(*arguments, environ=environ, tree=tree, program=program)
    async with _beside(running) as process:
        yield process


@asynccontextmanager
async def _beside(running: AbstractContextManager[T]) -> AsyncIterator[T]:
    entered = await asyncio.to_thread(running.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def run(*arguments: str, environ: Mapping[str, str]) -> tuple[int, str]:
    """Run a command to its end; return its status and all that it printed."""

    def wait() -> tuple[int, str]:
        with command(*arguments, environ=environ) as process:
            return process.status(), process.output

    return await asyncio.to_thread(wait)


def environ_for(thron: Sandbox, state: Path) -> dict[str, str]:
    """Return the settings of a connector in front of a sandbox, patient with a busy machine."""
    return {
        "STATE_DIRECTORY": str(state),
        "TDC_CLIENT_ID": thron.client_id,
        "TDC_APP_ID": thron.app_id,
        "TDC_APP_KEY": thron.app_key,
        "TDC_API_URL": thron.api_url,
        "TDC_CDN_URL": thron.cdn_url,
        "TDC_ORIGIN_HOSTS": "127.0.0.1",
        # A busy machine may stand still for longer than an operator would wait for THRON.
        "TDC_CONNECT_TIMEOUT_S": "600",
        "TDC_FIRST_BYTE_TIMEOUT_S": "600",
        "TDC_READ_GAP_S": "600",
    }


async def installed(thron: Sandbox, state: Path, *connectors: Connector) -> dict[str, str]:
    """Install connectors for a process that is to start; return its settings.

    The command for it would be a process more, which takes longer than most tests.
    """
    (file := state / "connector.db").write_bytes(await asyncio.to_thread(sqlite_file))
    resolved = [each.model_copy(update={"folder_id": each.folder}) for each in connectors]
    async with Database.open(f"sqlite:///{file}") as database:
        await ConnectorStore(database).apply(resolved, actor="test")
    return environ_for(thron, state)
