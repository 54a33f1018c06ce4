"""The first process of a container or a shell's job, once it serves nothing: the rest outlives it.

Run as a program, it has no more than this in memory. It imports nothing of ours, so that it runs
beside whatever release is installed by now.
"""

import os
import signal
import sys
from contextlib import suppress

_PASSED_ON = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
# SIGCHLD tells that a process has ended.
AWAITED = _PASSED_ON | {signal.SIGCHLD}


def stay(group: int) -> int:
    """Wait until a group has ended, and return how the last of it did.

    Args:
        group: The process group of those that serve; signals are passed on to it. What a killed
            one of them has left behind has a group of its own, and is not waited for.
    """
    # Blocked and waited for: none is lost, however close they come.
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    status = 0
    while has_processes(group):
        pid, ended = os.waitpid(-1, os.WNOHANG)
        if pid:
            status = exit_status(ended)
            continue
        number = signal.sigwait(AWAITED)
        if number in _PASSED_ON:
            with suppress(ProcessLookupError):
                os.killpg(group, number)
    return status


def has_processes(group: int) -> bool:
    """Tell whether a process group has any left, those included that nobody has waited for."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def exit_status(ended: int) -> int:
    """Return the exit status of what ``waitpid`` tells, as a shell has it."""
    code = os.waitstatus_to_exitcode(ended)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(stay(int(sys.argv[1])))
