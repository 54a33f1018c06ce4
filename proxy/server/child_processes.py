"""Successors and workers that this process starts, and what a parent owes them.

A service manager takes a successor for the main process from then on. Elsewhere the first process
stays the parent of all that follow: its end is the end of a container, or of a shell's job. Those
between it and the newest one may end, since it adopts their children (PR_SET_CHILD_SUBREAPER).
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from proxy.server import foreground

_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
# For the event loop to hand on signals that have come.
_TURNS_S = 0.05


class ChildProcess:
    """A process that has been started.

    Not a Popen: to signal one, or to forget it, may wait for it, and then nobody else hears of its
    end.
    """

    def __init__(self, popen: subprocess.Popen[bytes]) -> None:
        popen.returncode = 0  # it waits for nothing any more
        self.pid = popen.pid
        self.has_ended = False

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def send_signal(self, sig: int, /) -> None:
        """Send it a signal, unless it has ended: the number is then anybody's."""
        if not self.has_ended:
            os.kill(self.pid, sig)


class ChildProcesses:
    """Starts successors and workers, and notices their end."""

    def __init__(self, *, is_first: bool, failed: Callable[[int], None]) -> None:
        """Start none yet.

        Args:
            is_first: Whether this process stays as long as those that follow it.
            failed: Is told the status of the last successor that has ended, if it was not 0:
                nobody serves any more.
        """
        self._is_first = is_first
        self._failed = failed
        # The newest successor, and of the first process the group of all that follow.
        self._successor: int | None = None
        self._workers: dict[int, asyncio.Future[int]] = {}
        self._running: dict[int, ChildProcess] = {}

    def start(self, environ: Mapping[str, str], descriptor: int) -> ChildProcess:
        """Start this program anew, as it is installed by now, with one descriptor of this process.

        Raises:
            OSError: It cannot be started.
        """
        self._watch()
        if self._is_first and sys.platform == "linux":
            # systemd's MemoryDenyWriteExecute= may refuse it, and a service does not come here.
            import ctypes  # noqa: PLC0415 - see above

            ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        popen = subprocess.Popen(  # noqa: S603 - the program that runs here already
            [sys.executable, *sys.orig_argv[1:]],
            env=environ,
            pass_fds=[descriptor],
            # A group of their own: a terminal sends its signals to the first process alone, which
            # passes them on to the group.
            process_group=0 if self._is_first else None,
        )
        self._successor = popen.pid
        return self._started(popen)

    def start_worker(
        self, command: Sequence[str], descriptor: int
    ) -> tuple[ChildProcess, asyncio.Future[int]]:
        """Start a process that serves for this one, with one descriptor of this process.

        Returns:
            It, and what becomes its exit status; negative for the signal that ended it.

        Raises:
            OSError: It cannot be started.
        """
        self._watch()
        popen = subprocess.Popen(  # noqa: S603 - a command of ours
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=[descriptor],
            # A terminal signals the whole group: this process passes on what it gets.
            process_group=0,
        )
        ended = self._workers[popen.pid] = asyncio.get_running_loop().create_future()
        return self._started(popen), ended

    def pass_on(self, number: signal.Signals) -> None:
        """Send a signal to all that have been started, if they are this process's to tell."""
        if self._is_first and self._successor is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._successor, number)

    async def stay(self) -> int | None:
        """Wait for the successors, and return how the last one ended; None if there is none.

        Where it can, this process becomes a program that does nothing else, and does not return.
        """
        if not self._is_first or self._successor is None:
            return None
        # No signal is lost: other threads take none, this one blocks them until it waits for them,
        # and what has come before is passed on by the event loop.
        await asyncio.get_running_loop().shutdown_default_executor()
        signal.pthread_sigmask(signal.SIG_BLOCK, foreground.AWAITED)
        await asyncio.sleep(_TURNS_S)
        with suppress(OSError):  # it is not there any more
            os.execv(  # noqa: S606 - a program of ours
                sys.executable, [sys.executable, "-I", foreground.__file__, str(self._successor)]
            )
        return foreground.stay(self._successor)

    def _started(self, popen: subprocess.Popen[bytes]) -> ChildProcess:
        process = self._running[popen.pid] = ChildProcess(popen)
        return process

    def _watch(self) -> None:
        # Not by asyncio's own watcher, which waits for what it has started: others are adopted.
        asyncio.get_running_loop().add_signal_handler(signal.SIGCHLD, self._ended)

    def _ended(self) -> None:
        with suppress(ChildProcessError):
            while True:
                pid, ended = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    break
                if (process := self._running.pop(pid, None)) is not None:
                    process.has_ended = True
                if (worker := self._workers.pop(pid, None)) is not None:
                    worker.set_result(os.waitstatus_to_exitcode(ended))
                elif (successor := self._successor) is not None:
                    is_left = (
                        foreground.has_processes(successor) if self._is_first else pid != successor
                    )
                    if not is_left:
                        self._successor = None
                        if status := foreground.exit_status(ended):
                            self._failed(status)
