"""A page of a service that counts by offset, read so that one broken item does not lose it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proxy.errors import ThronAnswerInvalid
from proxy.thron.envelope import open_envelope
from proxy.thron.exchange import Reply
from proxy.thron.json_fields import items, number

T = TypeVar("T")

# The largest page that several services accept and that others are known to ask of the rest
# (docs/thron.md 1.6).
LARGEST_PAGE = 50

# A page with more than this is no answer to what was asked, and takes long to read: the reading of
# 300,000 items held up every download for seconds.
MOST_ITEMS = 1000

# A bound for a listing whose pages never end; even at 10 contents a page it allows a million.
MOST_PAGES = 100_000


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """One page of a service that counts by offset; ``total`` is None where THRON does not say."""

    items: tuple[T, ...] = ()
    total: int | None = None
    skipped: int = 0


def read_listing(reply: Reply, *, expected: str, read: Callable[[Any], T | None]) -> Listing[T]:
    """Return the page that an answer holds under ``expected``; an empty one for what is not there.

    Raises:
        ThronError: As ``open_envelope`` does.
    """
    envelope = open_envelope(reply, expected=expected)
    if envelope is None:
        return Listing()
    found, skipped = read_each(items(envelope, expected), read)
    return Listing(items=found, total=number(envelope, "totalResults"), skipped=skipped)


async def each_of(page: Callable[[int], Awaitable[Listing[T]]], *, most: int) -> AsyncIterator[T]:
    """Yield the items of all pages; the next page begins where the one before ended.

    THRON may give fewer on a page than asked for (docs/thron.md 11, row 5), so that only an empty
    page is surely the last, where it does not say how many items there are.

    Args:
        page: Asks for the page from an offset on.
        most: After so many items no other page is asked for.

    Raises:
        ThronError: THRON cannot be asked, or stops answering on the way.
    """
    offset = 0
    before: Listing[T] | None = None
    while offset < most:
        listing = await page(offset)
        came = len(listing.items) + listing.skipped
        if not came or listing == before:  # the second: it does not count by this offset
            return
        for item in listing.items:
            yield item
        offset += came
        if listing.total and offset >= listing.total:  # 0 where it does not say (1.4)
            return
        before = listing


def read_each(raw: Sequence[Any], read: Callable[[Any], T | None]) -> tuple[tuple[T, ...], int]:
    """Return what could be read, and how many items could not (docs/thron.md 11, row 4).

    Raises:
        ThronAnswerInvalid: There are far more than any page is asked to have.
    """
    if len(raw) > MOST_ITEMS:
        raise ThronAnswerInvalid(f"THRON's answer has {len(raw)} items, more than were asked for")
    values = [read(each) for each in raw]
    found = tuple(value for value in values if value is not None)
    return found, len(values) - len(found)
