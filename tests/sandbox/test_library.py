"""The media that come with the package are what they say they are."""

import csv
import io
import re
import shutil
import subprocess
import unicodedata
import uuid
import zipfile
from collections import Counter
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import orjson
import pytest

from proxy.sandbox.blob import FileBlob, RuleBlob
from proxy.sandbox.manifest import LIBRARY, ContentSpec, Library, shipped

FILES = LIBRARY / "files"
needs_ffprobe = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="no ffprobe here")


@cache
def library() -> Library:
    return shipped()


def titled(title: str) -> ContentSpec:
    (found,) = (content for content in library().contents if content.titles.get("EN") == title)
    return found


def values(key: str) -> list[str]:
    return [
        item[3] for content in library().contents for item in content.imetadata if item[1] == key
    ]


def probe(name: str) -> tuple[float, set[str]]:
    command = ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json"]
    found = orjson.loads(
        subprocess.run([*command, FILES / name], check=True, capture_output=True).stdout
    )
    return float(found["format"]["duration"]), {item["codec_name"] for item in found["streams"]}


def boxes(name: str) -> list[str]:
    data, at, found = (FILES / name).read_bytes(), 0, []
    while at < len(data):
        found.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4])
    return found


@needs_ffprobe
@pytest.mark.parametrize(
    ("name", "seconds", "codecs"),
    [
        ("aurora-strada-film.mp4", 24, {"h264", "aac"}),
        ("alba-sul-passo.mp4", 20, {"h264", "aac"}),
        ("renditions/aurora-strada-film.webhd.mp4", 24, {"h264", "aac"}),
        ("renditions/aurora-strada-film.web.mp4", 24, {"h264", "aac"}),
        ("renditions/alba-sul-passo.webhd.mp4", 20, {"h264", "aac"}),
        ("renditions/alba-sul-passo.web.mp4", 20, {"h264", "aac"}),
        ("aurora-jingle.mp3", 12, {"mp3"}),
        ("voci-dal-passo.m4a", 24, {"aac"}),
        ("campanello.wav", 3, {"pcm_s16le"}),
        ("renditions/voci-dal-passo.web.mp3", 24, {"mp3"}),
    ],
)
def test_films_and_sounds(name: str, seconds: float, codecs: set[str]) -> None:
    """They play as long as they should, by common codecs."""
    duration, found = probe(name)
    assert duration == pytest.approx(seconds, abs=0.3)
    assert found == codecs


def test_moov() -> None:
    """One film can be played from its first octets, the other has its index at the end."""
    first, last = boxes("aurora-strada-film.mp4"), boxes("alba-sul-passo.mp4")
    assert first.index("moov") < first.index("mdat")
    assert last[-1] == "moov"


@pytest.mark.parametrize("file", sorted(FILES.rglob("*.jp*g")), ids=lambda file: file.name)
def test_jpegs(file: Path) -> None:
    """A JPEG begins and ends as one."""
    data = file.read_bytes()
    assert (data[:3], data[-2:]) == (b"\xff\xd8\xff", b"\xff\xd9")


@pytest.mark.parametrize("name", ["logo.png", "renditions/logo.std.png"])
def test_pngs_are_transparent(name: str) -> None:
    """Source and rendition have an alpha channel (colour type 6)."""
    data = (FILES / name).read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert data[25] == 6


def test_renditions_are_re_encoded() -> None:
    """What is published of a picture or film is not its source; of a document, it is."""
    for content in library().contents:
        for rendition in content.renditions.values():
            if content.file_name.endswith((".jpg", ".png", ".gif", ".mp4", ".mp3")):
                assert rendition.etag != content.source.etag
            elif content.content_type == "OTHER":
                assert rendition.etag == content.source.etag


@pytest.mark.parametrize(
    ("name", "pages"),
    [
        ("velo-aurora-catalogue-2024-en.pdf", 6),
        ("velo-aurora-catalogo-2024-it.pdf", 6),
        ("manuale-strada-sl.pdf", 12),
    ],
)
def test_pdfs(name: str, pages: int) -> None:
    """A PDF begins and ends as one and has its pages."""
    data = (FILES / name).read_bytes()
    assert data.startswith(b"%PDF-")
    assert data.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", data)) == pages


def test_docx_and_zip() -> None:
    """Both open, and every member's checksum is right."""
    with zipfile.ZipFile(FILES / "press-release-strada-sl.docx") as document:
        assert document.testzip() is None
        assert b"Velo Aurora presents Strada SL" in document.read("word/document.xml")
    with zipfile.ZipFile(FILES / "press-kit.zip") as kit:
        assert kit.testzip() is None
        assert len(kit.namelist()) == 5


@pytest.mark.parametrize("name", ["logo.svg", "badge-with-script.svg"])
def test_svgs(name: str) -> None:
    """An SVG is well-formed XML with a size to scale from."""
    root = ET.fromstring((FILES / name).read_text())  # noqa: S314 - a file of our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "viewBox" in root.attrib


def test_price_list() -> None:
    """The CSV has one price a line, in euros."""
    rows = list(
        csv.DictReader(
            io.StringIO((FILES / "listino-2024.csv").read_text("utf-8-sig")), delimiter=";"
        )
    )
    assert len(rows) == 45
    assert all(row["prezzo"].endswith("€") for row in rows)


def test_size() -> None:
    """All of it is a few megabytes, and no file is shipped that nothing uses."""
    shipped_files = {file for file in FILES.rglob("*") if file.is_file()}
    assert sum(file.stat().st_size for file in shipped_files) < 8_000_000
    blobs = (
        blob
        for content in library().contents
        for blob in (content.source, *content.renditions.values())
    )
    assert {blob.path for blob in blobs if isinstance(blob, FileBlob)} == shipped_files


def test_folders() -> None:
    """Folders go three levels below the app's root, and one lies outside it."""
    parents = {folder.id: folder.parent_id for folder in library().folders}

    def depth(folder_id: str | None) -> int | None:
        if folder_id == library().root_folder_id:
            return 0
        above = depth(parents[folder_id]) if folder_id else None
        return None if above is None else above + 1

    depths = Counter(map(depth, parents))
    assert set(depths) == {None, 0, 1, 2, 3}
    assert parents[titled("Wages 2024 (outside the app's folder)").folder_ids[0]] is not None


def test_ids_are_uuids() -> None:
    """Every content and folder has a UUID, as in THRON."""
    ids = [content.id for content in library().contents]
    ids += [folder.id for folder in library().folders]
    assert all(str(uuid.UUID(item)) == item for item in ids)


def test_types_and_states() -> None:
    """Every type and state that a connector must tell apart is there."""
    contents = library().contents
    types = Counter(content.content_type for content in contents)
    assert set(types) == {"VIDEO", "AUDIO", "IMAGE", "OTHER", "PLAYLIST", "URL", "PAGELET"}
    assert {content.status for content in contents} == {
        "PUBLISHED",
        "DRAFT",
        "PUBLISH_IN_PROGRESS",
        "ERROR",
        "PUBLISHED_IN_SOME_CHANNELS",
    }
    assert [content.titles["EN"] for content in contents if not content.shareable] == [
        "Dealer terms (no share right)"
    ]
    assert [content.titles["EN"] for content in contents if not content.folder_ids] == [
        "Catalogue 2022 (trashed)"
    ]
    assert any(len(content.folder_ids) > 1 for content in contents)


def test_two_languages() -> None:
    """What the demo shows has titles in English and Italian."""
    both = [content for content in library().contents if {"EN", "IT"} <= set(content.titles)]
    assert len(both) > 50


def test_ten_gibibytes() -> None:
    """One content is of 10 GiB and takes no room."""
    content = titled("Strada SL rushes, 10 GiB")
    assert isinstance(content.source, RuleBlob)
    assert content.source.length == 10 * 1024**3
    assert content.renditions == {"WEB": content.source}


def test_definitions() -> None:
    """KEY, STRING and ALTERNATIVE_M; one removed, one invisible, one not for contents."""
    found = {item.key: item for item in library().definitions}
    assert found["sku"].metadata_type == "KEY"
    assert found["campaign"].metadata_type == "STRING"
    assert found["colours"].metadata_type == "ALTERNATIVE_M"
    assert [key for key, item in found.items() if item.removed] == ["old_code"]
    assert [key for key, item in found.items() if not item.visible] == ["import_id"]
    assert "CONTENT" not in found["department"].applicable_to
    assert found["free_code"].classification_id is None


def test_awkward_pretty_ids() -> None:
    """None, upper case, and one value in two languages."""
    assert titled("No prettyID").pretty_ids == ()
    assert titled("Upper-case prettyID").pretty_ids == (("EN", "VA1001A00024M2024S54_X"),)
    assert titled("Giro delle Alpi 2024, poster").pretty_ids == (
        ("EN", "giro-2024"),
        ("IT", "giro-2024"),
    )
    assert all(
        re.fullmatch(r"[a-zA-Z0-9_-]{1,150}", value)
        for content in library().contents
        for _, value in content.pretty_ids
    )


def test_awkward_values() -> None:
    """Metadata values that are shared, differ by case, or are hard to put into a path."""
    assert Counter(values("sku")).most_common(1) == [("VA-SHARED", 2)]
    assert "va-shared" in values("sku")
    assert {"VA/2001/54", "Notte blu", "100% lana", "100%25 lana", "", ".", ".."} <= set(
        values("reference")
    )
    assert any(not unicodedata.is_normalized("NFC", value) for value in values("reference"))
    assert any(not value.isascii() for value in values("reference"))
    many = titled("Many values").imetadata
    assert len([item for item in many if item[1] == "colours"]) == 3
    assert {item[2] for item in many if item[1] == "campaign"} == {"EN", "IT", "DE"}


def test_awkward_files() -> None:
    """File names with quotes, control characters, paths; scripts; no octets at all."""
    names = {content.file_name for content in library().contents}
    assert any('"' in name and "\\" in name for name in names)
    assert any("\r\n" in name and "\a" in name for name in names)
    assert any(not name.isascii() for name in names)
    assert "../../etc/passwd" in names
    assert max(map(len, names)) == 250
    assert b"<script>" in (FILES / "widget.html").read_bytes()
    assert b"<script>" in (FILES / "badge-with-script.svg").read_bytes()
    assert titled("Empty file").source.length == 0
