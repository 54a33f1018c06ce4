"""Which fields cross this gateway: INBOUND toward the origin, OUTBOUND toward the client.

Nothing passes that is not named here, in either direction (RFC 9110, 7.6.1 for the rest). What the
gateway says for itself (credentials, Accept-Encoding, freshness, disposition, CORS) is added by
its own modules.
"""

import re
from collections.abc import Callable, Mapping

from multidict import MultiMapping, istr

from proxy.semantics.conditional import PRECONDITIONS, Preconditions
from proxy.semantics.dates import parse_http_date
from proxy.semantics.entity_tags import parse_entity_tag
from proxy.semantics.field_lines import TOKEN, combined, connection_options, is_writable
from proxy.semantics.ranges import forwardable, parse_content_range

# Only what narrows the answer down to what the client lacks. No Cookie and no Authorization: they
# belong to this gateway's host. No Accept and no Accept-Encoding: the address names one fixed
# representation (docs/thron.md 7.4). No User-Agent and no Referer: those are settings. No Via
# here: it needs our pseudonym.
INBOUND = (*PRECONDITIONS, "Range", "If-Range")

# What describes the representation, and nothing of who sent it. Not passed, each for its reason:
# Cache-Control, Expires, Age, Date: freshness is this gateway's word, and an old Date would make
#   its answers stale on arrival; Content-Disposition: made from the content's own name; Vary: we
#   ask for one variant only; Location, Content-Location, Link: they name signed targets;
# Set-Cookie, CSP, HSTS, CORS: they speak for the origin's host, not for ours; Server, Via and
#   X-...: internals; Trailer, Transfer-Encoding, Connection and its kin: of one hop.
OUTBOUND = (
    "Content-Type",
    "Content-Length",
    "Content-Range",
    "Content-Encoding",  # only where the origin insists: see codings
    "Content-Language",
    "ETag",
    "Last-Modified",
    "Accept-Ranges",
)
# All that `outbound` looks at, for whoever remembers what it returned.
DECIDING = (*map(istr, OUTBOUND), istr("Connection"))

_MEDIA_TYPE = re.compile(rf"({TOKEN}/{TOKEN})[ \t]*(?:;.*)?", re.DOTALL)
_LANGUAGES = re.compile(r"[A-Za-z0-9\-]{1,35}(?:[ \t]*,[ \t]*[A-Za-z0-9\-]{1,35}){0,15}")
_CODINGS = re.compile(rf"{TOKEN}(?:[ \t]*,[ \t]*{TOKEN}){{0,7}}")
_LENGTH = re.compile(r"([0-9]{1,19})(?:[ \t]*,[ \t]*\1)*")
_VIA = re.compile(rf"(?:{TOKEN}/)?{TOKEN}[ \t]+([^\s,()]+)[^,]*")

# A chain of gateways longer than that is none.
_MAX_VIA_CHARACTERS = 1024


def inbound(fields: MultiMapping[str], *, method: str) -> list[tuple[str, str]]:
    """Return the lines of a client's request that may reach an origin.

    Preconditions go as they were understood here, so that an origin decides on no others. Range
    goes only with GET (RFC 9110, 14.2), as one range, and only where an origin that honours
    If-Range could let it apply: with an If-Range that is weak or no validator, or that does not
    travel along, the whole is asked for (13.1.5).

    Args:
        fields: The request's field section.
        method: The method of the request that will be sent.
    """
    hop = connection_options(fields)
    values = {name: combined(fields, name) for name in INBOUND if name.lower() not in hop}
    read = dict(Preconditions.parse(fields).as_fields())
    values.update({name: read.get(name) for name in values.keys() & set(PRECONDITIONS)})
    values.update(_range(fields, values=values, method=method))
    return _lines(INBOUND, values)


def outbound(fields: MultiMapping[str], *, status: int) -> list[tuple[str, str]]:
    """Return the lines of an origin's answer that may reach the client, in canonical names.

    A value that is not what its field may hold is left out: an ETag without quotes, a Last-Modified
    that is no date, two Content-Lengths that differ.

    Args:
        fields: The answer's field section.
        status: Its status. A 304 passes validators only, a 416 only Content-Range; any other
            failure describes itself and passes nothing (RFC 9110, 15.4.5, 15.5.17, 8.3).
    """
    hop = connection_options(fields)
    names = tuple(name for name in _of_status(status) if name.lower() not in hop)
    given = {name: combined(fields, name) for name in names}
    checked = {name: _CHECKS[name](value) for name, value in given.items() if value is not None}
    return _lines(names, checked)


def media_type(value: str | None) -> str | None:
    """Return the media type of a Content-Type value in lower case, without parameters.

    Args:
        value: Such as ``Text/HTML; charset=utf-8``; None and what is no media type give None.

    RFC 9110, 8.3.1.
    """
    found = None if value is None else _MEDIA_TYPE.fullmatch(value.strip(" \t"))
    return None if found is None else found[1].lower()


def is_loop(received: str | None, pseudonym: str) -> bool:
    """Tell whether a message with this Via field has passed through this gateway already."""
    return received is not None and pseudonym in _via_names(received)


def _via_names(received: str) -> list[str]:
    if len(received) > _MAX_VIA_CHARACTERS or not is_writable(received):
        return []
    entries = [_VIA.fullmatch(entry.strip(" \t")) for entry in received.split(",")]
    names = [entry[1] for entry in entries if entry is not None]
    return names if len(names) == len(entries) else []


def _range(
    fields: MultiMapping[str], *, values: Mapping[str, str | None], method: str
) -> dict[str, str | None]:
    asked, condition = values.get("Range"), values.get("If-Range")
    travels = condition is not None or "If-Range" not in fields
    if method != "GET" or asked is None or not travels or not _could_hold(condition):
        return {"Range": None, "If-Range": None}
    range_value = forwardable(asked)
    return {"Range": range_value, "If-Range": None if range_value is None else condition}


def _could_hold(condition: str | None) -> bool:
    if condition is None:
        return True
    tag = parse_entity_tag(condition)
    return parse_http_date(condition) is not None if tag is None else not tag.weak


def _of_status(status: int) -> tuple[str, ...]:
    match status:
        case 200 | 203:
            return tuple(name for name in OUTBOUND if name != "Content-Range")
        case 206:
            return OUTBOUND
        case 304:
            return ("ETag", "Last-Modified")
        case 416:
            return ("Content-Range",)
        case _:
            return ()


def _lines(names: tuple[str, ...], values: Mapping[str, str | None]) -> list[tuple[str, str]]:
    lines = ((name, values.get(name)) for name in names)
    return [(name, value) for name, value in lines if value is not None and is_writable(value)]


def _only_if(is_valid: Callable[[str], bool]) -> Callable[[str], str | None]:
    return lambda value: value if is_valid(value) else None


def _length(value: str) -> str | None:
    # The same length said twice may be taken as said once (8.6).
    found = _LENGTH.fullmatch(value)
    return None if found is None else found[1]


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "Content-Type": _only_if(lambda value: media_type(value) is not None and value.isascii()),
    "Content-Length": _length,
    "Content-Range": _only_if(lambda value: parse_content_range(value) is not None),
    "Content-Encoding": _only_if(lambda value: _CODINGS.fullmatch(value) is not None),
    "Content-Language": _only_if(lambda value: _LANGUAGES.fullmatch(value) is not None),
    "ETag": _only_if(lambda value: parse_entity_tag(value) is not None),
    "Last-Modified": _only_if(lambda value: parse_http_date(value) is not None),
    "Accept-Ranges": _only_if(lambda value: value.lower() == "bytes"),
}
