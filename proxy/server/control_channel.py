"""The channel between the supervisor and one of its processes: messages with descriptors.

Each message is one packet (``SOCK_SEQPACKET``), so that none is read in parts, and its descriptors
come with it (``SCM_RIGHTS``). The kernel closes the channel when either process ends, however it
does; that is how each knows of the other's end.
"""

import asyncio
import os
import socket
from array import array
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import orjson

Message = Mapping[str, Any]

_LARGEST = 128 * 1024
_MOST_DESCRIPTORS = 8


class ControlChannel:
    """One end of it.

    Args:
        sock: Of a pair; closed by ``close``.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """Return a new channel's one end, and the other for a process to inherit."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message; it is lost where the other end is closed, or has read none for long."""
        with suppress(OSError):
            # Not by ``socket.send_fds``, which takes flags and ignores them.
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))
            self._sock.sendmsg([orjson.dumps(message)], [rights], socket.MSG_DONTWAIT)

    def receive(self) -> tuple[Message, list[int]] | None:
        """Wait for a message, and return it with its descriptors; None at the other's end."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self._sock, _LARGEST, _MOST_DESCRIPTORS)
        except ConnectionError:
            return None
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - the os module's own signature
        return (orjson.loads(packet), descriptors) if packet else None

    def listen(
        self,
        heard: Callable[[Message, list[int]], None],
        *,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Have every message handed on from now on, and the other's end told."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            received = self.receive()
            if received is None:
                loop.remove_reader(self._sock)
                ended()
            else:
                heard(*received)

        loop.add_reader(self._sock, read)

    def close(self) -> None:
        """Close this end, which tells the other process."""
        with suppress(RuntimeError):  # no loop reads it
            asyncio.get_running_loop().remove_reader(self._sock)
        self._sock.close()
