"""The splice pump: octets go from socket to socket in the kernel, and never into this process.

Both sides must be plain TCP, and the length known. The transports keep their sockets; copies of the
descriptors (``os.dup``) are waited for, which asyncio and uvloop allow alike. A copy keeps the
client's connection open and so hides that it was broken off: it is closed before anything else.
"""

import asyncio
import os
import resource
from contextlib import ExitStack
from typing import ClassVar

from proxy.delivery.transfer import Transfer
from proxy.delivery.transport.connection import Response
from proxy.errors import OriginIncomplete

try:
    from fcntl import F_GETPIPE_SZ, F_SETPIPE_SZ, fcntl
    from os import SPLICE_F_MOVE, SPLICE_F_NONBLOCK, splice
except ImportError:  # not Linux
    IS_AVAILABLE = False
else:
    IS_AVAILABLE = True
    _FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK

# A wide pipe takes half of the processor time of a narrow one. But an ordinary user may have 64 MiB
# in pipes (pipe(7), pipe-user-pages-soft); more are two pages small, and what gets no pipe that is
# worth it goes by the direct pump.
_WIDE = 1024 * 1024
_MOST_WIDE = 64
_NARROW = 256 * 1024
_SMALLEST = 64 * 1024
# Before others have their turn.
_ROUNDS = 4
# Each has four descriptors, two of the pipe and two copies: all of them a quarter of those that the
# process may open, which server/descriptors.py keeps back for them.
_OPEN_FILES_PER_SPLICE = 16
# What clients that stall leave of wide pipes is held in this process, by all of them so much; the
# pipe keeps what is more until its client takes it.
_MOST_HELD = 64 * 1024 * 1024


async def spliced(transfer: Transfer, response: Response) -> bool:
    """Move octets until all have crossed or the client stalls; False where it cannot be done.

    Args:
        transfer: Of a known length, nothing of it left to skip.
        response: The origin's.

    Raises:
        OriginError: The origin broke off.
        ConnectionError: The client has left.
    """
    if not IS_AVAILABLE or None in {response.plain_socket(), transfer.client.plain_socket()}:
        return False
    with ExitStack() as opened:
        pipe = _pipe(opened)
        if pipe is None:
            return False
        _Splicing.running += 1
        opened.callback(_Splicing.has_ended)
        # What has been read already goes first; the connection is read by nobody else meanwhile.
        response.hold()
        while held := transfer.needed(response.take_held()):
            await transfer.write(held)
        await transfer.client.emptied()
        # Only now: a connection that was lost meanwhile has given its descriptor to another.
        copies = _copied(opened, response.plain_socket(), transfer.client.plain_socket())
        if copies is None:
            return False
        left = min(transfer.left or 0, response.left or 0)
        splicing = _Splicing(transfer, copies, pipe, left=left)
        splicing.start()
        try:
            try:
                await splicing.done
            finally:
                splicing.stop()
                opened.close()  # the copies: before the connections
                response.passed(splicing.read)
            if splicing.held:
                await transfer.write(splicing.taken_back())
        finally:
            _Splicing.held_in_all -= splicing.held_octets
    return True


class _Splicing:
    """One callback for both sockets: it fills the pipe, empties it, and says whom it waits for.

    Attributes:
        running: How many there are in this process.
        held_in_all: Octets that are held for clients that stall.
        read: Octets taken from the origin.
        held: Of these, what a client that stalls has not got.
        held_octets: How many that were.
    """

    running: ClassVar[int] = 0
    held_in_all: ClassVar[int] = 0

    def __init__(
        self, transfer: Transfer, copies: tuple[int, int], pipe: tuple[int, int], *, left: int
    ) -> None:
        self._transfer = transfer
        self._left = left
        self._origin, self._client = copies
        self._pipe_out, self._pipe_in = pipe
        self._in_pipe = 0
        self._waits_for: int | None = None
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.read = 0
        self.held = b""
        self.held_octets = 0

    @classmethod
    def has_ended(cls) -> None:
        """Count one less."""
        cls.running -= 1

    def start(self) -> None:
        """Move octets until there are no more, or the client stalls; ``done`` tells."""
        self._transfer.stalled = self._give_back
        self._turn()

    def stop(self) -> None:
        """Wait for nobody any more."""
        self._transfer.stalled = None
        self._wait_for(None)

    def _turn(self) -> None:
        try:
            self._move()
        except (OSError, OriginIncomplete) as exc:
            self._end(exc)

    def _move(self) -> None:
        transport = self._transfer.client.transport
        if transport.is_closing():
            raise ConnectionResetError("the client has left")
        rounds = 0
        while self._left or self._in_pipe:
            if rounds == _ROUNDS:
                self._wait_for(self._client if self._in_pipe else self._origin)
                return
            rounds += 1
            # The pipe is emptied before more is read: so it is empty when the origin breaks off,
            # and a pipe without room is never taken for an origin without octets.
            if not self._in_pipe and not self._fill():
                return
            try:
                moved = splice(self._pipe_out, self._client, self._in_pipe, flags=_FLAGS)
            except BlockingIOError:
                self._transfer.waits()
                self._wait_for(self._client)
                return
            except OSError as exc:  # TCP's own time-out among them
                raise ConnectionResetError("the client has left") from exc
            self._in_pipe -= moved
            self._transfer.count(moved)
            self._transfer.taken(moved)
        self._end(None)

    def _fill(self) -> bool:
        """Fill the empty pipe; False where the origin has nothing to read now."""
        try:
            read = splice(self._origin, self._pipe_in, min(self._left, _WIDE), flags=_FLAGS)
        except BlockingIOError:
            self._wait_for(self._origin)
            return False
        except OSError as exc:
            raise OriginIncomplete("the origin broke it off") from exc
        if not read:
            raise OriginIncomplete(f"{self._left} bytes are missing")
        self._in_pipe = read
        self._left -= read
        self.read += read
        return True

    def _wait_for(self, copy: int | None) -> None:
        """Call ``_turn`` when the origin can be read, or the client be written to."""
        if copy == self._waits_for:
            return
        if self._waits_for == self._origin:
            self._loop.remove_reader(self._origin)
        elif self._waits_for == self._client:
            self._loop.remove_writer(self._client)
        self._waits_for = copy
        if copy == self._origin:
            self._loop.add_reader(self._origin, self._turn)
        elif copy == self._client:
            self._loop.add_writer(self._client, self._turn)

    def _give_back(self) -> None:
        """End it for a client that has stalled: others need the pipe, and its pages."""
        if self.done.done() or _Splicing.held_in_all + self._in_pipe > _MOST_HELD:
            return
        if self._in_pipe:
            self.held = os.read(self._pipe_out, self._in_pipe)
            self.held_octets = len(self.held)
            _Splicing.held_in_all += self.held_octets
        if len(self.held) < self._in_pipe:  # a pipe gives all it has, and a gap would go unseen
            self._end(OriginIncomplete("the pipe gave less than it held"))
            return
        self._end(None)

    def taken_back(self) -> bytes:
        """Return what is held, and hold it no more."""
        held, self.held = self.held, b""
        return held

    def _end(self, problem: Exception | None) -> None:
        self._wait_for(None)
        if self.done.done():
            return
        if problem is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(problem)


def _copied(opened: ExitStack, origin: int | None, client: int | None) -> tuple[int, int] | None:
    """Return copies of both descriptors, None where a side has ended or none is left."""
    if origin is None or client is None:
        return None
    try:
        origin_copy = os.dup(origin)
        opened.callback(os.close, origin_copy)
        client_copy = os.dup(client)
        opened.callback(os.close, client_copy)
    except OSError:
        return None
    return origin_copy, client_copy


def _pipe(opened: ExitStack) -> tuple[int, int] | None:
    """Return the ends of a pipe, None where the kernel gives none that is worth it."""
    open_files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= open_files // _OPEN_FILES_PER_SPLICE <= _Splicing.running:  # below 0 without a limit
        return None
    size = _WIDE if _Splicing.running < _MOST_WIDE else _NARROW
    try:
        out, into = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # no descriptor is left; another pump needs none
        return None
    opened.callback(os.close, out)
    opened.callback(os.close, into)
    try:
        size = fcntl(into, F_SETPIPE_SZ, size)
    except PermissionError:
        size = fcntl(into, F_GETPIPE_SZ)
    return (out, into) if size >= _SMALLEST else None
