"""Two processes of this machine talk: messages are lines of JSON, and descriptors come with them.

The descriptors travel as SCM_RIGHTS (unix(7)). The kernel closes a channel when either process
ends, however it does; that is how each knows of the other's end.
"""

import asyncio
import json
import os
import socket
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

Message = Mapping[str, Any]

# An environment is some kilobytes.
_LONGEST_LINE = 1024 * 1024
_MOST_DESCRIPTORS = 8
# What sun_path holds without the octet that ends it (unix(7)).
_LONGEST_PATH = 107


class Channel:
    """One end of a connection between two processes of this machine and user.

    Attributes:
        descriptors: That have come and that nobody has taken yet, in the order of their messages;
            whoever takes one closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        """Take a connected Unix socket, and close it by ``close``."""
        sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
        sock.set_inheritable(False)
        self._sock = sock
        self._received = b""
        self.descriptors: list[int] = []

    @classmethod
    def pair(cls) -> tuple[Self, socket.socket]:
        """Return a new channel's one end, and the other for a process to inherit.

        Raises:
            OSError: No descriptor is left.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(ours), theirs

    @classmethod
    async def connect(cls, path: Path) -> Self:
        """Connect to a Unix socket.

        Raises:
            OSError: Nobody listens there.
        """
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
            with short(path) as address:
                await asyncio.get_running_loop().sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return cls(sock)

    def close(self) -> None:
        """Close it, and what has been received and taken by nobody."""
        self._sock.close()
        while self.descriptors:
            os.close(self.descriptors.pop())

    async def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message, with descriptors.

        Raises:
            OSError: The other end is closed.
        """
        line = _line(message)
        sent = 0
        if descriptors:  # few octets, and nothing waits before them: they need not be waited for
            sent = self._send_now(line, descriptors)
        # Of an empty rest nothing is sent: who has read the message can have answered and closed by
        # now, and that would be an error in place of the answer.
        if sent < len(line):
            await asyncio.get_running_loop().sock_sendall(self._sock, line[sent:])

    def post(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message without waiting, to one who may have ended, or may hang.

        One who has read nothing for hundreds of messages is given up: half of one would spoil the
        next. To him that is the end of this process.
        """
        line, sent = _line(message), 0
        with suppress(OSError):
            sent = self._send_now(line, descriptors)
        if sent < len(line):
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)

    async def receive(self) -> dict[str, Any]:
        """Return the next message; descriptors that come with it are in ``descriptors``.

        Raises:
            OSError: The other end is closed.
            ValueError: What comes is no message.
        """
        while b"\n" not in self._received:
            await self._readable()
            octets, descriptors, *_ = socket.recv_fds(self._sock, 64 * 1024, _MOST_DESCRIPTORS)
            for each in descriptors:
                os.set_inheritable(each, False)  # noqa: FBT003 - the os module's own signature
            self.descriptors += descriptors
            if not octets:
                raise ConnectionResetError("the other end is closed")
            self._received += octets
            if len(self._received) > _LONGEST_LINE:
                raise ValueError("the message does not end")
        line, _, self._received = self._received.partition(b"\n")
        message = json.loads(line)
        if not isinstance(message, dict):
            raise ValueError("no message")  # noqa: TRY004 - as where it is no JSON
        return message

    def _send_now(self, line: bytes, descriptors: Sequence[int]) -> int:
        # Not by ``socket.send_fds``, which sends no empty list of them.
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", descriptors))]
        return self._sock.sendmsg([line], rights if descriptors else [])

    async def _readable(self) -> None:
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(self._sock, _settle, readable)
        try:
            await readable
        finally:
            loop.remove_reader(self._sock)


def _line(message: Message) -> bytes:
    # Not orjson: an environment may have octets that are no UTF-8 (os.fsencode).
    return json.dumps(message).encode() + b"\n"


def _settle(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


@contextmanager
def short(path: Path) -> Iterator[str]:
    """Give an address of a Unix socket that is short enough, however long its path is."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
