"""Range and Content-Range: which octets are asked for, and which a message says it holds.

Positions are inclusive, as on the wire. Rule 1: what cannot be read is ignored, never an error
(RFC 9110, 14.2). Rule 2: one range or none; we never make multipart/byteranges.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

# 17.15 of RFC 9110 tells a server to guard against endless range sets. Honest multiple ranges (PDF
# readers) are a few dozen at most; the length also keeps int() below its limit of 4300 digits.
_MAX_VALUE_CHARACTERS = 4096
_MAX_RANGES = 64

# Beyond the length of any representation, yet within the 64-bit signed integers in which common
# origins hold positions; nginx refuses what overflows them.
_FARTHEST = 2**63 - 2

_SPECIFIER = re.compile(r"bytes=(.*)", re.IGNORECASE | re.DOTALL)
_RANGE = re.compile(r"([0-9]*)-([0-9]*)")
_CONTENT_RANGE = re.compile(
    r"bytes[ \t]+(?:([0-9]{1,19})-([0-9]{1,19})|(\*))/(?:([0-9]{1,19})|\*)", re.IGNORECASE
)

# The Range line that asks for as little as can be.
FIRST_OCTET = ("Range", "bytes=0-0")


@dataclass(frozen=True, slots=True)
class SelectedRange:
    """Octets ``first`` to ``last``, both inclusive, of a representation of ``length`` octets."""

    first: int
    last: int
    length: int

    @property
    def octets(self) -> int:
        """How many octets are selected."""
        return self.last - self.first + 1

    @property
    def content_range(self) -> str:
        """The Content-Range value of a 206, such as ``bytes 0-9/10``."""
        return f"bytes {self.first}-{self.last}/{self.length}"


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """A range that lies outside a representation of ``length`` octets."""

    length: int

    @property
    def content_range(self) -> str:
        """The Content-Range value of a 416, such as ``bytes */10``."""
        return f"bytes */{self.length}"


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What a 206 says it holds; ``complete_length`` is None where the sender does not know it."""

    first: int
    last: int
    complete_length: int | None


@dataclass(frozen=True, slots=True)
class UnsatisfiedRange:
    """What a 416 says of the representation."""

    complete_length: int


@dataclass(frozen=True, slots=True)
class _IntRange:
    first: int
    last: int  # _FARTHEST where the range is open-ended


@dataclass(frozen=True, slots=True)
class _SuffixRange:
    octets: int


def select(value: str, *, length: int) -> SelectedRange | Unsatisfiable | None:
    """Return the range that a Range field selects from a representation.

    Several ranges that overlap or touch are the one they form (14.2 lets a server coalesce); those
    outside the representation do not count beside satisfiable ones (14.1.2).

    Args:
        value: The field value as received, such as ``bytes=0-499``.
        length: Complete length of the selected representation, in octets.

    Returns:
        The selected range, positions inclusive; Unsatisfiable if none of it lies inside (a 416);
        None if the field is to be ignored: unknown unit, invalid specifier, several ranges that
        stay apart, or a suffix of an empty representation, which 14.1.2 calls satisfiable but
        Content-Range has no words for.

    RFC 9110, 14.1.2 and 14.2.
    """
    ranges = _parse(value)
    if ranges is None:
        return None
    resolved = [found for found in (_resolve(item, length=length) for item in ranges) if found]
    if not resolved:
        return Unsatisfiable(length)
    whole = _coalesce(resolved)
    if whole is None or length == 0:
        return None
    return SelectedRange(whole.first, whole.last, length)


def forwardable(value: str) -> str | None:
    """Return the single-range Range value to send inbound while the length is not known.

    It selects what ``value`` selects, whatever the length turns out to be; positions too large for
    an origin to hold are brought down to the largest that no representation reaches.

    Args:
        value: The field value as received.

    Returns:
        A value such as ``bytes=0-499``; None if no Range is to be sent: it is to be ignored, or
        only the length could tell whether its several ranges are one.
    """
    ranges = _parse(value)
    if ranges is None:
        return None
    match ranges:
        case [_SuffixRange(octets)]:
            return f"bytes=-{octets}"
        case _:
            return _forwardable_together(ranges)


def is_part_asked_for(asked: str, said: ContentRange) -> bool:
    """Tell whether a 206 holds what was asked for, no octet more and none less.

    RFC 9110, 15.3.7 lets a server send a part of the part, but common clients join what comes to
    the positions they asked for, whatever Content-Range says.

    Args:
        asked: The Range value that was sent.
        said: What the 206 says it holds. Where it does not tell the complete length, an end
            before the last-pos asked for may be the end of the whole; a suffix proves nothing.
    """
    if said.complete_length is not None:
        selected = select(asked, length=said.complete_length)
        return selected == SelectedRange(said.first, said.last, said.complete_length)
    match _parse(asked):
        case [_IntRange(first, last)]:
            return said.first == first and said.last <= last
        case _:
            return False


def parse_content_range(value: str) -> ContentRange | UnsatisfiedRange | None:
    """Return what a Content-Range field says, or None where it is invalid or of another unit.

    Args:
        value: The field value as received, such as ``bytes 0-9/10`` or ``bytes */10``.

    RFC 9110, 14.4.
    """
    found = _CONTENT_RANGE.fullmatch(value.strip(" \t"))
    if found is None:
        return None
    first, last, unsatisfied, length = found.groups()
    complete_length = None if length is None else int(length)
    if unsatisfied:
        return None if complete_length is None else UnsatisfiedRange(complete_length)
    said = ContentRange(int(first), int(last), complete_length)
    return said if _is_possible(said) else None


def _is_possible(said: ContentRange) -> bool:
    in_order = said.first <= said.last
    return in_order and (said.complete_length is None or said.last < said.complete_length)


def _parse(value: str) -> list[_IntRange | _SuffixRange] | None:
    if len(value) > _MAX_VALUE_CHARACTERS:
        return None
    specifier = _SPECIFIER.fullmatch(value.strip(" \t"))
    if specifier is None:
        return None
    # Empty list elements are to be skipped (5.6.1.2).
    items = [item for item in (part.strip(" \t") for part in specifier[1].split(",")) if item]
    ranges = [_parse_range(item) for item in items[: _MAX_RANGES + 1]]
    known = [item for item in ranges if item is not None]
    return known if 0 < len(known) == len(ranges) <= _MAX_RANGES else None


def _parse_range(text: str) -> _IntRange | _SuffixRange | None:
    found = _RANGE.fullmatch(text)
    if found is None or text == "-":
        return None
    first, last = found.groups()
    if not first:
        return _SuffixRange(min(int(last), _FARTHEST))
    if last and int(last) < int(first):
        return None
    return _IntRange(min(int(first), _FARTHEST), min(int(last or _FARTHEST), _FARTHEST))


def _resolve(item: _IntRange | _SuffixRange, *, length: int) -> _IntRange | None:
    match item:
        case _IntRange(first, last):
            return _IntRange(first, min(last, length - 1)) if first < length else None
        case _SuffixRange(octets):
            return _IntRange(max(0, length - octets), length - 1) if octets else None


def _coalesce(ranges: Sequence[_IntRange]) -> _IntRange | None:
    ordered = sorted(ranges, key=lambda item: (item.first, item.last))
    last = ordered[0].last
    for item in ordered[1:]:
        if item.first > last + 1:
            return None
        last = max(last, item.last)
    return _IntRange(ordered[0].first, last)


def _forwardable_together(ranges: Sequence[_IntRange | _SuffixRange]) -> str | None:
    apart = [item for item in ranges if isinstance(item, _IntRange)]
    if len(apart) < len(ranges):
        return None
    whole = _coalesce(apart)
    if whole is None:
        return None
    last = "" if whole.last == _FARTHEST else whole.last
    return f"bytes={whole.first}-{last}"
