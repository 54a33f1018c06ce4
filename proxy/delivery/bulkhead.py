"""A bulkhead: bounds how many look-ups wait at once, and refuses the others early and cheaply."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import ThronBusy
from proxy.text import Text


class Bulkhead:
    """Places for look-ups, shared so that no client alone can take them all.

    A client may have as many places as are still free (dynamic thresholds, as switches share
    their buffers): one alone gets half of all, two get a third each, and whoever comes next
    finds some.
    """

    def __init__(self, *, places: int) -> None:
        self._free = places
        self._by_client: Counter[str] = Counter()

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Take a place for the length of the block.

        Raises:
            ThronBusy: This client has too many already.
        """
        if self._by_client[client] >= self._free:
            raise ThronBusy(
                Text(
                    "{client} waits for {number} look-ups",
                    client=client or "a client",
                    number=self._by_client[client],
                )
            )
        self._free -= 1
        self._by_client[client] += 1
        try:
            yield
        finally:
            self._free += 1
            self._by_client[client] -= 1
            if not self._by_client[client]:
                del self._by_client[client]
