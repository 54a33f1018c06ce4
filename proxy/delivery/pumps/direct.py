"""The direct pump: what comes is written to the client's transport at once, without a task between.

It is for TLS on either side, where the kernel cannot splice, and for systems without splice.
"""

import asyncio

from proxy.delivery.pumps.crossing import Crossing
from proxy.delivery.transport.response import Response

# What may wait in this process for a client, besides one read, before the origin is held back.
_MOST_WAITING = 64 * 1024


async def direct(crossing: Crossing, response: Response) -> None:
    """Move the rest of a content.

    Args:
        crossing: Of a known length, nothing of it left to skip.
        response: The origin's.

    Raises:
        OriginError: The origin broke off.
        ConnectionError: The client has left.
    """
    transport = crossing.client.transport
    wake = asyncio.Event()

    def sink(octets: bytes) -> None:
        if transport.is_closing():
            wake.set()
            return
        if needed := crossing.needed(octets):
            transport.write(needed)
            crossing.crossed(len(needed))
        if transport.get_write_buffer_size() > _MOST_WAITING:
            response.hold()
            wake.set()

    response.flow(sink, ended=wake.set)
    try:
        while crossing.left:
            await wake.wait()
            wake.clear()
            if transport.is_closing():
                raise ConnectionResetError("the client has left")
            if crossing.left and response.has_ended:
                response.raise_if_broken()
            elif crossing.left:
                crossing.guard.waits()
                await crossing.client.drain()
                crossing.guard.taken(0)
                response.go_on()
    finally:
        response.stop_flow()
