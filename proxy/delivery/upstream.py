"""The content of a delivery as it is read from its origin."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.delivery.origin_client import OriginResponse
from proxy.delivery.resolution import Delivery, Representation
from proxy.delivery.transport.connection import Response
from proxy.semantics.codings import codings
from proxy.semantics.evaluation import RepresentationMetadata
from proxy.semantics.headers import outbound
from proxy.semantics.ranges import parse_content_range

_OF_ONE_MESSAGE = frozenset({"Content-Length", "Content-Range"})


@dataclass(frozen=True, slots=True)
class Upstream:
    """An origin's answer that is being read.

    Attributes:
        status: 200, 206, 304, 412 or 416.
        fields: Its header section.
        octets: How many octets of content follow; None where the origin does not say.
        delivery: Completed with the target that answered.
        read: Gives the next octets as they come, b"" at the end; raises OriginError.
        close: Lets go of the connection at once, where no more of it is wanted.
        response: For pumps that can do without reading; what ``read`` has given is gone from it.
    """

    status: int
    fields: CIMultiDictProxy[str]
    octets: int | None
    delivery: Delivery
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    close: Callable[[], None] = field(repr=False)
    response: Response | None = field(default=None, repr=False)


def upstream_of(answer: OriginResponse, delivery: Delivery, method: str) -> Upstream:
    """Return what an answer is as the upstream of a delivery.

    Args:
        answer: Accepted as the content, or as the origin's word on conditions and range.
        delivery: With the target that answered.
        method: The client's; a HEAD may have been asked as a GET of the first octet.
    """
    response = answer.response
    status, fields = response.status, response.fields
    if method == "HEAD":
        status, fields = _as_head(status, fields)
    # What is coded is a choice of the moment: nothing of it is true of the next answer.
    representation = None
    if codings(fields) == ():
        representation = _representation(status, fields) or delivery.representation
    return Upstream(
        status=status,
        fields=fields,
        octets=response.content_length if method == "GET" else 0,
        delivery=replace(delivery, representation=representation),
        read=_Content(answer).read,
        close=response.close,
        response=response if isinstance(response, Response) else None,
    )


def _representation(status: int, fields: CIMultiDictProxy[str]) -> Representation | None:
    """Return what an answer tells of the whole representation; None for one without content."""
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return None
    lines = outbound(fields, status=status)
    passed = dict(lines)
    length = passed.get("Content-Length")
    complete_length = int(length) if length is not None else None
    said = parse_content_range(passed.get("Content-Range", ""))
    if said is not None:
        complete_length = said.complete_length  # Content-Length is that of the part
    return Representation(
        tuple(line for line in lines if line[0] not in _OF_ONE_MESSAGE),
        RepresentationMetadata(
            etag=passed.get("ETag"),
            last_modified=passed.get("Last-Modified"),
            date=fields.get(hdrs.DATE),
            complete_length=complete_length,
        ),
    )


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


class _Content:
    """Reads a response: first the octets that were read to sniff it, then the rest."""

    def __init__(self, answer: OriginResponse) -> None:
        self._head = answer.head
        self._rest = answer.response

    async def read(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return await self._rest.read()
