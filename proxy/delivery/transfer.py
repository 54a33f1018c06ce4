"""A transfer: the octets of one content on their way to one client, and who waits for whom.

An octet counts when it has been handed to the client. Whoever keeps the other side waiting for too
long ends the transfer: an origin that is silent, a client that takes too little. Each step is noted
here as it happens, and looked at once a second.

The plainest pump, ``ordinary``, is here too. It works everywhere: read a piece, write it, wait for
the client. Those in ``pumps`` are for origins and clients that allow more.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from proxy.delivery.client_stream import ClientStream
from proxy.delivery.upstream import Upstream
from proxy.errors import (
    GatewayError,
    OriginIncomplete,
    OriginTimeout,
    Preempted,
    ReaderTooSlow,
)
from proxy.telemetry.access_record import AccessRecord

# How often it is looked at who waits for whom; shorter limits are looked at more often.
_LOOK_EVERY_S = 1.0
_LOOKS_WITHIN = 4
# A client that takes nothing for so long is slow, or has stalled.
_STALLED_S = 1.0


@dataclass(frozen=True, slots=True)
class MinRate:
    """The least a reader must take.

    Attributes:
        min_rate_bytes_s: Octets a second, averaged over the window.
        window_s: Seconds of waiting for the client; the origin's slowness is not counted.
    """

    min_rate_bytes_s: int
    window_s: float


class Transfer:
    """What the pumps have in common.

    Attributes:
        upstream: Where the octets come from; set by ``relay.pump``, as are the next three.
        client: Where they go.
        left: Octets that the client still lacks; None where the origin's end is the end.
        skip: Octets to drop first: an origin may begin earlier than asked.
        record: Takes the time of the first octet, and the count.
        waits_since: When the write began that the client has not taken yet; None between writes.
        waited_s: How long it has been waited for, without the write that waits now.
        stalled: Called at each look at which the client has taken nothing for a second.
    """

    upstream: Upstream
    client: ClientStream
    left: int | None
    skip: int

    def __init__(
        self, record: AccessRecord, min_rate: MinRate, *, now: Callable[[], float]
    ) -> None:
        self.record = record
        self._min_rate = min_rate
        self._now = now
        self.waits_since: float | None = None
        self.waited_s = 0.0
        self.stalled: Callable[[], None] | None = None
        self._moved_at = 0.0
        self._octets = 0  # taken since the client was judged last
        self._judged_s = 0.0  # how long it had been waited for by then
        self._looks: asyncio.TimerHandle | None = None
        self._timeout: asyncio.Timeout | None = None
        self._verdict: GatewayError | None = None

    def needed(self, octets: bytes) -> bytes:
        """Return what of some octets the client needs; an origin may end later than asked, too."""
        begin = min(self.skip, len(octets))
        self.skip -= begin
        end = None if self.left is None else begin + self.left
        return octets[begin:end]

    def count(self, octets: int) -> None:
        """Count octets that have been handed to the client."""
        record = self.record
        if record.first_byte_s is None:
            record.first_byte_s = record.monotonic() - record.began
        record.octets += octets
        if self.left is not None:
            self.left -= octets

    def waits(self) -> None:
        """Note that the client is given octets, and has not taken them yet."""
        if self.waits_since is None:
            self.waits_since = self._now()

    def taken(self, octets: int) -> None:
        """Note that it has taken some; from now on the origin is waited for."""
        self._moved_at = now = self._now()
        self._octets += octets
        if self.waits_since is not None:
            self.waited_s += now - self.waits_since
            self.waits_since = None

    def sends_the_rest_at_once(self) -> bool:
        """Send what has come already, waiting for nobody; tell whether that is all there is.

        Otherwise the header section leaves alone: who waits for the origin has it meanwhile.
        """
        response = self.upstream.response
        if needed := self.needed(response.take_held() if response is not None else b""):
            self.client.send(needed)
            self.count(len(needed))
        else:
            self.client.send_head()
        is_whole = self.left is None and response is not None and response.is_whole
        return self.left == 0 or is_whole

    async def write(self, octets: bytes) -> None:
        """Write octets that are needed, and wait while the client's connection takes no more.

        They count before the wait: the origin's silence may be what ends it, and what was written
        must not be asked for again.
        """
        written = len(octets)
        self.waits()
        self.client.send(octets)
        del octets  # what is not sent is held once, by the connection
        self.count(written)
        await self.client.drain()
        self.taken(written)

    async def ordinary(self, *, at_least: int | None = None) -> bool:
        """Move octets, and tell whether the origin's end has come.

        Args:
            at_least: How many are enough, for another pump to go on; None for all.

        Raises:
            OriginError: The origin broke off, or ended early.
            ConnectionError: The client has left.
        """
        moved = 0
        while self.left != 0 and (at_least is None or moved < at_least):
            octets = await self.upstream.read()
            if not octets:
                if self.left is not None:
                    raise OriginIncomplete(f"{self.left} bytes are missing")
                return True
            if needed := self.needed(octets):
                await self.write(needed)
                moved += len(needed)
            else:
                self.taken(0)  # it gives, though nothing that is needed yet
        return self.left == 0

    async def emptied(self) -> None:
        """Wait, watching, until the client's connection has taken all that was written.

        Raises:
            ReaderTooSlow: The client takes too little.
            ConnectionError: The client has left.
        """
        async with self.watching():
            self.waits()
            await self.client.emptied()

    def check(self) -> None:
        """Judge the client by the window so far.

        Raises:
            ReaderTooSlow: It takes too little.
        """
        window_s, waited_s = self._min_rate.window_s, self.waited_s
        if self.waits_since is not None:
            waits_s = self._now() - self.waits_since
            if waits_s >= window_s:
                raise ReaderTooSlow(f"took nothing for {window_s:g} s")
            waited_s += waits_s
        of_window_s = waited_s - self._judged_s
        if of_window_s >= window_s:
            if self._octets < self._min_rate.min_rate_bytes_s * of_window_s:
                raise ReaderTooSlow(f"took {self._octets} bytes in {of_window_s:.0f} s")
            self._octets, self._judged_s = 0, waited_s

    def give_way(self) -> None:
        """End the write that the client has not taken, and the download with it."""
        if self.waits_since is not None:
            self._end(Preempted(f"took nothing for {self._now() - self.waits_since:.1f} s"))

    @asynccontextmanager
    async def watching(self, *, read_gap_s: float = math.inf) -> AsyncIterator[None]:
        """Look at who waits for whom until the end of the block.

        Args:
            read_gap_s: How long the origin may be silent, in seconds.

        Raises:
            ReaderTooSlow: The client takes too little.
            Preempted: It took nothing of late, and another client needs its place.
            OriginTimeout: The origin is silent.
        """
        loop = asyncio.get_running_loop()
        every_s = min(_LOOK_EVERY_S, read_gap_s / _LOOKS_WITHIN)
        every_s = min(every_s, self._min_rate.window_s / _LOOKS_WITHIN)
        self._moved_at = self._now()

        self._looks = loop.call_later(every_s, self._look, every_s, read_gap_s)
        try:
            async with asyncio.timeout(None) as self._timeout:
                yield
        except TimeoutError as exc:
            if self._verdict is None:
                raise  # the client's connection, by TCP's own limit
            raise self._verdict from exc
        finally:
            if self._looks is not None:
                self._looks.cancel()
            self._timeout = self._verdict = self.waits_since = None

    def _look(self, every_s: float, read_gap_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._looks = loop.call_later(every_s, self._look, every_s, read_gap_s)
        try:
            self.check()
        except ReaderTooSlow as exc:
            self._end(exc)
        now = self._now()
        if self.waits_since is None and now - self._moved_at >= read_gap_s:
            self._end(OriginTimeout(f"silent for {read_gap_s:g} s in the middle of the content"))
        is_stalled = self.waits_since is not None and now - self.waits_since >= _STALLED_S
        if is_stalled and self.stalled is not None:
            self.stalled()

    def _end(self, verdict: GatewayError) -> None:
        if self._timeout is not None and self._verdict is None:
            self._verdict = verdict
            self._timeout.reschedule(asyncio.get_running_loop().time())
