"""Contents may be embedded anywhere, and act nowhere."""

import pytest

from proxy.semantics.cors import exposure, preflight


def test_any_page_may_embed_a_content() -> None:
    """CORS and CORP are open, length and range can be read, types are taken literally."""
    lines = dict(exposure(content_type="image/png"))
    assert lines["Access-Control-Allow-Origin"] == "*"
    assert lines["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert {"Content-Range", "Content-Length"} <= set(
        lines["Access-Control-Expose-Headers"].split(", ")
    )
    assert lines["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Credentials" not in lines


@pytest.mark.parametrize(
    ("content_type", "sandboxed"),
    [
        pytest.param("text/html", True, id="HTML"),
        pytest.param("image/svg+xml", True, id="SVG"),
        pytest.param("application/x-unheard-of", True, id="a type that nobody knows"),
        pytest.param("image/png", False, id="an image"),
        pytest.param("application/pdf", False, id="PDF, whose viewer a sandbox breaks"),
        pytest.param(None, False, id="no content"),
    ],
)
def test_script_is_sandboxed(content_type: str | None, *, sandboxed: bool) -> None:
    """Whatever is not known to run no script runs none in our name."""
    lines = dict(exposure(content_type=content_type))
    assert (lines.get("Content-Security-Policy") == "sandbox") == sandboxed


def test_robots_of_the_connector() -> None:
    """X-Robots-Tag is said where the connector has one that can be written."""
    assert ("X-Robots-Tag", "noindex") in exposure(content_type=None, robots="noindex")
    for robots in ("", "noindex\r\nX: y"):
        assert "X-Robots-Tag" not in dict(exposure(content_type=None, robots=robots))


def test_preflight() -> None:
    """OPTIONS tells the methods, and lets scripts ask for ranges."""
    lines = dict(preflight())
    assert lines["Access-Control-Allow-Origin"] == "*"
    assert lines["Access-Control-Max-Age"] == "7200"  # what browsers cap it to
    assert lines["Allow"] == lines["Access-Control-Allow-Methods"] == "GET, HEAD, OPTIONS"
    assert {"Range", "If-Range", "*"} <= set(lines["Access-Control-Allow-Headers"].split(", "))
