"""Which Content-Type a content is sent as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.media_types import content_type, is_inert, media_type_of


@pytest.mark.parametrize(
    ("received", "file_name", "sent"),
    [
        pytest.param("image/png", "a.jpg", "image/png", id="the origin's word stands"),
        pytest.param(
            "text/plain; charset=utf-8", "a.html", "text/plain; charset=utf-8", id="whole"
        ),
        pytest.param("application/octet-stream", "a.MP4", "video/mp4", id="says nothing"),
        pytest.param("Binary/Octet-Stream", "a.pdf", "application/pdf", id="as S3 says nothing"),
        pytest.param("application/force-download", "a.zip", "application/zip", id="wants a file"),
        pytest.param(None, "a.svg", "image/svg+xml", id="missing"),
        pytest.param("nonsense", "a.webp", "image/webp", id="malformed"),
        pytest.param(None, "a.unknown", "application/octet-stream", id="unknown extension"),
        pytest.param(None, "a", "application/octet-stream", id="no extension"),
        pytest.param(None, None, "application/octet-stream", id="no name"),
    ],
)
def test_content_type(received: str | None, file_name: str | None, sent: str) -> None:
    """The origin is believed unless it says nothing; then the extension is."""
    assert content_type(received, file_name=file_name) == sent


@pytest.mark.parametrize(
    ("value", "inert"),
    [
        pytest.param("image/png", True, id="PNG"),
        pytest.param("Image/JPEG", True, id="in capitals"),
        pytest.param("image/svg+xml", False, id="SVG"),
        pytest.param("video/mp4; codecs=avc1", True, id="film"),
        pytest.param("video/x-of-tomorrow", True, id="a film nobody knows yet"),
        pytest.param("audio/mpeg", True, id="sound"),
        pytest.param("audio/x+xml", False, id="sound in XML"),
        pytest.param("font/woff2", True, id="font"),
        pytest.param("application/pdf", True, id="PDF"),
        pytest.param("text/plain; charset=utf-8", True, id="text"),
        pytest.param("text/csv", True, id="a table"),
        pytest.param("application/zip", True, id="archive"),
        pytest.param("application/octet-stream", True, id="octets"),
        pytest.param("text/html; charset=utf-8", False, id="HTML"),
        pytest.param("application/xhtml+xml", False, id="XHTML"),
        pytest.param("application/atom+xml", False, id="any XML"),
        pytest.param("text/xml", False, id="XML by its old name"),
        pytest.param("multipart/related", False, id="a page with its images (MHTML)"),
        pytest.param("message/rfc822", False, id="the same as a message"),
        pytest.param("application/x-shockwave-flash", False, id="a type that carries script"),
        pytest.param("text/javascript", False, id="a worker's script"),
        pytest.param("application/x-of-tomorrow", False, id="a type nobody knows yet"),
        pytest.param("nonsense", False, id="no media type"),
    ],
)
def test_is_inert(value: str, *, inert: bool) -> None:
    """Only types that are known to run no script are said to run none."""
    assert is_inert(value) == inert


@given(name=st.text(st.characters()))
def test_any_name_has_a_type_or_none(name: str) -> None:
    """No name raises, and a known extension is known in any case."""
    assert media_type_of(name) is None or media_type_of(name.upper()) is not None
    assert media_type_of(name + ".Jpg") == "image/jpeg"
