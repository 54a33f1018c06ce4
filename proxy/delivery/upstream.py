"""An origin's answer: whether it is the content, and what of it reaches the client."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from http import HTTPStatus
from itertools import repeat

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.delivery.error_sniffing import LONGEST_ENVELOPE, sniff_error
from proxy.delivery.http_client import Fields, HttpResponse
from proxy.delivery.origin_client import FAILURES
from proxy.delivery.resolution import Delivery, Representation
from proxy.delivery.transport.connection import Response
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginGone,
    OriginRefused,
    OriginUnreachable,
)
from proxy.semantics.codings import codings
from proxy.semantics.dates import parse_retry_after
from proxy.semantics.evaluation import RepresentationMetadata
from proxy.semantics.headers import DECIDING, media_type, outbound
from proxy.semantics.ranges import (
    ContentRange,
    SelectedRange,
    UnsatisfiedRange,
    is_part_asked_for,
    parse_content_range,
    select,
)
from proxy.text import Text

# What THRON and portals send an error as, whatever was asked for.
_OF_ERRORS = frozenset(
    {"application/json", "application/xml", "text/xml", "text/html", "text/plain"}
)
# What an origin may only say to a request with one of these fields (RFC 9110, 13.2.2 and 14.2).
_IN_ANSWER_TO = {
    206: {hdrs.RANGE},
    304: {hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE},
    412: {hdrs.IF_MATCH, hdrs.IF_UNMODIFIED_SINCE},
    416: {hdrs.RANGE},
}
# Statuses below 500 that a later request may not meet.
_MAY_PASS = frozenset({408, 425, 429})
_OF_ONE_MESSAGE = frozenset({"Content-Length", "Content-Range"})
# By value, and looked up once: CPython 3.11 takes longer to find HTTPStatus.OK than to compare it.
_OK, _BAD_REQUEST = HTTPStatus.OK.value, HTTPStatus.BAD_REQUEST.value
_WITH_CONTENT = frozenset({200, 206})


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


def may_be_error(response: HttpResponse) -> bool:
    """Tell whether an answer may be an error in place of the content, by its header section."""
    length = response.content_length
    is_short = length is None or length <= LONGEST_ENVELOPE
    is_error = response.status >= _BAD_REQUEST
    return is_error or (
        is_short and media_type(response.fields.get(hdrs.CONTENT_TYPE)) in _OF_ERRORS
    )


async def check(
    response: HttpResponse, delivery: Delivery, fields: Fields, *, is_sniffed: bool = False
) -> None:
    """Refuse and close an answer that cannot be the content, nor a word on it.

    Args:
        response: The answer.
        delivery: What was asked for.
        fields: What went along.
        is_sniffed: Whether its first octets are known to be no error.

    Raises:
        OriginError: Its status says that it is not, or its content: a page of an error.
    """
    if response.status != _OK:
        if not _fits_request(response, fields):
            response.close()
            raise _failure(response)
        return
    # An empty file of an origin that gives no validators is taken for an error; the other way round
    # an error would be an empty file.
    is_identified = hdrs.ETAG in response.fields or hdrs.LAST_MODIFIED in response.fields
    is_nothing = response.content_length == 0 and not is_identified
    # An answer to HEAD has no octets to sniff; without a length it says less than one octet would.
    is_head = response.method == hdrs.METH_HEAD
    is_suspicious = not is_sniffed and may_be_error(response)
    is_vague = is_head and (response.content_length is None or is_suspicious)
    if is_nothing or is_vague:
        response.close()
        raise OriginAnswerInvalid(
            Text("an answer that may be an error in place of the content"),
            received_status=response.status,
        )
    if not is_suspicious:
        return
    error = await sniff_error(response, expected_name=delivery.expected_name)
    if error is not None:
        response.close()
        raise OriginAnswerInvalid(
            Text("the origin sent an error in place of the content"),
            received_status=response.status,
        ) from error


def _fits_request(response: HttpResponse, fields: Fields) -> bool:
    """Tell whether a status other than 200, and its range, fit what was asked for."""
    asked = dict(fields)
    if _IN_ANSWER_TO.get(response.status, set()).isdisjoint(asked):
        return False
    if hdrs.RANGE not in asked or response.status not in {206, 416}:
        return True
    said = response.fields.get(hdrs.CONTENT_RANGE, "")
    return _fits_range(response.status, asked[hdrs.RANGE], said, response.content_length)


@lru_cache(maxsize=256)  # CDNs ask for the same slices of few contents, or for bytes=0-
def _fits_range(status: int, asked: str, content_range: str, content_length: int | None) -> bool:
    said = parse_content_range(content_range)
    match status, said:
        case HTTPStatus.PARTIAL_CONTENT, ContentRange(first, last):
            holds_it = content_length in {None, last - first + 1}
            return holds_it and is_part_asked_for(asked, said)
        case HTTPStatus.PARTIAL_CONTENT, _:
            return False
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, UnsatisfiedRange(length):
            return not isinstance(select(asked, length=length), SelectedRange)
        case _:
            return True


def _failure(response: HttpResponse) -> OriginError:
    status = response.status
    match status:
        case 401 | 403:
            return OriginRefused(
                Text(
                    "the origin answered {status}; if every content of the tenant is "
                    "refused, its domain protection may want TDC_REFERER",
                    status=status,
                ),
                received_status=status,
            )
        case 404 | 410:
            return OriginGone(
                Text("the origin answered {status}", status=status), received_status=status
            )
        case 206:
            return OriginAnswerInvalid(
                Text("the origin sent another range than was asked for"), received_status=status
            )
        case _ if status in FAILURES or status in _MAY_PASS:
            wait_s = parse_retry_after(
                response.fields.get(hdrs.RETRY_AFTER), date=response.fields.get(hdrs.DATE)
            )
            return OriginUnreachable(
                Text("the origin answered {status}", status=status),
                status=HTTPStatus.SERVICE_UNAVAILABLE if wait_s is not None else None,
                received_status=status,
                retry_after_s=wait_s,
            )
        case _ if status >= HTTPStatus.BAD_REQUEST and status not in _IN_ANSWER_TO:
            return OriginRefused(
                Text("the origin answered {status}", status=status), received_status=status
            )
        case _:
            return OriginAnswerInvalid(
                Text(
                    "the origin answered {status}, which does not answer the request", status=status
                ),
                received_status=status,
            )


def upstream_of(response: HttpResponse, delivery: Delivery, method: str) -> Upstream:
    """Return what an answer is as the upstream of a delivery.

    Args:
        response: Accepted as the content, or as the origin's word on conditions and range.
        delivery: With the target that answered; what the answer tells of it is added.
        method: The client's; a HEAD may have been asked as a GET of the first octet.
    """
    status, fields = response.status, response.fields
    if method == "HEAD":
        status, fields = _as_head(status, fields)
    passed = _passed(status, tuple(map(tuple, map(fields.getall, DECIDING, repeat(())))))
    if hdrs.CONTENT_ENCODING in fields and codings(fields) != ():
        # What is coded is a choice of the moment: nothing of it is true of the next answer.
        if delivery.representation is not None:
            delivery = replace(delivery, representation=None)
    elif status in _WITH_CONTENT:
        known = delivery.representation
        # The validators are among the lines, and the date of an answer makes no other content.
        if (
            known is None
            or known.fields != passed.whole
            or known.known.complete_length != passed.complete_length
        ):
            delivery = replace(delivery, representation=_told(passed, fields.get(hdrs.DATE)))
    return Upstream(
        status=status,
        fields=fields,
        passed=passed,
        octets=response.content_length if method == "GET" else 0,
        delivery=delivery,
        read=response.read,
        close=response.close,
        response=response if isinstance(response, Response) else None,
    )


@lru_cache(maxsize=1024)  # few contents are asked for again and again, and answered the same
def _passed(status: int, given: tuple[tuple[str, ...], ...]) -> PassedFields:
    """Return what may reach the client, by the lines that an answer has of each of DECIDING."""
    fields = CIMultiDict(
        [(name, line) for name, lines in zip(DECIDING, given, strict=True) for line in lines]
    )
    lines = outbound(fields, status=status)
    passed = dict(lines)
    length, content_range = passed.get("Content-Length"), passed.get("Content-Range")
    content_length = complete_length = int(length) if length is not None else None
    said = parse_content_range(content_range or "")
    if said is not None:
        complete_length = said.complete_length  # Content-Length is that of the part
    whole = tuple(line for line in lines if line[0] not in _OF_ONE_MESSAGE)
    return PassedFields(whole, content_length, content_range, complete_length)


def _told(passed: PassedFields, date: str | None) -> Representation:
    """Return what an answer tells of the whole representation."""
    lines = dict(passed.whole)
    metadata = RepresentationMetadata(
        etag=lines.get("ETag"),
        last_modified=lines.get("Last-Modified"),
        date=date,
        complete_length=passed.complete_length,
    )
    return Representation(passed.whole, metadata)


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
