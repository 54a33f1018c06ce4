"""The header section of an answer with content: the origin's words, then ours; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from proxy.connectors.model import Connector, DeliveryMode, Disposition
from proxy.semantics import freshness
from proxy.semantics.cors import exposure
from proxy.semantics.disposition import content_disposition
from proxy.semantics.freshness import Freshness
from proxy.semantics.headers import media_type
from proxy.semantics.media_types import content_type, media_type_of
from proxy.semantics.status_fields import CacheStatus, ForwardReason

Lines = list[tuple[str, str]]

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


def response_headers(
    status: int, passed: Sequence[tuple[str, str]], *, context: ResponseContext, pseudonym: str
) -> Lines:
    """Return the lines of an answer with a content, or to conditions on one.

    Args:
        status: 200, 206, 304, 412 or 416.
        passed: What of the origin's lines may reach the client (semantics.fields.outbound).
        context: What this gateway says of it.
        pseudonym: The gateway's name.
    """
    received = dict(passed)
    lines = [line for line in passed if line[0] != "Content-Type"]
    kind = None
    if status in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        kind = content_type(received.get("Content-Type"), file_name=context.source_name)
        name = _file_name(context, kind)
        lines.append(("Content-Type", kind))
        lines.append(("Content-Disposition", content_disposition(context.disposition, name)))
        if "Content-Encoding" in received:
            lines.append(("Vary", "Accept-Encoding"))  # another client is refused it
    elif status >= HTTPStatus.BAD_REQUEST:
        lines.append(("Content-Type", "text/plain; charset=utf-8"))
    lines += exposure(content_type=kind, robots=context.connector.robots)
    lines += _freshness(status, received, context).as_fields()
    tags = freshness.cache_tags(context.connector.slug, content_id=context.content_id)
    lines += freshness.tag_fields(tags)
    cache_status = CacheStatus(
        pseudonym,
        hit=context.forwarded is None,
        fwd=context.forwarded,
        ttl_s=int(context.ttl_s),
    )
    lines.append(("Cache-Status", str(cache_status)))
    if context.canonical is not None:
        lines.append(("Link", f'<{context.canonical}>; rel="canonical"'))
    if context.is_hsts:
        lines.append(("Strict-Transport-Security", _HSTS))
    return lines


def _file_name(context: ResponseContext, kind: str) -> str:
    """Return the name to save under; a rendition may be of another type than its source."""
    if context.asked_name is not None:
        return context.asked_name
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
