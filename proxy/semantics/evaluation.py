"""Whether a request can be answered from what is known, or what to ask an origin for.

The order is that of RFC 9110, 13.2.2: preconditions, then If-Range, then the range. What is not
known is left to the origin.
"""

from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain

from multidict import CIMultiDict, MultiMapping, istr

from proxy.semantics.conditional import Preconditions, Verdict, evaluate, if_range_holds
from proxy.semantics.field_lines import combined
from proxy.semantics.headers import INBOUND, inbound
from proxy.semantics.ranges import Unsatisfiable, select

# Names that are found without being put in lower case each time.
_INBOUND = tuple(map(istr, INBOUND))
_DECIDING = (*_INBOUND, istr("Connection"))
# Characters of such fields in one request; of longer ones, nothing is remembered.
_SHORT = 1024


@dataclass(frozen=True, slots=True)
class RepresentationMetadata:
    """What an earlier answer of the origin said about the selected representation (RFC 9110, 8).

    Attributes:
        etag: Its ETag field, or None where it has none.
        last_modified: Its Last-Modified field, or None.
        date: The Date field of that answer, or None. It differs from answer to answer of one
            representation, so it does not make two of them unequal.
        complete_length: Octets of the whole, or None where the origin does not say.
    """

    etag: str | None = None
    last_modified: str | None = None
    date: str | None = field(default=None, compare=False)
    complete_length: int | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """304: the client's stored response is still valid."""


@dataclass(frozen=True, slots=True)
class PreconditionFailed:
    """412: a precondition of the client is false."""


@dataclass(frozen=True, slots=True)
class RangeNotSatisfiable:
    """416, with the Content-Range field to send."""

    content_range: str


@dataclass(frozen=True, slots=True)
class Described:
    """200 to a HEAD, whose Content-Length is known."""

    complete_length: int


@dataclass(frozen=True, slots=True)
class Forward:
    """The origin is to be asked, with these field lines of the client's."""

    fields: tuple[tuple[str, str], ...]


Answer = NotModified | PreconditionFailed | RangeNotSatisfiable | Described | Forward


def decide(
    fields: MultiMapping[str], *, method: str, known: RepresentationMetadata | None
) -> Answer:
    """Return the answer to a GET or HEAD for an existing content, or what to ask the origin for.

    Args:
        fields: The request's field section.
        method: ``GET`` or ``HEAD``.
        known: What is known of the representation, or None before the first answer of the origin.
    """
    if not any(map(fields.__contains__, _INBOUND)):  # as with most requests
        if method == "HEAD" and known is not None and known.complete_length is not None:
            return Described(known.complete_length)
        return Forward(())
    names = tuple(filter(fields.__contains__, _DECIDING))
    lines = tuple(map(tuple, map(fields.getall, names)))
    is_short = sum(map(len, chain.from_iterable(lines))) <= _SHORT
    decided = _remembered if is_short else _decided
    return decided(names, lines, method, known, known.date if known is not None else None)


def _decided(
    names: tuple[str, ...],
    lines: tuple[tuple[str, ...], ...],
    method: str,
    known: RepresentationMetadata | None,
    _date: str | None,  # which does not make what is known another, but another answer
) -> Answer:
    """Return the answer to a request with such lines of the fields that decide."""
    fields = CIMultiDict(
        [(name, line) for name, given in zip(names, lines, strict=True) for line in given]
    )
    if known is None:
        return Forward(tuple(inbound(fields, method=method)))
    asked = Preconditions.parse(fields)
    if known.etag is None:
        # An origin may have a tag and not send it each time: it shall say 412 itself.
        asked = replace(asked, if_match=None)
    verdict = evaluate(asked, etag=known.etag, last_modified=known.last_modified, method=method)
    match verdict:
        case Verdict.NOT_MODIFIED:
            return NotModified()
        case Verdict.FAILED:
            return PreconditionFailed()
        case Verdict.PROCEED:
            pass
    if method == "HEAD" and known.complete_length is not None:
        return Described(known.complete_length)
    return _ranged(inbound(fields, method=method), fields=fields, known=known)


# Most are the validators of few contents, and the first range of them, sent again and again.
_remembered = lru_cache(maxsize=256)(_decided)


def _ranged(
    forwarded: list[tuple[str, str]], *, fields: MultiMapping[str], known: RepresentationMetadata
) -> Answer:
    asked = combined(fields, "Range")
    others = [(name, value) for name, value in forwarded if name not in {"Range", "If-Range"}]
    if asked is None or not _applies(fields, known=known):
        return Forward(tuple(others))
    if known.complete_length is None:
        return Forward(tuple(forwarded))
    match select(asked, length=known.complete_length):
        case Unsatisfiable() as outside:
            return RangeNotSatisfiable(outside.content_range)
        case None:
            return Forward(tuple(others))
        case _ if any(name == "Range" for name, _ in forwarded):
            # As it was asked: the origin may have another version by now, of another length.
            return Forward(tuple(forwarded))
        case selected:  # several that are one, as the length shows
            line = ("Range", f"bytes={selected.first}-{selected.last}")
            condition = combined(fields, "If-Range")
            return Forward((*others, line, *([("If-Range", condition)] if condition else [])))


def _applies(fields: MultiMapping[str], *, known: RepresentationMetadata) -> bool:
    condition = combined(fields, "If-Range")
    return condition is None or if_range_holds(
        condition, etag=known.etag, last_modified=known.last_modified, date=known.date
    )
