"""The header section of an answer: the origin's words, then ours, then every answer's; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus

from proxy.connectors.model import Connector, DeliveryMode, Disposition
from proxy.semantics import freshness
from proxy.semantics.cors import exposure
from proxy.semantics.dates import http_date
from proxy.semantics.disposition import content_disposition
from proxy.semantics.field_lines import is_writable
from proxy.semantics.freshness import Freshness
from proxy.semantics.headers import media_type
from proxy.semantics.media_types import content_type, media_type_of
from proxy.semantics.status_fields import CacheStatus, ForwardReason
from proxy.telemetry.middleware import PSEUDONYM

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
_OURS = f"Server: {PSEUDONYM}\r\nVia: 1.1 {PSEUDONYM}\r\nX-Request-Id: "


Lines = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """What the headers of all answers for one resolution depend on, beside what the origin said.

    Attributes:
        connector: Whose content it is.
        content_id: THRON's id.
        source_name: THRON's name of the source file.
        canonical: The current address, where the asked one is a former prettyID.
        stale_if_error_s: How long caches may go on while we fail, in seconds.
        purges_caches: Whether caches in front are told of changes, so that they may keep longer.
    """

    connector: Connector
    content_id: str
    source_name: str
    canonical: str | None
    stale_if_error_s: float
    purges_caches: bool = False


@dataclass(frozen=True, slots=True)
class HeaderSection:
    """What of a header section does not vary from request to request.

    Attributes:
        octets: Its lines.
        file_name: The name to save under where the address gives none; None without a content.
    """

    octets: bytes
    file_name: str | None


class HeaderSections:
    """The header sections of one resolution's answers, each written once.

    They hang on the resolution, so that nothing of them outlives it.
    """

    __slots__ = ("_written",)

    def __init__(self) -> None:
        self._written: dict[tuple[int, Lines], HeaderSection] = {}

    def of(
        self, status: int, described: Lines, context: Callable[[], ResponseContext]
    ) -> HeaderSection:
        """Return the lines of an answer with a content, or to conditions on one.

        Args:
            status: 200, 206, 304, 412 or 416.
            described: What of the origin's lines may reach the client (semantics.headers.outbound),
                without those that differ from part to part.
            context: Gives what this gateway says of it; always the same.
        """
        key = status, described
        section = self._written.get(key)
        if section is None:
            if len(self._written) >= _MOST_SECTIONS:
                self._written.clear()
            section = self._written[key] = header_section(status, described, context())
        return section


def header_section(status: int, described: Lines, context: ResponseContext) -> HeaderSection:
    """Return the lines of an answer that do not vary from request to request."""
    received = dict(described)
    lines = [line for line in described if line[0] != "Content-Type"]
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
    if not all(is_writable(value) for _, value in lines):
        raise ValueError("a field value that would split the header section")
    return HeaderSection("".join(f"{name}: {value}\r\n" for name, value in lines).encode(), name)


def varying_lines(
    file_name: str | None,
    disposition: Disposition,
    *,
    forwarded: ForwardReason | None,
    ttl_s: float,
    is_hsts: bool,
) -> str:
    """Return the lines that one request makes different from the next.

    Args:
        file_name: To save under; None without a content.
        disposition: The query's word, or the connector's.
        forwarded: Why THRON was asked for the resolution, None for a hit.
        ttl_s: What is left of the resolution's freshness, in seconds.
        is_hsts: Whether this host is told to be asked by HTTPS only.
    """
    lines = f"Cache-Status: {_cache_status(forwarded)}; ttl={int(ttl_s)}\r\n"
    if file_name is not None:
        lines += f"Content-Disposition: {_content_disposition(disposition, file_name)}\r\n"
    if is_hsts:
        lines += f"Strict-Transport-Security: {_HSTS}\r\n"
    return lines


def head(
    status: int,
    section: bytes,
    *,
    request_id: str,
    now: float,
    framing: str = "",
    is_recent: bool = True,
) -> bytes:
    """Return all that comes before the content of an answer.

    Args:
        status: Of the answer.
        section: Its header lines, without those that every answer bears.
        request_id: Of the request.
        now: Seconds since 1970.
        framing: The lines that say where the answer ends, and whether the connection does.
        is_recent: Whether the client speaks HTTP/1.1.
    """
    lines = f"{_OURS}{request_id}\r\nDate: {_date(int(now))}\r\n{framing}\r\n"
    return b"".join((_status_line(status, is_recent=is_recent), section, lines.encode()))


@lru_cache(maxsize=32)
def _status_line(status: int, *, is_recent: bool) -> bytes:
    return f"HTTP/1.{int(is_recent)} {status} {HTTPStatus(status).phrase}\r\n".encode()


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return http_date(datetime.fromtimestamp(second, UTC))


# Of each content and name the same, as often as it is asked for.
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
    connector = context.connector
    of_cdns = connector.cdn_max_age_s
    if of_cdns is not None and not context.purges_caches:
        of_cdns = min(of_cdns, connector.max_age_s)  # hooks there have been, and are no more
    return freshness.of_status(
        status,
        content=freshness.of_content(
            max_age_s=connector.max_age_s,
            stale_if_error_s=int(context.stale_if_error_s),
            cdn_max_age_s=of_cdns,
        ),
        absence=freshness.OF_FAILURE,
    )
