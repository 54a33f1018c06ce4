"""The pump: upstream to client, with back-pressure, stall guard, exact octet count and resume."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import structlog

from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.min_rate import MinRateGuard
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.upstream import Upstream
from proxy.errors import (
    GatewayError,
    OriginChanged,
    OriginIncomplete,
    OriginTimeout,
    OriginUnreachable,
    ThronBusy,
    ThronTimeout,
    ThronUnreachable,
)
from proxy.semantics.resume import ResumePoint, continuation, octets_to_skip
from proxy.telemetry.access_record import AccessRecord

log = structlog.get_logger("proxy.relay")

# What a second request may repair: the connection, not the content.
_BROKEN = (
    OriginIncomplete,
    OriginTimeout,
    OriginUnreachable,
    ThronBusy,
    ThronTimeout,
    ThronUnreachable,
)

Reopen = Callable[[Fields], AbstractAsyncContextManager[Upstream]]


async def pump(
    upstream: Upstream,
    client: ClientStream,
    *,
    reopen: Reopen,
    retry_policy: RetryPolicy,
    read_gap_s: float,
    guard: MinRateGuard,
    record: AccessRecord,
) -> None:
    """Send the content of an upstream to a client, octet by octet the same.

    A client slower than the origin holds the origin back: ``write`` waits for the connection,
    and the upstream is not read meanwhile; the client's slowness is no silence of the origin.

    Args:
        upstream: Just opened.
        client: Its header section is sent; the end is left to the caller.
        reopen: Opens the same content again with a range, should the upstream break.
        retry_policy: How often in a row it is opened again without a single octet coming.
        read_gap_s: How long an origin may be silent, in seconds.
        guard: Watches how fast the client takes it.
        record: Takes the time of the first octet, the count, and how often it was resumed.

    Raises:
        OriginError: The origin broke off or fell silent, and nothing proves that what it has
            to offer now belongs to what was sent.
        ReaderTooSlow: The client takes too little.
        ConnectionError: The client has left.
    """
    content = _Content(upstream, reopen=reopen, retry_policy=retry_policy, read_gap_s=read_gap_s)
    try:
        while chunk := await content.read():
            record.first_byte()
            await guard.write(client.write, chunk)
            record.octets += len(chunk)
    finally:
        record.resumed = content.resumed
        await content.aclose()


async def finish(client: ClientStream, *, guard: MinRateGuard) -> None:
    """End an answer under the same guard as its content.

    Raises:
        ReaderTooSlow: The client takes too little.
        ConnectionError: The client has left.
    """
    await guard.write(lambda _: client.end(), b"")


class _Content:
    """The octets of one download, read from as many upstreams as it takes."""

    def __init__(
        self, first: Upstream, *, reopen: Reopen, retry_policy: RetryPolicy, read_gap_s: float
    ) -> None:
        self._upstream = first
        self._reopen = reopen
        self._retry_policy = retry_policy
        self._read_gap_s = read_gap_s
        self._resume_point = ResumePoint.of(first.status, first.fields)
        self._expected = self._resume_point.selected.octets if self._resume_point else first.octets
        self._received = 0
        self._skip = 0
        self._failures = 0
        self._opened = AsyncExitStack()
        self.resumed = 0

    async def aclose(self) -> None:
        """Close what was opened to resume; the first upstream is the caller's."""
        await self._opened.aclose()

    async def read(self) -> bytes:
        """Return the next octets, b"" at the end, resuming where it breaks."""
        while self._received != self._expected:
            try:
                chunk = await self._from_upstream()
            except _BROKEN as exc:
                await self._resume(exc)
                continue
            if not chunk:
                break
            # An origin may begin earlier than asked, and end later.
            skipped, self._skip = self._skip, max(0, self._skip - len(chunk))
            end = None
            if self._expected is not None:
                end = skipped + self._expected - self._received
            if needed := chunk[skipped:end]:
                self._received += len(needed)
                self._failures = 0
                return needed
        return b""

    async def _from_upstream(self) -> bytes:
        gap_s = self._read_gap_s
        try:
            async with asyncio.timeout(gap_s):
                chunk = await self._upstream.read()
        except TimeoutError as exc:
            raise OriginTimeout(f"silent for {gap_s} s in the middle of the content") from exc
        if not chunk and self._expected is not None:
            raise OriginIncomplete(f"{self._received} of {self._expected} octets came")
        return chunk

    async def _resume(self, broken: GatewayError) -> None:
        """Open another upstream for the rest, or raise the error that broke the last one."""
        if self._resume_point is None:
            raise broken  # nothing would prove that the rest belongs to it
        while True:
            self._failures += 1
            if self._failures > self._retry_policy.attempts:
                raise broken
            log.info("resuming", octets=self._received, reason=str(broken))
            self._upstream.close()
            await self._opened.aclose()
            await asyncio.sleep(self._retry_policy.wait_s(self._failures))
            try:
                await self._continue(self._resume_point)
            except _BROKEN as exc:
                broken = exc
            else:
                return

    async def _continue(self, resume_point: ResumePoint) -> None:
        asked = continuation(resume_point, received=self._received)
        if asked is None:
            raise OriginIncomplete("more octets came than were promised")
        upstream = await self._opened.enter_async_context(self._reopen(asked))
        skip = octets_to_skip(
            resume_point, received=self._received, status=upstream.status, fields=upstream.fields
        )
        if skip is None:
            raise OriginChanged("what the origin has now does not continue what was sent")
        self._upstream, self._skip = upstream, skip
        self.resumed += 1
