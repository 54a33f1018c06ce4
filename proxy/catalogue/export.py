"""The summary table as CSV, JSON and plain text, piece by piece; pure.

Rule 1: CSV is RFC 4180's, so a line break is CRLF and a cell may hold one.
Rule 2: a CSV cell is text to spreadsheets too: what they would take for a formula gets an
apostrophe before it (OWASP, "CSV Injection"). JSON and text have every value as it is.
"""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable, Sequence
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

# Lines of a piece: enough that sending it is worth while, and made in a millisecond.
_AT_A_TIME = 100
# The last four are wide forms of the first, which spreadsheets read alike.
_FORMULA = re.compile(r" *[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001 - meant
# What such a cell begins with; most of a million cells do not, and are looked at no further.
_SUSPECT = frozenset(" =+-@\t\r\n＝＋－＠")  # noqa: RUF001 - meant


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


async def exported(
    batches: AsyncIterator[Sequence[UrlRow]],
    urls: RowUrls,
    form: Format,
    *,
    is_marked: bool = False,
) -> AsyncIterator[bytes]:
    """Give an export in pieces of some kilobytes; after each the event loop does other work.

    Args:
        batches: Lines in the order that they are to have.
        urls: Makes their URLs.
        form: What it is to be.
        is_marked: Whether CSV begins with a byte order mark.
    """
    if form is Format.CSV:
        yield (BYTE_ORDER_MARK if is_marked else b"") + _records([COLUMNS])
    if form is Format.JSON:
        yield b"["
    separator = b"\n"
    async for batch in batches:
        for start in range(0, len(batch), _AT_A_TIME):
            lines = batch[start : start + _AT_A_TIME]
            match form:
                case Format.CSV:
                    yield _records(_cells(line, urls) for line in lines)
                case Format.JSON:
                    rows = (dict(zip(COLUMNS, values(each, urls), strict=True)) for each in lines)
                    yield separator + b",\n".join(map(orjson.dumps, rows))
                    separator = b",\n"
                case Format.TXT:
                    found = [urls.of(line) for line in lines if line.serves]
                    yield "".join(f"{url}\n" for url in found if url is not None).encode()
            await asyncio.sleep(0)
    if form is Format.JSON:
        yield b"\n]\n"


def _records(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(line: UrlRow, urls: RowUrls) -> list[object]:
    cells: list[object] = [
        escape_formula(each) if isinstance(each, str) and each[:1] in _SUSPECT else each
        for each in values(line, urls)
    ]
    cells[_SERVES] = "yes" if line.serves else "no"
    return cells


def values(line: UrlRow, urls: RowUrls) -> tuple[str | int | None, ...]:
    """Return what an export has of a line, in the order of ``COLUMNS``, no formula escaped."""
    return (
        line.title,
        line.content_type,
        line.language,
        line.value,
        urls.of(line),
        line.status,
        line.serves,
        _stamp(line.updated) if line.updated is not None else None,
        line.content_id,
        line.file_name,
        line.hidden,
        line.media_type,
        line.size,
        _stamp(line.modified) if line.modified is not None else None,
    )


def escape_formula(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _stamp(moment: datetime) -> str:
    return f"{moment.isoformat()[:19]}Z"  # they are in UTC
