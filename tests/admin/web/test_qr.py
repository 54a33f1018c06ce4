"""QR codes."""

import struct
from xml.etree import ElementTree as ET

import pytest

from proxy.admin.web import qr

URL = "http://dl.example.com/media/en/strada-film"


def test_svg() -> None:
    """SVG is a picture without scripts, links or entities."""
    tree = ET.fromstring(qr.svg(URL))  # noqa: S314 - our own
    names = {each.tag.rpartition("}")[2] for each in tree.iter()}
    assert names <= {"svg", "path", "g", "rect"}


def test_png() -> None:
    """PNG is large enough to print."""
    made = qr.png(URL)
    width, height = struct.unpack(">II", made[16:24])
    assert made.startswith(b"\x89PNG")
    assert (width, width % 12) == (height, 0)
    assert width >= 300


@pytest.mark.parametrize(("length", "is_codable"), [(100, True), (1000, True), (1001, False)])
def test_codable(length: int, is_codable: bool) -> None:  # noqa: FBT001 - a case
    """A URL that no phone could read has no code; one that is codable has."""
    url = "http://a.example/".ljust(length, "x")
    assert qr.is_codable(url) is is_codable
    if is_codable:
        assert qr.svg(url)
        assert qr.png(url)
