"""The summary table as CSV, JSON and plain text, piece by piece; pure.

Rule 1: CSV is RFC 4180's, so a line break is CRLF and a cell may hold one.
Rule 2: a CSV cell is text to spreadsheets too: what they would take for a formula gets an
apostrophe before it (OWASP, "CSV Injection"). JSON and text have every value as it is.
"""

import asyncio
import csv
import re
from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum

import orjson

from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import UrlRow

COLUMNS = (
    *("title", "type", "language", "identifier", "url", "status", "serves", "updated"),
    *("content_id", "file_name", "hidden", "media_type", "size", "modified"),
)
_SERVES = COLUMNS.index("serves")

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""At the start of CSV, without which some spreadsheets do not read UTF-8."""

# What a piece has at least, the last one apart: enough that sending it is worth while.
_PIECE = 32 * 1024
# The last four are wide forms of the first, which spreadsheets read alike.
_FORMULA = re.compile(r" *[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - meant


class Format(StrEnum):
    """What an export may be; ``TXT`` has the URLs that work, one in each line."""

    CSV = "csv"
    JSON = "json"
    TXT = "txt"


MEDIA_TYPES = {
    Format.CSV: "text/csv; charset=utf-8; header=present",
    Format.JSON: "application/json",
    Format.TXT: "text/plain; charset=utf-8",
}


class _Piece(bytearray):
    """What is sent next; ``csv`` writes into it."""

    def write(self, text: str) -> None:
        self.extend(text.encode())


async def exported(
    lines: AsyncIterator[UrlRow], urls: RowUrls, form: Format, *, is_marked: bool = False
) -> AsyncIterator[bytes]:
    """Give an export in pieces of some kilobytes; after each the event loop does other work.

    Args:
        lines: In the order that they are to have.
        urls: Makes their URLs.
        form: What it is to be.
        is_marked: Whether CSV begins with a byte order mark.
    """
    piece = _Piece(b"[" if form is Format.JSON else b"")
    records = csv.writer(piece, lineterminator="\r\n")
    if form is Format.CSV:
        piece += BYTE_ORDER_MARK if is_marked else b""
        records.writerow(COLUMNS)
    separator = b"\n"
    async for line in lines:
        match form:
            case Format.CSV:
                cells = [
                    escape_formula(each) if isinstance(each, str) else each
                    for each in values(line, urls)
                ]
                cells[_SERVES] = "yes" if line.serves else "no"
                records.writerow(cells)
            case Format.JSON:
                piece += separator
                piece += orjson.dumps(dict(zip(COLUMNS, values(line, urls), strict=True)))
                separator = b",\n"
            case Format.TXT:
                url = urls.of(line) if line.serves else None
                piece += f"{url}\n".encode() if url is not None else b""
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
            await asyncio.sleep(0)
    piece += b"\n]\n" if form is Format.JSON else b""
    if piece:
        yield bytes(piece)


def values(line: UrlRow, urls: RowUrls) -> tuple[str | int | None, ...]:
    """Return what an export has of a line, in the order of ``COLUMNS``, no formula escaped."""
    return (
        *(line.title, line.content_type, line.language, line.value, urls.of(line)),
        *(line.status, line.serves, _stamp(line.updated), line.content_id, line.file_name),
        *(line.hidden, line.media_type, line.size, _stamp(line.modified)),
    )


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _stamp(moment: datetime | None) -> str | None:
    return f"{moment.isoformat()[:19]}Z" if moment is not None else None  # they are in UTC
