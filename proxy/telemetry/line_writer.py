"""Whole lines to a stream that may not be read: nobody waits for it but the end of the process."""

import asyncio
import io
import os
import select
import stat
import threading
from collections import deque
from contextlib import suppress
from typing import BinaryIO

import structlog

log = structlog.get_logger("proxy.telemetry.line_writer")

# Of lines that wait for the end of the loop's turn; more are written at once.
_GATHERED = 256
# What waits for a reader that does not read; of what comes then, nothing is kept.
_MOST_WAITING = 1024 * 1024
_AGAIN_S = 0.01
# At the end of the process, for a reader that has stopped.
_AT_END_MS = 2000


class LineWriter:
    """Writes lines to a stream, those of one turn of the event loop together.

    A system call for each line costs as much as the line. Outside of a loop, a line is written at
    once; what is left when the process ends is written then.

    The stream is often a pipe to another program. If that hangs, a write would wait for it, and
    with the loop every download: so no more is written than the pipe takes. What comes beyond a
    mebibyte is dropped, and once the reader reads again the log tells how many lines that were.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._pipe = _Pipe.of(stream)
        self._lock = threading.RLock()  # what the garbage collector finds may log at any moment
        self._lines: deque[bytes] = deque()
        self._octets = 0
        self._dropped = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def write(self, line: bytes) -> None:
        """Take a line with its end."""
        with self._lock:
            if self._octets + len(line) > _MOST_WAITING:
                self._dropped += 1
                return
            self._lines.append(line)
            self._octets += len(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread, or nothing runs yet or any more
            self.write_out()
            return
        if self._loop is not loop:  # the last one may have ended before its turn
            self._loop = loop
            loop.call_soon(self._turn, loop)
        elif len(self._lines) == _GATHERED:
            self.write_out()

    def flush(self) -> None:
        """Do nothing: structlog asks for it after each line."""

    def write_out(self) -> None:
        """Write what has been gathered, as far as the stream takes it now."""
        self._put(wait_ms=0)

    def close(self) -> None:
        """Write what is left, and wait for the reader unless it has stopped."""
        self._put(wait_ms=_AT_END_MS)

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = None
        self.write_out()
        if self._lines:
            self._loop = loop
            loop.call_later(_AGAIN_S, self._turn, loop)
        elif self._dropped:
            dropped, self._dropped = self._dropped, 0
            log.warning("log lines dropped", lines=dropped, fix="see why what reads the log hung")

    def _put(self, *, wait_ms: int) -> None:
        with self._lock:
            try:
                if self._pipe is not None:
                    self._octets -= self._pipe.put(self._lines, wait_ms=wait_ms)
                    return
                if self._lines:
                    self._stream.write(b"".join(self._lines))
                    self._stream.flush()
            except (OSError, ValueError):
                pass  # a full disk or a closed terminal costs lines, and no download
            self._lines.clear()
            self._octets = 0


class _Pipe:
    """A pipe or a socket, which is written to only as far as that blocks nobody.

    ``O_NONBLOCK`` would do so too, but holds for every process that has the same one open. A
    terminal is written to in the same way, though one that hangs may block all the same.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    @classmethod
    def of(cls, stream: BinaryIO) -> "_Pipe | None":
        """Return the pipe that a stream writes to; None for a file, or what is none at all."""
        with suppress(OSError, ValueError, io.UnsupportedOperation):
            descriptor = stream.fileno()
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return cls(descriptor)
        return None

    def put(self, lines: deque[bytes], *, wait_ms: int) -> int:
        """Write lines, take out what was written, and return how many octets that was.

        A pipe that can be written to at all takes PIPE_BUF octets, and takes them whole: lines of
        several processes do not mix (pipe(7)).

        Raises:
            OSError: There is no reader any more.
        """
        put = 0
        while lines and self._poll.poll(wait_ms):
            octets = lines.popleft()
            while lines and len(octets) + len(lines[0]) <= select.PIPE_BUF:
                octets += lines.popleft()
            written = os.write(self._descriptor, octets[: select.PIPE_BUF])
            put += written
            if written < len(octets):
                lines.appendleft(octets[written:])
        return put
