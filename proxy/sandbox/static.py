"""Sends a blob as a static server on S3 and CloudFront would, or as awkwardly as asked.

The decision is `selection.select`; here it is sent, in constant memory and with back-pressure.
"""

import asyncio
import contextlib
import gzip
import itertools
import socket
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from types import MappingProxyType
from typing import Literal

from aiohttp import web

from proxy.sandbox.blob import CHUNK_OCTETS, Blob, BytesBlob
from proxy.sandbox.selection import FIELDS, Facts, SelectedSpans, Span, content_range, select

_BOUNDARY = "3d6b6a416f9b5-thron-sandbox"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST and not FIN
_TRICKLES_PER_SECOND = 10
_LOOK_EVERY_S = 0.02
_changes = itertools.count(1)


@dataclass(frozen=True, slots=True)
class ServerBehaviour:
    """How a static server behaves; the default is S3's and CloudFront's way.

    Attributes:
        ranges: False: Range is ignored, and Accept-Ranges not sent.
        length: False: no Content-Length (chunked; for HTTP/1.0, until the connection closes).
        validator: The ETag: strong, weak, none, or another one with each answer.
        last_modified: False: no Last-Modified.
        head_refused: True: HEAD is answered with 405.
        range_shifted: True: a 206 holds, and says so, the octets beside those asked for.
        coded: True: gzip, whatever Accept-Encoding says; held in memory.
        multi_range: Several ranges are sent as multipart/byteranges, or as the whole (200).
        media_type: The Content-Type, if not the blob's.
        trickle_bytes_s: Octets a second of body, roughly.
        stall_before_s: Seconds before the status line.
        stall_at: After so many octets of body wait until the client leaves, or `go_on` is set.
        go_on: Ends a stall.
        reset_at: After so many octets of body reset the connection (RST).
        truncate_at: After so many octets of body close the connection, whatever was promised.
    """

    ranges: bool = True
    length: bool = True
    validator: Literal["strong", "weak", "none", "changing"] = "strong"
    last_modified: bool = True
    head_refused: bool = False
    range_shifted: bool = False
    coded: bool = False
    multi_range: Literal["multipart", "whole"] = "multipart"
    media_type: str | None = None
    trickle_bytes_s: int | None = None
    stall_before_s: float = 0
    stall_at: int | None = None
    go_on: asyncio.Event | None = field(default=None, compare=False)
    reset_at: int | None = None
    truncate_at: int | None = None


_FAITHFUL = ServerBehaviour()
_NO_FIELDS: Mapping[str, str] = MappingProxyType({})


async def respond(
    request: web.Request,
    blob: Blob,
    *,
    behaviour: ServerBehaviour = _FAITHFUL,
    fields: Mapping[str, str] = _NO_FIELDS,
) -> web.StreamResponse:
    """Answer a request with a blob.

    Args:
        request: HEAD gets the fields alone; any other method is answered as GET is (a source
            download may be a POST): which methods are allowed is the caller's business.
        blob: What to send.
        behaviour: How awkwardly.
        fields: Further fields of a 200, 206 or 304, such as Content-Disposition; they win.
    """
    await asyncio.sleep(behaviour.stall_before_s)
    is_head = request.method == "HEAD"
    if is_head and behaviour.head_refused:
        return web.Response(status=405, headers={"Allow": "GET"})
    if behaviour.coded:
        octets = gzip.compress(b"".join(blob.read(0, blob.length)), mtime=0)
        blob = BytesBlob(octets, blob.media_type, blob.last_modified)
    facts = _facts(blob, behaviour)
    selection = _select(request, facts, behaviour, is_head=is_head)
    if selection.status in {412, 416}:
        return _refusal(selection.status, facts)
    response = web.StreamResponse(status=selection.status)
    response.headers.update(_common_fields(facts, behaviour))
    if selection.status == 304:  # noqa: PLR2004 - a status code is its own name
        response.headers.update(fields)
        await response.prepare(request)
        return response
    body = _body(blob, selection, response, media_type=behaviour.media_type or blob.media_type)
    if not behaviour.length:
        response.content_length = None
    response.headers.update(fields)
    await response.prepare(request)
    if not is_head:
        # A client that leaves is nobody's fault, and there is nobody left to tell.
        with contextlib.suppress(ConnectionError):
            await _send(body, response, request, behaviour)
    return response


def _facts(blob: Blob, behaviour: ServerBehaviour) -> Facts:
    match behaviour.validator:
        case "strong":
            etag: str | None = blob.etag
        case "weak":
            etag = f"W/{blob.etag}"
        case "changing":
            etag = f'"{blob.etag.strip(chr(34))}-{next(_changes)}"'
        case "none":
            etag = None
    modified = blob.last_modified if behaviour.last_modified else None
    return Facts(length=blob.length, etag=etag, last_modified=modified)


def _select(
    request: web.Request, facts: Facts, behaviour: ServerBehaviour, *, is_head: bool
) -> SelectedSpans:
    asked = {name: ", ".join(request.headers.getall(name, ())) for name in FIELDS}
    given = {name: value for name, value in asked.items() if name in request.headers}
    selection = select(given, facts, is_head=is_head, ranges=behaviour.ranges)
    if len(selection.spans) > 1 and behaviour.multi_range == "whole":
        return SelectedSpans(200)
    if len(selection.spans) == 1 and behaviour.range_shifted:
        (span,) = selection.spans
        by = 1 if span.stop < facts.length else -min(1, span.first)
        # Of the whole, all but the last octet.
        stop = span.stop + by if by else span.stop - 1
        return SelectedSpans(206, (Span(span.first + by, stop),))
    return selection


def _refusal(status: int, facts: Facts) -> web.Response:
    response = web.Response(status=status, text=f"{status}\n")
    if status == 416:  # noqa: PLR2004 - a status code is its own name
        response.headers["Content-Range"] = content_range(None, length=facts.length)
    return response


def _common_fields(facts: Facts, behaviour: ServerBehaviour) -> dict[str, str]:
    fields = {"Accept-Ranges": "bytes"} if behaviour.ranges else {}
    if behaviour.coded:
        fields["Content-Encoding"] = "gzip"
    if facts.etag is not None:
        fields["ETag"] = facts.etag
    if facts.last_modified is not None:
        fields["Last-Modified"] = format_datetime(facts.last_modified, usegmt=True)
    return fields


def _body(
    blob: Blob, selection: SelectedSpans, response: web.StreamResponse, *, media_type: str
) -> Iterator[bytes]:
    length = blob.length
    if len(selection.spans) > 1:
        response.headers["Content-Type"] = f"multipart/byteranges; boundary={_BOUNDARY}"
        heads = [_part_head(span, media_type, length=length) for span in selection.spans]
        octets = sum(map(len, heads)) + sum(span.length for span in selection.spans)
        response.content_length = octets + len(_LAST_BOUNDARY)
        return _parts(blob, selection.spans, heads)
    response.headers["Content-Type"] = media_type
    whole = Span(0, length)
    span = selection.spans[0] if selection.spans else whole
    if selection.spans:
        response.headers["Content-Range"] = content_range(span, length=length)
    response.content_length = span.length
    return blob.read(span.first, span.stop)


_LAST_BOUNDARY = f"\r\n--{_BOUNDARY}--\r\n".encode()


def _part_head(span: Span, media_type: str, *, length: int) -> bytes:
    return (
        f"\r\n--{_BOUNDARY}\r\nContent-Type: {media_type}\r\n"
        f"Content-Range: {content_range(span, length=length)}\r\n\r\n"
    ).encode()


def _parts(blob: Blob, spans: tuple[Span, ...], heads: list[bytes]) -> Iterator[bytes]:
    for span, head in zip(spans, heads, strict=True):
        yield head
        yield from blob.read(span.first, span.stop)
    yield _LAST_BOUNDARY


async def _send(
    body: Iterator[bytes],
    response: web.StreamResponse,
    request: web.Request,
    behaviour: ServerBehaviour,
) -> None:
    sent = 0
    for piece in _pieces(body, behaviour):
        if await _breaks_off(sent, request, behaviour):
            return
        await response.write(piece)
        sent += len(piece)
        # Also lets others on when the peer reads as fast as we write.
        await asyncio.sleep(1 / _TRICKLES_PER_SECOND if behaviour.trickle_bytes_s else 0)
    await _breaks_off(sent, request, behaviour)


def _pieces(body: Iterator[bytes], behaviour: ServerBehaviour) -> Iterator[bytes]:
    """Cut the chunks where something is to happen."""
    rate = behaviour.trickle_bytes_s
    step = max(1, rate // _TRICKLES_PER_SECOND) if rate else CHUNK_OCTETS
    happenings = (behaviour.stall_at, behaviour.reset_at, behaviour.truncate_at)
    marks = sorted(mark for mark in happenings if mark is not None)
    sent = 0
    for chunk in body:
        left = chunk
        while left:
            next_mark = next((mark for mark in marks if mark > sent), None)
            size = step if next_mark is None else min(step, next_mark - sent)
            yield left[:size]
            sent += len(left[:size])
            left = left[size:]


async def _breaks_off(sent: int, request: web.Request, behaviour: ServerBehaviour) -> bool:
    if sent == behaviour.stall_at:
        await _stall(request, behaviour.go_on)
    if sent == behaviour.reset_at:
        await _close(request, reset=True)
        return True
    if sent == behaviour.truncate_at:
        await _close(request, reset=False)
        return True
    return False


async def _stall(request: web.Request, go_on: asyncio.Event | None) -> None:
    while not (go_on is not None and go_on.is_set()) and not _is_gone(request):  # noqa: ASYNC110 - a client that leaves sets no event
        await asyncio.sleep(_LOOK_EVERY_S)


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _close(request: web.Request, *, reset: bool) -> None:
    transport = request.transport
    if transport is None:
        return
    if not reset:
        transport.close()
        return
    while transport.get_write_buffer_size() and not transport.is_closing():  # noqa: ASYNC110 - asyncio tells of a low buffer, not of an empty one
        await asyncio.sleep(_LOOK_EVERY_S)
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
