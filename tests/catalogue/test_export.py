"""Exports of the summary table, as other programs read them."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.export import BYTE_ORDER_MARK, COLUMNS, Format, escape_formula, exported
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import UrlRow
from tests.catalogue.entering import NAMES
from tests.catalogue.test_row_urls import LINE, PLAIN, SECURE

URLS = RowUrls(NAMES, PLAIN, SECURE)


async def _batches(lines: Sequence[UrlRow]) -> AsyncIterator[Sequence[UrlRow]]:
    """Give lines as the catalogue does, and few in the last batch."""
    for start in range(0, len(lines), 1000):
        yield lines[start : start + 1000]


async def _export(form: Format, *lines: UrlRow, is_marked: bool = False) -> bytes:
    pieces = exported(_batches(lines), URLS, form, is_marked=is_marked)
    return b"".join([piece async for piece in pieces])


def _read(exported: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(exported.decode("utf-8-sig"), newline="")))


async def test_csv() -> None:
    """CSV has a head, one record for each line, and CRLF at the end of each."""
    served = LINE._replace(media_type="application/pdf", size=1_234_567, modified=LINE.updated)
    whole = await _export(Format.CSV, served, LINE._replace(value=None, serves=False))
    assert whole.count(b"\r\n") == 3
    head, first, second = _read(whole)
    assert tuple(head) == COLUMNS
    assert dict(zip(head, first, strict=True)) == {
        "title": "Title",
        "type": "OTHER",
        "language": "en",
        "identifier": "name",
        "url": "http://dl.example.com/names/en/name",
        "status": "ok",
        "serves": "yes",
        "updated": "2024-05-01T12:00:00Z",
        "content_id": "id-1",
        "file_name": "a file.pdf",
        "hidden": "",
        "media_type": "application/pdf",
        "size": "1234567",
        "modified": "2024-05-01T12:00:00Z",
    }
    assert second[3:7] == ["", "", "ok", "no"]
    assert second[-3:] == ["", "", ""]


@pytest.mark.parametrize(
    "title",
    ['say "hi", you', "two\nlines", "two\r\nlines", "ünïcode 山", ";,\t"],
    ids=["quotes and comma", "line feed", "line break", "other scripts", "separators"],
)
async def test_csv_keeps_every_character(title: str) -> None:
    """A cell comes back as it was (RFC 4180, 2)."""
    assert _read(await _export(Format.CSV, LINE._replace(title=title)))[1][0] == title


async def test_byte_order_mark() -> None:
    """On request CSV begins with a byte order mark; nothing else ever does."""
    assert (await _export(Format.CSV, is_marked=True)).startswith(BYTE_ORDER_MARK)
    for form in Format:
        assert not (await _export(form, LINE)).startswith(BYTE_ORDER_MARK)
    assert not (await _export(Format.JSON, is_marked=True)).startswith(BYTE_ORDER_MARK)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＠"])  # noqa: RUF001 - meant
async def test_csv_has_no_formulas(start: str) -> None:
    """What spreadsheets take for a formula gets an apostrophe, in every column."""
    evil = f"{start}HYPERLINK(1)"
    line = LINE._replace(title=evil, file_name=evil, value=evil, content_id=evil)
    record = _read(await _export(Format.CSV, line))[1]
    assert [record[0], record[3], record[8], record[9]] == [f"'{evil}"] * 4


@given(st.text())
def test_no_cell_begins_a_formula(cell: str) -> None:
    """Whatever it holds, a cell does not begin with a character of formulas."""
    made = escape_formula(cell)
    assert not made.lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    assert made in {cell, f"'{cell}"}


async def test_json() -> None:
    """JSON is one array, with every value as it is."""
    assert json.loads(await _export(Format.JSON)) == []
    evil = LINE._replace(title="=1+1", value=None, language=None, updated=None)
    first, second = json.loads(await _export(Format.JSON, LINE, evil))
    assert first["url"] == "http://dl.example.com/names/en/name"
    assert [second[name] for name in ("title", "url", "updated")] == ["=1+1", None, None]


async def test_text() -> None:
    """Text has the URLs that lead to a content, and no others."""
    lost = LINE._replace(value="lost", serves=False, status=AddressStatus.COLLISION)
    none = LINE._replace(value=None)
    assert await _export(Format.TXT, LINE, lost, none) == b"http://dl.example.com/names/en/name\n"


async def test_in_pieces() -> None:
    """A long export comes in pieces, none of them long."""
    lines = [LINE._replace(number=number) for number in range(2000)]
    pieces = [piece async for piece in exported(_batches(lines), URLS, Format.JSON)]
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 64 * 1024
    assert len(json.loads(b"".join(pieces))) == 2000
