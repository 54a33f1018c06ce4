"""Processes that this one starts; their life as a whole is in tests/commands/test_reload.py."""

import os
import subprocess
import sys

import pytest

from tests.waiting import PATIENCE_S

# Starts itself anew, with one descriptor, and tells how that went.
_PROGRAM = """
import asyncio, os, signal, sys
from proxy.server.child_processes import ChildProcesses

async def main():
    failed = asyncio.get_running_loop().create_future()
    children = ChildProcesses(is_first={is_first}, failed=failed.set_result)
    passed, other = os.pipe()
    os.set_inheritable(other, True)
    child = children.start({{**os.environ, "CHILD": f"{{passed}} {{other}}"}}, passed)
    children.pass_on(signal.SIGCONT)  # which changes nothing
    print("failed", await asyncio.wait_for(failed, 100), flush=True)
    print("left", await children.stay(), flush=True)

if "CHILD" in os.environ:
    passed, other = map(int, os.environ["CHILD"].split())
    os.fstat(passed)
    try:
        os.fstat(other)
    except OSError:
        print("child", os.getpgid(0) == os.getpid(), flush=True)
    sys.exit(7)
asyncio.run(main())
"""


@pytest.mark.parametrize("is_first", [True, False], ids=["the first", "a later one"])
def test_a_child(*, is_first: bool) -> None:
    """It is the same program, has one descriptor, and its failure is told as nobody is left."""
    program = _PROGRAM.format(is_first=is_first)
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"]},
        start_new_session=True,
        timeout=2 * PATIENCE_S,
    )
    assert done.stdout.splitlines() == [
        f"child {is_first}",
        "failed 7",
        "left None",
    ], done.stderr


# Signals a worker that has ended, and whose end nobody has noticed.
_SIGNALS_LATE = """
import asyncio, time
from pathlib import Path
from proxy.server.child_processes import ChildProcesses

async def main():
    children = ChildProcesses(is_first=False, failed=print)
    for _ in range(2):
        process, ended = children.start_worker(["sh", "-c", "exit 3"], 0)
        while ") Z" not in Path(f"/proc/{process.pid}/stat").read_text():
            time.sleep(0.001)
        process.kill()
        print(await asyncio.wait_for(ended, 100), process.has_ended)
        process.kill()

asyncio.run(main())
"""


def test_a_late_signal_hides_no_end() -> None:
    """Whoever kills a process that has just ended still hears how; later its number is not used."""
    done = subprocess.run(
        [sys.executable, "-c", _SIGNALS_LATE],
        check=True,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
    )
    assert done.stdout.splitlines() == ["3 True"] * 2, done.stderr
