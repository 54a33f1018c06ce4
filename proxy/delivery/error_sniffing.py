"""Sniffing: the first octets of an answer tell whether it is the content or an error page."""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus

from aiohttp import hdrs

from proxy.delivery.http_client import HttpResponse
from proxy.errors import (
    GatewayError,
    OriginAnswerInvalid,
    OriginTimeout,
    ThronBusy,
    ThronUnreachable,
)
from proxy.semantics.codings import codings
from proxy.semantics.dates import parse_retry_after
from proxy.semantics.headers import media_type
from proxy.semantics.media_types import OCTETS
from proxy.thron.error_answers import is_error_answer

# An envelope is small; what is longer is a file.
LONGEST_ENVELOPE = 64 * 1024
# downloadSource sends attachments, and servers of files validators (docs/thron.md 7.2 and 7.5);
# pages of errors and logins have neither.
_OF_A_FILE = frozenset({hdrs.CONTENT_DISPOSITION, hdrs.ETAG, hdrs.LAST_MODIFIED})
_BEFORE_TEXT = b"\xef\xbb\xbf \t\r\n"  # a byte order mark, and white space
# So few octets come at once or not at all.
_SNIFF_TIMEOUT_S = 15.0


async def sniff_error(response: HttpResponse, *, expected_name: str | None) -> GatewayError | None:
    """Return the error that an answer is instead of the content, if it is one.

    Args:
        response: One that may be an error, by its header section; what is read of it is put back,
            and it is closed if reading it fails.
        expected_name: THRON's name of the file, to tell an HTML file from an error page; None
            where there is none. Then a page must say otherwise that it is a file.

    Raises:
        OriginIncomplete: It broke off in its first octets.
        OriginTimeout: They did not come.
    """
    with ExitStack() as unless_read:
        unless_read.callback(response.close)  # for a client that leaves, too
        try:
            async with asyncio.timeout(_SNIFF_TIMEOUT_S):
                head, plain = await _head(response)
        except TimeoutError as exc:
            raise OriginTimeout("silent after its header section") from exc
        unless_read.pop_all()
    response.unread(head)
    if plain is None and response.status < HTTPStatus.BAD_REQUEST:
        return OriginAnswerInvalid("a short answer in a coding that was not asked for")
    if expected_name is None and not any(name in response.fields for name in _OF_A_FILE):
        expected_name = ""  # no name tells a page, and nothing else says that it is a file
    error = is_error_answer(
        status=response.status,
        media_type=media_type(response.fields.get(hdrs.CONTENT_TYPE)) or OCTETS,
        expected_name=expected_name,
        head=plain or b"",
    )
    wait_s = parse_retry_after(
        response.fields.get(hdrs.RETRY_AFTER), date=response.fields.get(hdrs.DATE)
    )
    if isinstance(error, (ThronBusy, ThronUnreachable)) and wait_s is not None:
        error.retry_after_s = wait_s
    return error


async def _head(response: HttpResponse) -> tuple[bytes, bytes | None]:
    """Return the octets read, and the same decoded; None for a coding that cannot be decoded."""
    head, plain = bytearray(), bytearray()
    decode = _decoder(response)
    if decode is None:
        return b"", None
    while _may_go_on(plain) and len(head) < LONGEST_ENVELOPE:
        chunk = await response.read()
        if not chunk:
            break
        head += chunk
        try:
            plain += decode(chunk)
        except zlib.error:
            return bytes(head), None
    return bytes(head), bytes(plain)


def _decoder(response: HttpResponse) -> Callable[[bytes], bytes] | None:
    match codings(response.fields):
        case ():
            return lambda chunk: chunk
        case ("gzip" | "deflate",):
            inflate = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # by the format's own header
            # No more of it than is looked at: a little may hold very much.
            return lambda chunk: inflate.decompress(chunk, LONGEST_ENVELOPE)
        case _:
            return None


def _may_go_on(head: bytearray) -> bool:
    """Tell whether the octets so far may begin JSON or a page; of other text no more is read."""
    begun = head.lstrip(_BEFORE_TEXT)
    return len(head) < LONGEST_ENVELOPE and (not begun or begun.startswith((b"{", b"<")))
