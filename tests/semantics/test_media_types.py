"""Which Content-Type a content is sent as."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.media_types import content_type, is_active, media_type_of


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
    ("value", "active"),
    [
        pytest.param("text/html; charset=utf-8", True, id="HTML"),
        pytest.param("image/svg+xml", True, id="SVG"),
        pytest.param("application/atom+xml", True, id="any XML"),
        pytest.param("application/pdf", False, id="PDF"),
        pytest.param("image/png", False, id="PNG"),
        pytest.param(None, False, id="none"),
    ],
)
def test_is_active(value: str | None, *, active: bool) -> None:
    """Types that carry script are known."""
    assert is_active(value) == active


@given(name=st.text(st.characters()))
def test_any_name_has_a_type_or_none(name: str) -> None:
    """No name raises, and a known extension is known in any case."""
    assert media_type_of(name) is None or media_type_of(name.upper()) is not None
    assert media_type_of(name + ".Jpg") == "image/jpeg"
