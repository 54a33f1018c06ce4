"""The octets of one upstream on their way to one client, how many have left, and the plainest way.

That way, ``ordinary``, works everywhere: read a piece, write it, wait for the client. The other
pumps, beside this one, are for origins and clients that allow more.
"""

from proxy.delivery.client_stream import ClientStream
from proxy.delivery.min_rate import MinRateGuard
from proxy.delivery.upstream import Upstream
from proxy.errors import OriginIncomplete
from proxy.telemetry.access_record import AccessRecord


class Crossing:
    """What the pumps have in common; an octet counts when it has been handed to the client.

    Attributes:
        upstream: Where they come from.
        client: Where they go.
        guard: Is told who waits for whom.
        left: Octets that the client still lacks; None where the origin's end is the end.
        skip: Octets to drop first: an origin may begin earlier than asked.
    """

    def __init__(
        self,
        upstream: Upstream,
        client: ClientStream,
        *,
        guard: MinRateGuard,
        record: AccessRecord,
        left: int | None,
        skip: int,
    ) -> None:
        self.upstream = upstream
        self.client = client
        self.guard = guard
        self.left = left
        self.skip = skip
        self._record = record

    def needed(self, octets: bytes) -> bytes:
        """Return what of some octets the client needs; an origin may end later than asked, too."""
        begin = min(self.skip, len(octets))
        self.skip -= begin
        end = None if self.left is None else begin + self.left
        return octets[begin:end]

    def sends_the_rest_at_once(self) -> bool:
        """Send what has come already, waiting for nobody; tell whether that is all there is.

        Otherwise the header section leaves alone: who waits for the origin has it meanwhile.
        """
        response = self.upstream.response
        if needed := self.needed(response.take_held() if response is not None else b""):
            self.client.send(needed)
            self._count(len(needed))
        else:
            self.client.send_head()
        is_whole = self.left is None and response is not None and response.is_whole
        return self.left == 0 or is_whole

    def crossed(self, octets: int) -> None:
        """Count octets that have left, and that the client's connection has taken."""
        self._count(octets)
        self.guard.taken(octets)

    async def write(self, octets: bytes) -> None:
        """Write octets that are needed, and wait while the client's connection takes no more.

        They count before the wait: the origin's silence may be what ends it, and what was written
        must not be asked for again.
        """
        written = len(octets)
        self.guard.waits()
        self.client.send(octets)
        del octets  # what is not sent is held once, by the connection
        self._count(written)
        await self.client.drain()
        self.guard.taken(written)

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
                self.guard.taken(0)  # it gives, though nothing that is needed yet
        return self.left == 0

    def _count(self, octets: int) -> None:
        if self._record.first_byte_s is None:
            self._record.first_byte()
        self._record.octets += octets
        if self.left is not None:
            self.left -= octets
