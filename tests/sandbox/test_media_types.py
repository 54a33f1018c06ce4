"""Media types and content types by file name."""

import pytest

from proxy.sandbox.media_types import content_type_of, media_type_of


@pytest.mark.parametrize(
    ("file_name", "media_type"),
    [
        ("a.jpg", "image/jpeg"),
        ("A.JPEG", "image/jpeg"),
        ("a.webp", "image/webp"),
        ("a.svg", "image/svg+xml"),
        ("a.mov", "video/quicktime"),
        ("a.mp3", "audio/mpeg"),
        ("a.pdf", "application/pdf"),
        ("a.html", "text/html"),
        ("a.csv", "text/csv"),
        ("a.tar.gz", "application/octet-stream"),
        ("a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("a", "application/octet-stream"),
        (".pdf", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_media_type_of(file_name: str, media_type: str) -> None:
    """The last extension decides, in any case of letters."""
    assert media_type_of(file_name) == media_type


@pytest.mark.parametrize(
    ("media_type", "content_type"),
    [
        ("video/mp4", "VIDEO"),
        ("audio/mpeg", "AUDIO"),
        ("image/svg+xml", "IMAGE"),
        ("application/pdf", "OTHER"),
        ("text/plain", "OTHER"),
    ],
)
def test_content_type_of(media_type: str, content_type: str) -> None:
    """Whatever is no film, sound or picture is a document."""
    assert content_type_of(media_type) == content_type
