"""Whether a response that broke off may be continued by another one.

Only what is proved to belong together is joined. The proof is a strong entity-tag, the complete
length and the exact positions (RFC 9110, 13.1.5, 14.4, 15.3.7.3); a date or a weak tag proves
nothing, and without a length nobody could tell the end.
"""

import re
from dataclasses import dataclass
from typing import Self

from multidict import MultiMapping

from proxy.semantics.entity_tags import EntityTag, parse_entity_tag
from proxy.semantics.field_lines import combined
from proxy.semantics.ranges import ContentRange, SelectedRange, parse_content_range

_PARTIAL = 206
_LENGTH = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True)
class ResumePoint:
    """A response whose octets identify themselves: its strong entity-tag and selected range.

    A whole representation is the range from its first octet to its last.
    """

    tag: EntityTag
    selected: SelectedRange

    @classmethod
    def of(cls, status: int, fields: MultiMapping[str]) -> Self | None:
        """Return what a response promises, or None where it cannot be continued if it breaks.

        Args:
            status: Its status code; only 200 and 206 can be continued.
            fields: Its field section as the origin sent it.
        """
        tag = parse_entity_tag(combined(fields, "ETag") or "")
        selected = _selected(status, fields)
        if tag is None or tag.weak or selected is None or _is_coded(fields):
            return None
        return cls(tag, selected)


def continuation(resume_point: ResumePoint, *, received: int) -> list[tuple[str, str]] | None:
    """Return the Range and If-Range lines that ask for the rest.

    Args:
        resume_point: What the first response promised.
        received: How many octets of it have arrived, from its own first position on.

    Returns:
        The lines, or None where nothing is missing (or more has come than was promised).
    """
    if not 0 <= received < resume_point.selected.octets:
        return None
    first = resume_point.selected.first + received
    return [
        ("Range", f"bytes={first}-{resume_point.selected.last}"),
        ("If-Range", str(resume_point.tag)),
    ]


def octets_to_skip(
    resume_point: ResumePoint, *, received: int, status: int, fields: MultiMapping[str]
) -> int | None:
    """Return how many octets of the second response come before the first missing one.

    Args:
        resume_point: What the first response promised.
        received: How many octets of it have arrived.
        status: The second response's status.
        fields: Its field section.

    Returns:
        0 for the very range asked for; the position for a 200 of an origin that ignores Range, but
        whose tag and length prove the same representation; None for anything else, which must not
        be joined.
    """
    second = ResumePoint.of(status, fields)
    if second is None or not second.tag.matches_strongly(resume_point.tag):
        return None
    first = resume_point.selected.first + received
    rest = SelectedRange(first, resume_point.selected.last, resume_point.selected.length)
    if status == _PARTIAL:
        return 0 if second.selected == rest else None
    return first if second.selected.length == rest.length else None


def _selected(status: int, fields: MultiMapping[str]) -> SelectedRange | None:
    match status:
        case 200:
            return _whole(combined(fields, "Content-Length") or "")
        case 206:
            return _partial(combined(fields, "Content-Range") or "")
        case _:
            return None


def _whole(content_length: str) -> SelectedRange | None:
    if _LENGTH.fullmatch(content_length) is None:
        return None
    length = int(content_length)
    return SelectedRange(0, length - 1, length) if length else None


def _partial(content_range: str) -> SelectedRange | None:
    match parse_content_range(content_range):
        case ContentRange(first, last, int(length)):
            return SelectedRange(first, last, length)
        case _:
            return None


def _is_coded(fields: MultiMapping[str]) -> bool:
    # Another coding of the same representation needs a tag of its own, but origins get that wrong
    # (8.8.3.3 shows how); we asked for identity and join nothing else.
    return (combined(fields, "Content-Encoding") or "identity").lower() != "identity"
