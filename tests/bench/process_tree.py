"""What a process and its children cost, by /proc and ``ss``."""

import os
import re
import subprocess
from contextlib import suppress
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_SKMEM = re.compile(r"skmem:\(r(\d+),rb\d+,t\d+,tb\d+,f(\d+),w(\d+),")


def cpu_s(pid: int) -> float:
    """Return the seconds of processor that a tree has spent, in user and system mode."""
    ended = sum(map(int, _stat(pid)[13:15])) / _TICKS_PER_S  # of children that were waited for
    return own_cpu_s(pid) + ended + sum(cpu_s(child) for child in children(pid))


def own_cpu_s(pid: int) -> float:
    """Return those that the process itself has spent."""
    return sum(map(int, _stat(pid)[11:13])) / _TICKS_PER_S


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def resident_mb(pid: int) -> float:
    """Return the resident memory of a tree."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    own = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    return own + sum(resident_mb(child) for child in children(pid))


def sockets_mb(pid: int) -> float:
    """Return the kernel's memory of a process's TCP sockets: received, to be sent, set aside."""
    told = subprocess.run(
        ["ss", "-tmnpHO"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    own = [line for line in told if f"pid={pid}," in line]
    found = [match for line in own if (match := _SKMEM.search(line))]
    return sum(sum(map(int, match.groups())) for match in found) / 1e6


def children(pid: int) -> list[int]:
    """Return the processes that one has started, and that still run."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended since it was listed
            found += map(int, (thread / "children").read_text().split())
    return found
