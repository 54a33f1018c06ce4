"""Looks through all contents without holding up everyone else: a tenant may have 100,000."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")

# About five milliseconds of looking.
_AT_A_TIME = 500


async def scan(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield the items, letting others on now and then."""
    for looked_at, item in enumerate(items, 1):
        yield item
        if looked_at % _AT_A_TIME == 0:
            await asyncio.sleep(0)
