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
from proxy.semantics.status_fields import CacheStatus, Forward

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
class Told:
    """What is said of one answer beside its content.

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
    forwarded: Forward | None
    ttl_s: float
    stale_if_error_s: float
    is_hsts: bool


def answer_fields(
    status: int, passed: Sequence[tuple[str, str]], *, told: Told, pseudonym: str
) -> Lines:
    """Return the lines of an answer with a content, or to conditions on one.

    Args:
        status: 200, 206, 304, 412 or 416.
        passed: What of the origin's lines may reach the client (semantics.fields.outbound).
        told: What this gateway says of it.
        pseudonym: The gateway's name.
    """
    lines = [line for line in passed if line[0] != "Content-Type"]
    kind = _content_type(status, dict(passed), told)
    if kind is not None:
        name = _file_name(told, kind)
        lines.append(("Content-Type", kind))
        lines.append(("Content-Disposition", content_disposition(told.disposition, name)))
        if "Content-Encoding" in dict(passed):
            lines.append(("Vary", "Accept-Encoding"))  # another client is refused it
    elif status >= HTTPStatus.BAD_REQUEST:
        lines.append(("Content-Type", "text/plain; charset=utf-8"))
    lines += exposure(content_type=kind, robots=told.connector.robots)
    lines += _freshness(status, dict(passed), told).as_fields()
    tags = freshness.cache_tags(told.connector.slug, content_id=told.content_id)
    lines += freshness.tag_fields(tags)
    lines.append(("Cache-Status", _cache_status(told, pseudonym)))
    if told.canonical is not None:
        lines.append(("Link", f'<{told.canonical}>; rel="canonical"'))
    if told.is_hsts:
        lines.append(("Strict-Transport-Security", _HSTS))
    return lines


def _content_type(status: int, received: Mapping[str, str], told: Told) -> str | None:
    """Return the type of a content; None for an answer without one."""
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return None
    return content_type(received.get("Content-Type"), file_name=told.source_name)


def _file_name(told: Told, kind: str) -> str:
    """Return the name to save under; a rendition may be of another type than its source."""
    if told.asked_name is not None:
        return told.asked_name
    extension = _OF_RENDITIONS.get(media_type(kind) or "")
    is_other = media_type_of(told.source_name) != media_type(kind)
    if told.connector.delivery is DeliveryMode.ORIGINAL or extension is None or not is_other:
        return told.source_name
    stem, dot, _ = told.source_name.rpartition(".")
    return f"{stem if dot else told.source_name}.{extension}"


def _freshness(status: int, passed: Mapping[str, str], told: Told) -> Freshness:
    if status == HTTPStatus.PARTIAL_CONTENT and "ETag" not in passed:
        # Slicing caches join stored parts by this field alone: without it, of two versions too.
        return freshness.OF_FAILURE
    return freshness.of_status(
        status,
        content=freshness.of_content(
            max_age_s=told.connector.max_age_s, stale_if_error_s=int(told.stale_if_error_s)
        ),
        absence=freshness.OF_FAILURE,
    )


def _cache_status(told: Told, pseudonym: str) -> str:
    return str(
        CacheStatus(
            pseudonym,
            hit=told.forwarded is None,
            fwd=told.forwarded,
            ttl_s=int(told.ttl_s),
        )
    )
