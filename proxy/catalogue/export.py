"""The summary table as CSV, JSON and plain text, piece by piece; pure.

Rule 1: CSV is RFC 4180's, so a line break is CRLF and a cell may hold one.
Rule 2: a CSV cell is text to spreadsheets too: what they would take for a formula gets an
apostrophe before it (OWASP, "CSV Injection"). JSON and text have every value as it is.
"""

import csv
import io
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import UrlRow


def _stamp(moment: datetime | None) -> str | None:
    return f"{moment.isoformat()[:19]}Z" if moment is not None else None  # they are in UTC


_COLUMNS: Mapping[str, Callable[[UrlRow, RowUrls], Any]] = {
    "title": lambda line, _: line.title,
    "type": lambda line, _: line.content_type,
    "language": lambda line, _: line.language,
    "identifier": lambda line, _: line.value,
    "url": lambda line, urls: urls.of(line),
    "status": lambda line, _: line.status.value,
    "serves": lambda line, _: line.serves,
    "updated": lambda line, _: _stamp(line.updated),
    "content_id": lambda line, _: line.content_id,
    "file_name": lambda line, _: line.file_name,
    "hidden": lambda line, _: line.hidden.value if line.hidden is not None else None,
    "media_type": lambda line, _: line.media_type,
    "size": lambda line, _: line.size,
    "modified": lambda line, _: _stamp(line.modified),
}
COLUMNS = tuple(_COLUMNS)
_READ = tuple(_COLUMNS.values())

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


class _CsvLines:
    """Writes records as they are asked for; one writer serves all of them."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        self._writer = csv.writer(self._text, lineterminator="\r\n")

    def row(self, cells: Iterable[str]) -> bytes:
        self._writer.writerow(cells)
        record = self._text.getvalue().encode()
        self._text.seek(0)
        self._text.truncate()
        return record


async def exported(
    lines: AsyncIterator[UrlRow], urls: RowUrls, form: Format, *, is_marked: bool = False
) -> AsyncIterator[bytes]:
    """Give an export in pieces of some kilobytes.

    Args:
        lines: In the order that they are to have.
        urls: Makes their URLs.
        form: What it is to be.
        is_marked: Whether CSV begins with a byte order mark.
    """
    piece = bytearray(b"[" if form is Format.JSON else b"")
    records = _CsvLines()
    if form is Format.CSV:
        piece += (BYTE_ORDER_MARK if is_marked else b"") + records.row(COLUMNS)
    is_first = True
    async for line in lines:
        match form:
            case Format.CSV:
                piece += records.row([_cell(column(line, urls)) for column in _READ])
            case Format.JSON:
                piece += b"\n" if is_first else b",\n"
                piece += orjson.dumps(values(line, urls))
            case Format.TXT:
                url = urls.of(line) if line.serves else None
                piece += f"{url}\n".encode() if url is not None else b""
        is_first = False
        if len(piece) >= _PIECE:
            yield bytes(piece)
            piece.clear()
    piece += b"\n]\n" if form is Format.JSON else b""
    if piece:
        yield bytes(piece)


def values(line: UrlRow, urls: RowUrls) -> dict[str, Any]:
    """Return a line by the names of ``COLUMNS``, with no formula escaped."""
    return {name: column(line, urls) for name, column in _COLUMNS.items()}


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return escape_formula(value) if isinstance(value, str) else str(value)
