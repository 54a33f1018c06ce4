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
    """Wait until every process below this one has ended, and return how the last one did.

    Args:
        group: The process group of those that signals are passed on to.
    """
    # Blocked and waited for: none is lost, however close they come.
    signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    status = 0
    while True:
        try:
            pid, ended = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return status
        if pid:
            status = exit_status(ended)
            continue
        number = signal.sigwait(AWAITED)
        if number in _PASSED_ON:
            with suppress(ProcessLookupError):
                os.killpg(group, number)


def exit_status(ended: int) -> int:
    """Return the exit status of what ``waitpid`` tells, as a shell has it."""
    code = os.waitstatus_to_exitcode(ended)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(stay(int(sys.argv[1])))
