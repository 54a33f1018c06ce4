"""The pump: upstream to client, with back-pressure, stall guard and exact octet count."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

from proxy.delivery.origin import Upstream
from proxy.errors import OriginIncomplete, OriginTimeout
from proxy.observe.middleware import AccessRecord


async def pump(
    upstream: Upstream, response: web.StreamResponse, *, record: AccessRecord, read_gap_s: float
) -> None:
    """Send the content of an upstream as that of a prepared response, octet by octet the same.

    A client slower than the origin holds the origin back: ``write`` waits for the connection,
    and aiohttp stops reading the upstream.

    Args:
        upstream: Just opened.
        response: Prepared; its end is left to the caller.
        record: Takes the time of the first octet and the count.
        read_gap_s: How long the origin may be silent, in seconds; the client's slowness is not
            counted.

    Raises:
        OriginTimeout: The origin fell silent.
        OriginIncomplete: It broke off, or sent fewer octets than it promised.
        ConnectionError: The client has left.
    """
    async for chunk in _chunks(upstream, read_gap_s):
        record.first_byte()
        await response.write(chunk)
        record.octets += len(chunk)
    if upstream.octets is not None and record.octets != upstream.octets:
        raise OriginIncomplete(f"{record.octets} of {upstream.octets} octets came")


async def _chunks(upstream: Upstream, read_gap_s: float) -> AsyncIterator[bytes]:
    chunks = upstream.chunks()
    while True:
        try:
            async with asyncio.timeout(read_gap_s):
                chunk = await anext(chunks, b"")
        except TimeoutError as exc:
            raise OriginTimeout(f"silent for {read_gap_s} s in the middle of the content") from exc
        if not chunk:
            return
        yield chunk
