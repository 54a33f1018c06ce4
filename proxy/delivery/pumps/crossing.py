"""The octets of one upstream on their way to one client, and how many of them have left."""

from proxy.delivery.client_stream import ClientStream
from proxy.delivery.min_rate import MinRateGuard
from proxy.delivery.upstream import Upstream
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

    def _count(self, octets: int) -> None:
        self._record.first_byte()
        self._record.octets += octets
        if self.left is not None:
            self.left -= octets
