"""The header section of an answer with content: the origin's words, then ours; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

from proxy.connectors.model import Connector, DeliveryMode, Disposition
from proxy.semantics import freshness
from proxy.semantics.cors import exposure
from proxy.semantics.disposition import content_disposition
from proxy.semantics.field_lines import is_writable
from proxy.semantics.freshness import Freshness
from proxy.semantics.headers import media_type
from proxy.semantics.media_types import content_type, media_type_of
from proxy.semantics.status_fields import CacheStatus, ForwardReason
from proxy.telemetry.middleware import PSEUDONYM

# What differs from part to part of one content.
_OF_ONE_MESSAGE = frozenset({"Content-Length", "Content-Range"})
# Of one resolution: more are made by an origin alone that says something else each time.
_MOST_SECTIONS = 16

# What THRON makes of sources in other formats (docs/thron.md 7.4).
_OF_RENDITIONS = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
    "video/mp4": "mp4",
    "audio/mpeg": "mp3",
    "audio/mp4": "m4a",
}

# A year; what asks for HTTPS once is not likely to go back (RFC 6797, 6.1.1).
_HSTS = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """What the headers of one response depend on, beside what the origin said.

    Attributes:
        connector: Whose content it is.
        content_id: THRON's id.
        source_name: THRON's name of the source file.
        asked_name: The name at the end of the address, or None.
        disposition: The query's word, or the connector's.
        canonical: The current address, where the asked one is a former prettyID.
        forwarded: Why THRON was asked for the resolution, None for a hit.
        ttl_s: What is left of the resolution's freshness, in seconds.
        stale_if_error_s: How long caches may go on while we fail, in seconds.
        is_hsts: Whether this host is told to be asked by HTTPS only.
    """

    connector: Connector
    content_id: str
    source_name: str
    asked_name: str | None
    disposition: Disposition
    canonical: str | None
    forwarded: ForwardReason | None
    ttl_s: float
    stale_if_error_s: float
    is_hsts: bool


@dataclass(frozen=True, slots=True)
class _Section:
    """What of a header section does not vary from request to request.

    Attributes:
        octets: Its lines.
        file_name: The name to save under where the address gives none; None without a content.
    """

    octets: bytes
    file_name: str | None


# By status and the origin's lines: the header sections of one resolution's answers, which are
# written once. They hang on the resolution, so that nothing of them outlives it.
Sections = dict[tuple[int, tuple[tuple[str, str], ...]], _Section]


def header_section(
    status: int, passed: Sequence[tuple[str, str]], *, context: ResponseContext, sections: Sections
) -> bytes:
    """Return the lines of an answer with a content, or to conditions on one, as octets.

    Args:
        status: 200, 206, 304, 412 or 416.
        passed: What of the origin's lines may reach the client (semantics.headers.outbound).
        context: What this gateway says of it.
        sections: Of the same connector and content.
    """
    lines = [line for line in passed if line[0] in _OF_ONE_MESSAGE]
    key = status, tuple(line for line in passed if line[0] not in _OF_ONE_MESSAGE)
    section = sections.get(key)
    if section is None:
        if len(sections) >= _MOST_SECTIONS:
            sections.clear()
        section = sections[key] = _section(status, key[1], context)
    if section.file_name is not None:
        name = section.file_name if context.asked_name is None else context.asked_name
        lines.append(("Content-Disposition", _content_disposition(context.disposition, name)))
    lines.append(("Cache-Status", f"{_cache_status(context.forwarded)}; ttl={int(context.ttl_s)}"))
    if context.is_hsts:
        lines.append(("Strict-Transport-Security", _HSTS))
    return section.octets + _written(lines)


def _section(
    status: int, passed: tuple[tuple[str, str], ...], context: ResponseContext
) -> _Section:
    received = dict(passed)
    lines = [line for line in passed if line[0] != "Content-Type"]
    kind = name = None
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        kind = content_type(received.get("Content-Type"), file_name=context.source_name)
        name = _file_name(context, kind)
        lines.append(("Content-Type", kind))
        if "Content-Encoding" in received:
            lines.append(("Vary", "Accept-Encoding"))  # another client is refused it
    elif status >= HTTPStatus.BAD_REQUEST:
        lines.append(("Content-Type", "text/plain; charset=utf-8"))
    lines += exposure(content_type=kind, robots=context.connector.robots)
    lines += _freshness(status, received, context).as_fields()
    tags = freshness.cache_tags(context.connector.slug, content_id=context.content_id)
    lines += freshness.tag_fields(tags)
    if context.canonical is not None:
        lines.append(("Link", f'<{context.canonical}>; rel="canonical"'))
    return _Section(_written(lines), name)


def _written(lines: Sequence[tuple[str, str]]) -> bytes:
    if not all(is_writable(value) for _, value in lines):
        raise ValueError("a field value that would split the header section")
    return "".join(f"{name}: {value}\r\n" for name, value in lines).encode()


# Of each connector, content and asked name the same, as often as it is asked for.
_content_disposition = lru_cache(maxsize=1024)(content_disposition)


@lru_cache(maxsize=8)
def _cache_status(forwarded: ForwardReason | None) -> str:
    return str(CacheStatus(PSEUDONYM, hit=forwarded is None, fwd=forwarded))


def _file_name(context: ResponseContext, kind: str) -> str:
    """Return the name to save under; a rendition may be of another type than its source."""
    extension = _OF_RENDITIONS.get(media_type(kind) or "")
    is_other = media_type_of(context.source_name) != media_type(kind)
    if context.connector.delivery is DeliveryMode.ORIGINAL or extension is None or not is_other:
        return context.source_name
    stem, dot, _ = context.source_name.rpartition(".")
    return f"{stem if dot else context.source_name}.{extension}"


def _freshness(status: int, passed: Mapping[str, str], context: ResponseContext) -> Freshness:
    if status == HTTPStatus.PARTIAL_CONTENT and "ETag" not in passed:
        # Slicing caches join stored parts by this field alone: without it, of two versions too.
        return freshness.OF_FAILURE
    return freshness.of_status(
        status,
        content=freshness.of_content(
            max_age_s=context.connector.max_age_s, stale_if_error_s=int(context.stale_if_error_s)
        ),
        absence=freshness.OF_FAILURE,
    )
