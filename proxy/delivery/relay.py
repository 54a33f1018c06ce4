"""The pump: an origin's octets to a client, each once, resumed where the origin breaks off.

What carries them is chosen here; that they are the right ones is seen to here, once for all ways.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.pumps.direct import direct
from proxy.delivery.pumps.splice import spliced
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import Transfer
from proxy.delivery.transport.connection import READS, Response
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
from proxy.settings import Pump

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
# What splice spares begins to be more than what it costs to set up.
_WORTH_SPLICING = 1024 * 1024
# A client that takes so much, and keeps us waiting for less than that, is fast. It is more than the
# buffers of its machine take for one that stalls.
_PROOF = 512 * 1024
_PROOF_S = 1.0

Reopen = Callable[[Fields], Awaitable[Upstream]]


async def pump(
    transfer: Transfer,
    upstream: Upstream,
    client: ClientStream,
    *,
    reopen: Reopen,
    retry_policy: RetryPolicy,
    read_gap_s: float,
    kind: Pump = Pump.AUTO,
) -> None:
    """Send the content of an upstream to a client, octet by octet the same.

    A client slower than the origin holds the origin back: the upstream is not read meanwhile; the
    client's slowness is no silence of the origin.

    Args:
        transfer: Of this download; nothing of it has gone yet.
        upstream: Just opened; closed at the end.
        client: Its header section is sent; the end is left to the caller.
        reopen: Opens the same content again with a range, should the upstream break.
        retry_policy: How often in a row it is opened again without a single octet coming.
        read_gap_s: How long an origin may be silent, in seconds.
        kind: What carries the octets where it can.

    Raises:
        OriginError: The origin broke off or fell silent, and nothing proves that what it has
            to offer now belongs to what was sent.
        ReaderTooSlow: The client takes too little.
        ConnectionError: The client has left.
    """
    first, record, expected = upstream, transfer.record, upstream.octets
    if expected is None and (promised := ResumePoint.of(first.status, first.fields)) is not None:
        expected = promised.selected.octets
    skip = failures = 0
    broken: GatewayError | None = None
    transfer.client = client
    try:
        while record.octets != expected:
            before = record.octets
            transfer.upstream, transfer.skip = upstream, skip
            transfer.left = expected - before if expected is not None else None
            # A small content has come with its header section, and leaves with ours at once.
            if transfer.sends_the_rest_at_once():
                return
            try:
                async with transfer.watching(read_gap_s=read_gap_s):
                    await _carry(transfer, kind)
            except _BROKEN as exc:
                broken = exc
            else:
                return
            if record.octets > before:
                failures = 0
            resume_point = ResumePoint.of(first.status, first.fields)
            while True:
                upstream.close()
                failures += 1
                if resume_point is None or failures > retry_policy.attempts:
                    raise broken  # without a resume point nothing would prove that the rest fits
                log.info("resuming", octets=record.octets, reason=str(broken))
                await asyncio.sleep(retry_policy.wait_s(failures))
                try:
                    upstream, skip = await _continued(resume_point, record.octets, reopen)
                    break
                except _BROKEN as exc:
                    broken = exc
            record.resumed += 1
    finally:
        upstream.close()
        broken = None  # its traceback has this frame: a cycle


async def _continued(
    resume_point: ResumePoint, received: int, reopen: Reopen
) -> tuple[Upstream, int]:
    """Open the rest of a content; return it, and how many octets come before the first missing one.

    Raises:
        OriginChanged: What the origin has now does not continue what was sent.
        GatewayError: It cannot be opened.
    """
    asked = continuation(resume_point, received=received)
    if asked is None:
        raise OriginIncomplete("more bytes arrived than announced")
    upstream = await reopen(asked)
    skip = octets_to_skip(
        resume_point, received=received, status=upstream.status, fields=upstream.fields
    )
    if skip is None:
        upstream.close()
        raise OriginChanged("what the origin has now does not continue what was sent")
    return upstream, skip


async def _carry(transfer: Transfer, kind: Pump) -> None:
    """Move one upstream's octets by the way that is cheapest for them, or by the one named."""
    response = transfer.upstream.response
    if response is None:  # aiohttp's, which gives no connection away
        await transfer.ordinary()
    elif transfer.left is None or transfer.client.in_chunks or kind is Pump.ORDINARY:
        response.reads = READS
        await transfer.ordinary()
    elif kind is Pump.AUTO and transfer.left >= _WORTH_SPLICING:
        await _carry_much(transfer, response)
    else:
        response.reads = READS
        # First what was read to sniff it, and what is to be skipped.
        while transfer.left and not await transfer.ordinary(at_least=1):
            if kind is not Pump.SPLICE or not await spliced(transfer, response):
                await direct(transfer, response)


async def _carry_much(transfer: Transfer, response: Response) -> None:
    """Move octets for a client that may be slow: it costs little until it has proved fast."""
    if await transfer.ordinary(at_least=1):  # what was read to sniff it, and what is to be skipped
        return
    transfer.client.hold_little()
    while transfer.left:
        waited_s = transfer.waited_s
        await direct(transfer, response, at_least=_PROOF)
        if transfer.waited_s - waited_s <= _PROOF_S:
            response.reads = READS
            transfer.client.hold_usual()
            if not await spliced(transfer, response):
                await direct(transfer, response)
