"""What a static server answers to Range and If-* fields: a pure decision, as RFC 9110 has it.

Rules: preconditions go first, in the order of 13.2.2; only a request that would be answered with
200 is looked at for ranges (14.2); HEAD has none. What cannot be read is ignored. This is the
sandbox's own reading of the RFC: it shares no code with the connector that it tests.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

FIELDS = (
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
)

# Above this many ranges the whole is sent: 17.15 asks servers to guard against range floods.
MAX_RANGES = 64

_ENTITY_TAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e\x80-\uffff]*"')
_RANGE_SET = re.compile(r"bytes[ \t]*=(.*)", re.IGNORECASE | re.DOTALL)
# Python refuses to read integers of more than 4,300 digits.
_RANGE_SPEC = re.compile(r"([0-9]{0,4300})-([0-9]{0,4300})")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the selected representation; None for a validator that is not sent."""

    length: int
    etag: str | None = None
    last_modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Octets from ``first`` to ``stop`` (exclusive)."""

    first: int
    stop: int

    @property
    def length(self) -> int:
        """How many octets it spans."""
        return self.stop - self.first


@dataclass(frozen=True, slots=True)
class SelectedSpans:
    """The status code (200, 206, 304, 412, 416) and, with 206, the spans in the order asked."""

    status: int
    spans: tuple[Span, ...] = ()


def select(
    fields: Mapping[str, str], facts: Facts, *, is_head: bool, ranges: bool
) -> SelectedSpans:
    """Return what a request with these fields gets.

    Args:
        fields: The values of those of FIELDS that the request has, repeated lines joined.
        facts: The selected representation.
        is_head: Whether the method is HEAD, for which ranges are not defined.
        ranges: Whether the server knows ranges at all.
    """
    refused = _precondition(fields, facts)
    if refused is not None:
        return SelectedSpans(refused)
    if "Range" not in fields or is_head or not ranges or not _if_range(fields, facts):
        return SelectedSpans(200)
    spans = parse_ranges(fields["Range"], length=facts.length)
    if spans is None:
        return SelectedSpans(200)
    return SelectedSpans(206, spans) if spans else SelectedSpans(416)


def parse_ranges(value: str, *, length: int) -> tuple[Span, ...] | None:
    """Return the satisfiable spans of a Range field, in its order (14.1.1, 14.1.2).

    Returns:
        None if the field is to be ignored: another unit, an invalid specifier, a set that asks for
        more octets than there are (17.15), or a suffix of no octets at all, which is satisfiable
        but has no Content-Range. Empty if nothing in it is satisfiable.
    """
    matched = _RANGE_SET.fullmatch(value.strip())
    if matched is None:
        return None
    members = [member.strip() for member in matched[1].split(",")]
    specs = [_RANGE_SPEC.fullmatch(member) for member in members if member]
    if not 0 < len(specs) <= MAX_RANGES or not all(map(_is_valid, specs)):
        return None
    pairs = [spec.groups() for spec in specs if spec is not None]
    if length == 0 and any(not first and int(last) for first, last in pairs):
        return None
    found = (_span(first, last, length=length) for first, last in pairs)
    spans = tuple(span for span in found if span is not None)
    return spans if total(spans) <= length else None


def _is_valid(spec: re.Match[str] | None) -> bool:
    if spec is None:
        return False
    first, last = spec.groups()
    if first and last:
        return int(first) <= int(last)
    return bool(first or last)


def _span(first: str, last: str, *, length: int) -> Span | None:
    if not first:
        start, stop = max(0, length - int(last)), length
    else:
        start, stop = int(first), min(length, int(last) + 1) if last else length
    return Span(start, stop) if start < stop else None


def _precondition(fields: Mapping[str, str], facts: Facts) -> int | None:
    if "If-Match" in fields:
        if not _matches(fields["If-Match"], facts.etag, strong=True):
            return 412
    elif _is_later(facts.last_modified, fields.get("If-Unmodified-Since")) is True:
        return 412
    if "If-None-Match" in fields:
        if _matches(fields["If-None-Match"], facts.etag, strong=False):
            return 304
    elif _is_later(facts.last_modified, fields.get("If-Modified-Since")) is False:
        return 304
    return None


def _matches(value: str, etag: str | None, *, strong: bool) -> bool:
    if value.strip() == "*":
        return True
    return etag is not None and any(
        is_same(tag, etag, strong=strong) for tag in _ENTITY_TAG.findall(value)
    )


def is_same(one: str, other: str, *, strong: bool) -> bool:
    """Return whether two entity-tags match by strong or by weak comparison (8.8.3.2)."""
    if strong:
        return one == other and not one.startswith("W/")
    return one.removeprefix("W/") == other.removeprefix("W/")


def _is_later(modified: datetime | None, value: str | None) -> bool | None:
    since = parse_date(value) if value is not None else None
    if modified is None or since is None:
        return None
    return modified.replace(microsecond=0) > since


def _if_range(fields: Mapping[str, str], facts: Facts) -> bool:
    value = fields.get("If-Range")
    if value is None:
        return True
    value = value.strip()
    if '"' in value:
        return facts.etag is not None and is_same(value, facts.etag, strong=True)
    date = parse_date(value)
    if date is None or facts.last_modified is None:
        return False
    return facts.last_modified.replace(microsecond=0) == date


def parse_date(value: str) -> datetime | None:
    """Return the time of an HTTP-date (5.6.7), or None if it is none."""
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def content_range(span: Span | None, *, length: int) -> str:
    """Return the value of Content-Range for a span, or for a 416 (14.4)."""
    if span is None:
        return f"bytes */{length}"
    return f"bytes {span.first}-{span.stop - 1}/{length}"


def total(spans: Iterable[Span]) -> int:
    """Return how many octets the spans have together."""
    return sum(span.length for span in spans)
