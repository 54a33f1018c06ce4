"""How many downloads, and from whom; what is more is refused at once, never queued in silence."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from proxy.errors import Overloaded, TooManyForClient


class Admission:
    """Counts the downloads of this process."""

    def __init__(self, *, max_downloads: int, max_per_client: int) -> None:
        """Make an empty count.

        Args:
            max_downloads: At once.
            max_per_client: At once for one client address; 0 is no limit.
        """
        self._max_downloads = max_downloads
        self._max_per_client = max_per_client
        self._by_client: Counter[str] = Counter()
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.is_closing = False

    @property
    def running(self) -> int:
        """How many downloads are under way."""
        return self._by_client.total()

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Let a drain wait for a request, which takes no place while its content is looked up."""
        self._under_way += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    @contextmanager
    def admitted(self, client: str) -> Iterator[None]:
        """Count one download for the length of the block.

        Args:
            client: Its address, behind trusted proxies too.

        Raises:
            Overloaded: There are too many already.
            TooManyForClient: This client has too many already.
        """
        if self.running >= self._max_downloads:
            raise Overloaded(f"{self.running} downloads are running")
        if self._max_per_client and self._by_client[client] >= self._max_per_client:
            raise TooManyForClient(f"{client} has {self._by_client[client]} downloads")
        self._by_client[client] += 1
        try:
            with self.under_way():
                yield
        finally:
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]

    async def drained(self, *, at_most_s: float) -> int:
        """Wait until no download runs any more, and return how many still do; for the end."""
        self.is_closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._idle.wait()
        return self.running
