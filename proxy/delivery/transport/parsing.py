"""What an origin says, as a message of HTTP/1.1 or as an error (RFC 9112).

llhttp, which Node.js has too, reads header sections and chunked contents, in its strict mode: no
bare CR or LF, no folded lines, no second Content-Length, no Content-Length beside
Transfer-Encoding. What it takes all the same is refused here. Rule: where two
readers could see two messages, there is none.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus

import httptools
from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.errors import OriginAnswerInvalid
from proxy.semantics.field_lines import connection_options

# nginx and Node.js refuse at 32 and 16 KiB; a signed redirect and a CSP are some KiB.
MOST_HEADER_OCTETS = 32 * 1024
_MOST_FIELDS = 200
# Longer header sections are read anew each time, so that what is remembered stays small.
MOST_REMEMBERED_OCTETS = 2048
# Chunk extensions, sizes and trailers that come without any content between them.
_MOST_FRAMING_OCTETS = 16 * 1024

# llhttp takes other versions, other protocols' names, and blank lines before them.
_BEGIN = re.compile(rb"HTTP/1\.[01] ")
_ANY_BEGIN = b"HTTP/1.1 "
_CHUNKED = (["chunked"], ["Chunked"])
_LENGTH = re.compile(r"[0-9]{1,18}")
# A blank line behind the one that ends a chunked content.
_BLANK_LINE = b"\r\n\r\n\r\n"
_FAILURES = (httptools.HttpParserError, httptools.HttpParserUpgrade)
_WITHOUT_CONTENT = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


@dataclass(frozen=True, slots=True)
class Head:
    """A header section, and what it says of the content behind it (RFC 9112, 6.3).

    Attributes:
        status: Final, or 1xx.
        fields: In their order.
        content_length: As told, even where no content follows.
        octets: Of content that follow; None where its end is told otherwise.
        is_chunked: Whether its end is told by chunks, rather than by the connection's end.
        is_persistent: Whether the connection may serve another request afterwards.
    """

    status: int
    fields: CIMultiDictProxy[str]
    content_length: int | None
    octets: int | None
    is_chunked: bool
    is_persistent: bool


def could_begin(octets: bytes) -> bool:
    """Tell whether these may be the first octets of an answer."""
    begin = octets[: len(_ANY_BEGIN)]
    return _BEGIN.match(begin + _ANY_BEGIN[len(begin) :]) is not None


@lru_cache(maxsize=256)  # an origin says the same of one content, but for the second in its Date
def read_head(section: bytes, method: str) -> Head:
    """Return the header section that these octets are, with the empty line at its end.

    It is remembered, and shared by all who read the same octets: nobody can change it.

    Args:
        section: All of it.
        method: Of the request that it answers.

    Raises:
        OriginAnswerInvalid: It is none, or one that can be read in two ways.
    """
    if not _BEGIN.match(section):
        raise OriginAnswerInvalid("no HTTP/1.1")
    lines = _FieldLines()
    llhttp = httptools.HttpResponseParser(lines)
    try:
        llhttp.feed_data(section)
    except _FAILURES as exc:
        raise OriginAnswerInvalid(f"no HTTP ({type(exc).__name__})") from exc
    if not lines.is_whole:
        raise OriginAnswerInvalid("a header section that does not end where it seems to")
    status = llhttp.get_status_code()
    fields = CIMultiDictProxy(CIMultiDict(lines.found))
    is_http_1_0 = section.startswith(b"HTTP/1.0")
    length = None
    if hdrs.CONTENT_LENGTH in fields:
        said = fields.getall(hdrs.CONTENT_LENGTH)
        if len(said) > 1 or not _LENGTH.fullmatch(said[0]):
            raise OriginAnswerInvalid("a Content-Length that is none")
        length = int(said[0])
    is_chunked = hdrs.TRANSFER_ENCODING in fields
    if is_chunked and (fields.getall(hdrs.TRANSFER_ENCODING) not in _CHUNKED or is_http_1_0):
        raise OriginAnswerInvalid(  # another one was not asked for (RFC 9112, 6.1)
            "a transfer coding that was not asked for",
            proxy_status="http_response_transfer_coding",
        )
    is_empty = method == hdrs.METH_HEAD or status in _WITHOUT_CONTENT
    is_closed = hdrs.CONNECTION in fields and "close" in connection_options(fields)
    is_persistent = not is_http_1_0 and not is_closed
    return Head(
        status=status,
        fields=fields,
        content_length=length,
        octets=0 if is_empty else length,
        is_chunked=is_chunked and not is_empty,
        # A content that ends with the connection leaves none.
        is_persistent=is_persistent and (is_empty or is_chunked or length is not None),
    )


class _FieldLines:
    """The field lines of one header section, as llhttp finds them."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.is_whole = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field line."""
        if len(self.found) >= _MOST_FIELDS:
            raise httptools.HttpParserError("too many fields")
        self.found.append(
            (name.decode("ascii"), value.strip(b" \t").decode("utf-8", "surrogateescape"))
        )

    def on_headers_complete(self) -> None:
        """Note that the header section is whole."""
        self.is_whole = True


class ChunkParser:
    """Reads a chunked content as it comes; trailers are dropped (RFC 9110, 6.5.1).

    Attributes:
        is_complete: Whether the last chunk and the trailers have come.
        is_doubtful: Whether anything came behind them.
    """

    def __init__(self, section: bytes) -> None:
        """Begin behind a header section that has been read."""
        self._content: list[bytes] = []
        self._framing_octets = 0
        self._end = b""
        self.is_complete = False
        self.is_doubtful = False
        self._llhttp = httptools.HttpResponseParser(self)
        self._llhttp.feed_data(section)

    def read(self, octets: bytes) -> list[bytes]:
        """Return the content that is in these octets.

        Raises:
            OriginAnswerInvalid: They are no chunks, or more of their framing than there may be.
        """
        self._content = []
        try:
            self._llhttp.feed_data(octets)
        except _FAILURES as exc:
            if not self.is_complete:
                raise OriginAnswerInvalid(f"no chunks ({type(exc).__name__})") from exc
            self.is_doubtful = True
        self._framing_octets = 0 if self._content else self._framing_octets + len(octets)
        if self._framing_octets > _MOST_FRAMING_OCTETS:
            raise OriginAnswerInvalid(
                "too much between the chunks", proxy_status="http_response_transfer_coding"
            )
        self._end = (self._end + octets)[-len(_BLANK_LINE) :]
        # llhttp skips blank lines before the next message; a content ends with exactly one.
        if self.is_complete and (self._end == _BLANK_LINE or not self._end.endswith(b"\r\n\r\n")):
            self.is_doubtful = True
        return self._content

    def on_body(self, octets: bytes) -> None:
        """Take some of a chunk."""
        if self.is_complete:
            self.is_doubtful = True
        else:
            self._content.append(octets)

    def on_message_begin(self) -> None:
        """Note a message that nobody has asked for."""
        self.is_doubtful = self.is_complete

    def on_message_complete(self) -> None:
        """Note the end."""
        self.is_complete = True
