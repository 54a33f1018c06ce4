"""Processes that this one starts; their life as a whole is in tests/commands/test_reload.py."""

import os
import subprocess
import sys

import pytest

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
    print("failed", await asyncio.wait_for(failed, 30), flush=True)
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
        timeout=60,
    )
    assert done.stdout.splitlines() == [
        f"child {is_first}",
        "failed 7",
        "left None",
    ], done.stderr
