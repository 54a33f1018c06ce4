"""The content of a delivery as it is read from its origin."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.delivery.http_client import HttpResponse
from proxy.delivery.resolution import Delivery, Representation
from proxy.delivery.transport.connection import Response
from proxy.semantics.codings import codings
from proxy.semantics.evaluation import RepresentationMetadata
from proxy.semantics.headers import outbound
from proxy.semantics.ranges import parse_content_range

_OF_ONE_MESSAGE = frozenset({"Content-Length", "Content-Range"})


@dataclass(frozen=True, slots=True)
class PassedFields:
    """What of an answer's fields may reach the client.

    Attributes:
        whole: The lines that describe the whole representation.
        content_length: Of this message.
        content_range: Of this message.
        complete_length: Of the whole representation; None where that is not told.
    """

    whole: tuple[tuple[str, str], ...] = ()
    content_length: int | None = None
    content_range: str | None = None
    complete_length: int | None = None


@dataclass(frozen=True, slots=True)
class Upstream:
    """An origin's answer that is being read.

    Attributes:
        status: 200, 206, 304, 412 or 416.
        fields: Its header section.
        passed: What of it may reach the client.
        octets: How many octets of content follow; None where the origin does not say.
        delivery: Completed with the target that answered.
        read: Gives the next octets as they come, b"" at the end; raises OriginError.
        close: Lets go of the connection at once, where no more of it is wanted.
        response: For pumps that can do without reading; what ``read`` has given is gone from it.
    """

    status: int
    fields: CIMultiDictProxy[str]
    passed: PassedFields
    octets: int | None
    delivery: Delivery
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    close: Callable[[], None] = field(repr=False)
    response: Response | None = field(default=None, repr=False)


def upstream_of(response: HttpResponse, delivery: Delivery, method: str) -> Upstream:
    """Return what an answer is as the upstream of a delivery.

    Args:
        response: Accepted as the content, or as the origin's word on conditions and range.
        delivery: With the target that answered.
        method: The client's; a HEAD may have been asked as a GET of the first octet.
    """
    status, fields = response.status, response.fields
    if method == "HEAD":
        status, fields = _as_head(status, fields)
    passed = _passed(tuple(outbound(fields, status=status)))
    return Upstream(
        status=status,
        fields=fields,
        passed=passed,
        octets=response.content_length if method == "GET" else 0,
        delivery=_completed(delivery, status, fields, passed),
        read=response.read,
        close=response.close,
        response=response if isinstance(response, Response) else None,
    )


@lru_cache(maxsize=256)  # few contents are asked for again and again, and answered the same
def _passed(lines: tuple[tuple[str, str], ...]) -> PassedFields:
    passed = dict(lines)
    length, content_range = passed.get("Content-Length"), passed.get("Content-Range")
    content_length = complete_length = int(length) if length is not None else None
    said = parse_content_range(content_range or "")
    if said is not None:
        complete_length = said.complete_length  # Content-Length is that of the part
    whole = tuple(line for line in lines if line[0] not in _OF_ONE_MESSAGE)
    return PassedFields(whole, content_length, content_range, complete_length)


def _completed(
    delivery: Delivery, status: int, fields: CIMultiDictProxy[str], passed: PassedFields
) -> Delivery:
    """Return a delivery with what an answer tells of the whole representation."""
    known = delivery.representation
    if codings(fields) != ():
        # What is coded is a choice of the moment: nothing of it is true of the next answer.
        return delivery if known is None else replace(delivery, representation=None)
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return delivery
    said = dict(passed.whole)
    metadata = RepresentationMetadata(
        etag=said.get("ETag"),
        last_modified=said.get("Last-Modified"),
        date=fields.get(hdrs.DATE),
        complete_length=passed.complete_length,
    )
    if known is not None and (known.fields, known.known) == (passed.whole, metadata):
        return delivery
    return replace(delivery, representation=Representation(passed.whole, metadata))


def _as_head(status: int, fields: CIMultiDictProxy[str]) -> tuple[int, CIMultiDictProxy[str]]:
    """Return what HEAD would have been told, where the first octet was asked for instead."""
    said = parse_content_range(fields.get(hdrs.CONTENT_RANGE, ""))
    is_first_octet = status == HTTPStatus.PARTIAL_CONTENT
    is_empty = status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    if said is None or not (is_first_octet or (is_empty and said.complete_length == 0)):
        return status, fields
    changed = CIMultiDict(fields)
    changed.popall(hdrs.CONTENT_RANGE, None)
    changed.popall(hdrs.CONTENT_LENGTH, None)
    if said.complete_length is not None:
        changed[hdrs.CONTENT_LENGTH] = str(said.complete_length)
    return HTTPStatus.OK, CIMultiDictProxy(changed)
