"""The direct pump: what comes is written to the client's transport at once, without a task between.

It is for TLS on either side, where the kernel cannot splice, and for systems without splice.
"""

import asyncio

from proxy.delivery.transfer import Transfer
from proxy.delivery.transport.connection import Response
from proxy.errors import OriginIncomplete


async def direct(transfer: Transfer, response: Response, *, at_least: int | None = None) -> None:
    """Move the rest of a content, or as much as is enough.

    Args:
        transfer: Of a known length, nothing of it left to skip.
        response: The origin's.
        at_least: How many octets are enough, for another pump to go on.

    Raises:
        OriginError: The origin broke off.
        ConnectionError: The client has left.
    """
    transport = transfer.client.transport
    wake = asyncio.Event()
    left = transfer.left or 0
    enough = 0 if at_least is None else max(0, left - at_least)

    def is_enough() -> bool:
        return (transfer.left or 0) <= enough

    def sink(octets: bytes) -> None:
        if transport.is_closing():  # closed TLS raises AttributeError, and nothing counts any more
            response.hold()
            wake.set()
            return
        if needed := transfer.needed(octets):
            transport.write(needed)
            transfer.count(len(needed))
            transfer.taken(len(needed))
        if transfer.client.is_full or is_enough():
            response.hold()
            wake.set()

    response.flow(sink, ended=wake.set)
    try:
        while not is_enough():
            await wake.wait()
            wake.clear()
            if transport.is_closing():
                raise ConnectionResetError("the client has left")
            if is_enough():
                break
            if response.has_ended:
                response.raise_if_broken()
                raise OriginIncomplete(f"{transfer.left} bytes are missing")
            transfer.waits()
            await transfer.client.drain()
            transfer.taken(0)
            response.go_on()
    finally:
        response.stop_flow()
