"""The first process of a container, once it does nothing but wait."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from proxy.server import foreground

# Starts a child in a group of its own that says when it can be told, then stays for it.
_FIRST = """
import os, signal, subprocess, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
os.execv(sys.executable, [sys.executable, "-I", sys.argv[2], str(child.pid)])
"""
_SAYS_WHAT_COMES = """
import signal, sys
awaited = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
print("ready", flush=True)
while (number := signal.sigwait(awaited)) is not signal.SIGTERM:
    print(number.name, flush=True)
sys.exit(3)
"""


@contextmanager
def first(child: str) -> Iterator[subprocess.Popen[str]]:
    """Run a process that stays for a child."""
    with subprocess.Popen(
        [sys.executable, "-c", _FIRST, child, foreground.__file__],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def test_it_passes_signals_on_and_ends_as_the_last() -> None:
    """What the first process is told, those that follow it are told; their status is its own."""
    with first(_SAYS_WHAT_COMES) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
            assert process.stdout.readline() == f"{number.name}\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 3


def test_a_kill_is_a_status_too() -> None:
    """A child that a signal ended gives the status that a shell would."""
    with first("import os, signal; os.kill(os.getpid(), signal.SIGKILL)") as process:
        assert process.wait() == 128 + signal.SIGKILL


@pytest.mark.parametrize(("ended", "status"), [(0, 0), (2 << 8, 2), (signal.SIGTERM, 143)])
def test_exit_status(ended: int, status: int) -> None:
    """An exit status is what the process said, or 128 and the signal that ended it."""
    assert foreground.exit_status(ended) == status
