"""An in-memory TTL cache with an LRU bound, which aiocache's own lacks."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar, cast

from aiocache import SimpleMemoryCache

V = TypeVar("V")

# So many entries are gone over between two turns for others: a few milliseconds.
_AT_A_TIME = 200


class BoundedCache(Generic[V]):
    """Remembers the most recently used values for a while.

    aiocache 0.12.3 keeps the values and their timers; here is what it lacks. Its ``clear()`` is
    never called: timers of forgotten values would delete new ones of the same key. Its time-out
    wraps each call in a task, so it is off.
    """

    def __init__(self, *, ttl_s: float, max_entries: int) -> None:
        """Make an empty cache.

        Args:
            ttl_s: How long a value is kept, in seconds; above zero (0 is for ever in aiocache).
            max_entries: More values push out the least recently used.

        Raises:
            ValueError: For a TTL or a bound that is not above zero.
        """
        if ttl_s <= 0 or max_entries <= 0:
            raise ValueError("ttl_s and max_entries must be above zero")
        self._ttl_s = ttl_s
        self._max_entries = max_entries
        self._values = SimpleMemoryCache(timeout=None)
        self._order: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._order)

    async def get(self, key: str) -> V | None:
        """Return the value, or None if there is none or it has expired."""
        value = await self._values.get(key)
        if value is None:
            self._order.pop(key, None)
        else:
            self._order.move_to_end(key)
        return cast("V | None", value)

    def peek(self, key: str) -> V | None:
        """Return what ``get`` returns, for callers that cannot wait.

        aiocache has no public way to ask without a coroutine; tests/delivery/test_bounded_cache.py
        tells when the private one changes.
        """
        value = self._values._cache.get(key)  # noqa: SLF001 - see above
        if value is not None:
            self._order.move_to_end(key)
        return cast("V | None", value)

    def values(self) -> list[V]:
        """Return all values, which leaves them as recently used as they were."""
        return list(self._values._cache.values())  # noqa: SLF001 - as for ``peek``

    async def set(self, key: str, value: V) -> None:
        """Store a value for the TTL, as the most recently used one."""
        self._order[key] = None
        self._order.move_to_end(key)
        await self._values.set(key, value, ttl=self._ttl_s)
        while len(self._order) > self._max_entries:
            oldest, _ = self._order.popitem(last=False)
            await self._values.delete(oldest)

    async def delete(self, key: str) -> None:
        """Remove a value, if there is one."""
        self._order.pop(key, None)
        await self._values.delete(key)

    async def forget(self, is_meant: Callable[[V], bool]) -> int:
        """Forget the values that are meant, and return how many those were.

        Others have their turn in between; what they remember meanwhile may stay.
        """
        forgotten = 0
        for number, key in enumerate(list(self._order), start=1):
            value = await self._values.get(key)
            if value is None:
                self._order.pop(key, None)
            elif is_meant(value):
                await self.delete(key)
                forgotten += 1
            if number % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        return forgotten
