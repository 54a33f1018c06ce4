"""Preconditions: whether the If-* fields of a request let it proceed.

Rule 1: what cannot be read is as if not sent. Rule 2: the order is that of RFC 9110, 13.2.2; the
range, and with it If-Range, comes last and only where all else lets the request proceed.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Self

from multidict import MultiMapping

from proxy.semantics.dates import http_date, parse_http_date
from proxy.semantics.entity_tags import (
    EntityTag,
    EntityTags,
    parse_entity_tag,
    parse_entity_tags,
)
from proxy.semantics.field_lines import combined

# RFC 9110, 8.8.2.2.
_LEAST_AGE_OF_A_STRONG_DATE = timedelta(seconds=1)

# In the order of 13.2.2. If-Range is none of them: it goes with its Range.
PRECONDITIONS = ("If-Match", "If-Unmodified-Since", "If-None-Match", "If-Modified-Since")


class Verdict(Enum):
    """The result of the preconditions of a request; the value is the status code."""

    PROCEED = 200
    NOT_MODIFIED = 304
    FAILED = 412


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The precondition fields of a request, as far as they could be read; None is not sent."""

    if_match: EntityTags | None = None
    if_unmodified_since: datetime | None = None
    if_none_match: EntityTags | None = None
    if_modified_since: datetime | None = None

    @classmethod
    def parse(cls, fields: MultiMapping[str]) -> Self:
        """Read the preconditions from a field section, repeated lines combined.

        A date that comes twice is no date, and one beside the tag of its kind is to be ignored,
        whatever that tag is (RFC 9110, 13.1.3 and 13.1.4).
        """
        return cls.read(*(combined(fields, name) for name in PRECONDITIONS))

    @classmethod
    def read(
        cls,
        match: str | None,
        unmodified_since: str | None,
        none_match: str | None,
        modified_since: str | None,
    ) -> Self:
        """Read the preconditions from the values of their fields, in the order of 13.2.2."""
        return cls(
            if_match=_tags(match),
            if_unmodified_since=_date(unmodified_since if match is None else None),
            if_none_match=_tags(none_match),
            if_modified_since=_date(modified_since if none_match is None else None),
        )

    def as_fields(self) -> list[tuple[str, str]]:
        """Return the same preconditions as field lines to send inbound."""
        values = (
            ("If-Match", _listed(self.if_match)),
            ("If-Unmodified-Since", _dated(self.if_unmodified_since)),
            ("If-None-Match", _listed(self.if_none_match)),
            ("If-Modified-Since", _dated(self.if_modified_since)),
        )
        return [(name, value) for name, value in values if value is not None]


def evaluate(
    preconditions: Preconditions, *, etag: str | None, last_modified: str | None, method: str
) -> Verdict:
    """Evaluate the preconditions of a request for an existing representation.

    Args:
        preconditions: What the request asks.
        etag: The ETag field of the selected representation, or None where it has none.
        last_modified: Its Last-Modified field, or None.
        method: The request's method; anything but GET and HEAD gets 412 instead of 304.

    RFC 9110, 13.2.2.
    """
    tag = None if etag is None else parse_entity_tag(etag)
    modified = _date(last_modified)
    if not _is_still(preconditions, tag=tag, modified=modified):
        return Verdict.FAILED
    is_read = method in {"GET", "HEAD"}
    if preconditions.if_none_match is not None:
        if not _is_any(preconditions.if_none_match, tag=tag, strongly=False):
            return Verdict.PROCEED
        return Verdict.NOT_MODIFIED if is_read else Verdict.FAILED
    since = preconditions.if_modified_since
    if is_read and since is not None and modified is not None and modified <= since:
        return Verdict.NOT_MODIFIED
    return Verdict.PROCEED


def if_range_holds(
    value: str, *, etag: str | None, last_modified: str | None, date: str | None = None
) -> bool:
    """Tell whether an If-Range field lets its Range apply to the selected representation.

    Args:
        value: The If-Range field value: one entity-tag or one date.
        etag: The ETag field of the selected representation, or None.
        last_modified: Its Last-Modified field, or None.
        date: The Date field of the answer that brought Last-Modified. Only a modification at least
            a second older than that is a strong validator (8.8.2.2); without it a date never holds.

    RFC 9110, 13.1.5.
    """
    asked = parse_entity_tag(value)
    if asked is not None:
        tag = None if etag is None else parse_entity_tag(etag)
        return tag is not None and asked.matches_strongly(tag)
    since, modified, sent = parse_http_date(value), _date(last_modified), _date(date)
    if since is None or modified is None or sent is None:
        return False
    return since == modified and sent - modified >= _LEAST_AGE_OF_A_STRONG_DATE


def _is_still(
    preconditions: Preconditions, *, tag: EntityTag | None, modified: datetime | None
) -> bool:
    if preconditions.if_match is not None:
        return _is_any(preconditions.if_match, tag=tag, strongly=True)
    since = preconditions.if_unmodified_since
    # Without a modification date the field is ignored (13.1.4).
    return since is None or modified is None or modified <= since


def _is_any(asked: EntityTags, *, tag: EntityTag | None, strongly: bool) -> bool:
    if asked == "*":
        return True
    if tag is None:
        return False
    compare = tag.matches_strongly if strongly else tag.matches_weakly
    return any(compare(one) for one in asked)


def _tags(value: str | None) -> EntityTags | None:
    return None if value is None else parse_entity_tags(value)


def _date(value: str | None) -> datetime | None:
    return None if value is None else parse_http_date(value)


def _listed(tags: EntityTags | None) -> str | None:
    return tags if tags is None or tags == "*" else ", ".join(str(tag) for tag in tags)


def _dated(instant: datetime | None) -> str | None:
    return None if instant is None else http_date(instant)
