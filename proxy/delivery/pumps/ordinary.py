"""The ordinary pump: read a piece, write it, wait for the client. It works everywhere."""

from proxy.delivery.pumps.crossing import Crossing
from proxy.errors import OriginIncomplete


async def ordinary(crossing: Crossing, *, at_least: int | None = None) -> bool:
    """Move octets, and tell whether the origin's end has come.

    Args:
        crossing: Counts them.
        at_least: How many are enough, for another pump to go on; None for all.

    Raises:
        OriginError: The origin broke off, or ended early.
        ConnectionError: The client has left.
    """
    moved = 0
    while crossing.left != 0 and (at_least is None or moved < at_least):
        octets = await crossing.upstream.read()
        if not octets:
            if crossing.left is not None:
                raise OriginIncomplete(f"{crossing.left} bytes are missing")
            return True
        if needed := crossing.needed(octets):
            await crossing.write(needed)
            moved += len(needed)
        else:
            crossing.guard.taken(0)  # it gives, though nothing that is needed yet
    return crossing.left == 0
