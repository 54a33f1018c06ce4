"""What systemd, or whoever speaks like it, is told and gives: sd_notify(3), sd_listen_fds(3).

Both are a few lines of a protocol that is documented to be spoken without its library.
"""

import asyncio
import os
import socket
from collections.abc import Mapping, MutableMapping
from contextlib import suppress

# The first descriptor that is given (SD_LISTEN_FDS_START).
_FIRST = 3
_NAMES = "LISTEN_FDNAMES"
# For a service manager that has much to read; the event loop stands still meanwhile.
_PATIENCE_S = 1.0


def notify(environ: Mapping[str, str], *lines: str) -> None:
    """Tell the service manager how this process stands; nothing if there is none.

    Args:
        environ: Names its socket.
        lines: Such as ``READY=1``; they count together.
    """
    address = environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, suppress(OSError):
        # It waits where many tell at once, as after a boot: a lost MAINPID= would end the service.
        sock.settimeout(_PATIENCE_S)
        sock.sendto("\n".join(lines).encode(), address)


async def keep_watchdog(environ: Mapping[str, str]) -> None:
    """Tell the service manager that the event loop runs, as often as ``WatchdogSec=`` asks for.

    Whom ``WATCHDOG_PID`` names (sd_watchdog_enabled(3)) does not count: of a successor it is the
    process before, and the service manager listens to its main process alone.
    """
    microseconds = environ.get("WATCHDOG_USEC", "")
    while microseconds.isdecimal() and int(microseconds):
        notify(environ, "WATCHDOG=1")
        await asyncio.sleep(int(microseconds) / 2e6)


def is_supervised(environ: Mapping[str, str]) -> bool:
    """Tell whether a successor may become the main process, and this one end.

    The end of a container's first process, or of a shell's foreground job, ends the whole.
    """
    return bool(environ.get("NOTIFY_SOCKET")) and os.getpid() != 1


def given_sockets(environ: MutableMapping[str, str]) -> list[tuple[str, socket.socket]]:
    """Return the sockets that are given, each with its name, and take them out of the environment.

    Args:
        environ: Its ``LISTEN_PID`` says for whom they are. ``LISTEN_FDNAMES`` stays in it, for a
            successor, which gets the sockets in another way.
    """
    process, count = (environ.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS"))
    if process != str(os.getpid()) or not count.isdecimal():
        environ.pop(_NAMES, None)
        return []
    given = []
    environ.setdefault(_NAMES, "")
    names = given_names(environ) + [""] * int(count)
    for number, name in zip(range(int(count)), names, strict=False):
        sock = socket.socket(fileno=_FIRST + number)
        sock.set_inheritable(False)
        given.append((name, sock))
    return given


def gives_sockets(environ: Mapping[str, str]) -> bool:
    """Tell whether the service manager has given sockets to this process or one before it.

    It goes on to listen on them when none of them runs.
    """
    return _NAMES in environ


def given_names(environ: Mapping[str, str]) -> list[str]:
    """Return the names of the sockets that were given to this process or one before it."""
    return environ.get(_NAMES, "").split(":")
