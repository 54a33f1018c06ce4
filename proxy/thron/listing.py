"""A page of a service that counts by offset, read so that one broken item does not lose it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proxy.thron.envelope import open_envelope
from proxy.thron.exchange import Reply
from proxy.thron.json_fields import items, number

T = TypeVar("T")

# The largest page that several services accept and that others are known to ask of the rest
# (docs/thron.md 1.6).
LARGEST_PAGE = 50


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


def read_each(raw: Iterable[Any], read: Callable[[Any], T | None]) -> tuple[tuple[T, ...], int]:
    """Return what could be read, and how many items could not (docs/thron.md 11, row 4)."""
    values = [read(each) for each in raw]
    found = tuple(value for value in values if value is not None)
    return found, len(values) - len(found)
