"""How many downloads at once; what is more is refused at once, never queued in silence."""

from collections.abc import Iterator
from contextlib import contextmanager

from proxy.errors import Overloaded


class Admission:
    """Counts the downloads of this process."""

    def __init__(self, *, max_downloads: int) -> None:
        self._max_downloads = max_downloads
        self._running = 0

    @property
    def running(self) -> int:
        """How many downloads are under way."""
        return self._running

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Count one download for the length of the block.

        Raises:
            Overloaded: There are too many already.
        """
        if self._running >= self._max_downloads:
            raise Overloaded(f"{self._running} downloads are running")
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
