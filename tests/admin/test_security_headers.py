"""What every answer tells browsers not to do."""

import pytest

from tests.admin.visitor import Visitor


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/set-up?link=x",
        "/connection",
        "/no-such-page",
        "/api/audit",
        "/api/nothing",
        "/api/openapi.json",
        "/livez",
        "/metrics",
        "/favicon.ico",
        "/static/x/y",
    ],
)
async def test_every_answer(admin: Visitor, nobody: Visitor, path: str) -> None:
    """Pages, problems, files and probes bear the same fields, for whoever asks."""
    for who in (admin, nobody):
        fields = (await who.get(path)).fields
        policy = fields["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert fields["X-Content-Type-Options"] == "nosniff"
        assert fields["X-Frame-Options"] == "DENY"
        assert fields["Referrer-Policy"] == "same-origin"
        assert fields["Server"] == "thron-connector"


@pytest.mark.parametrize("path", ["/", "/connection", "/audit", "/access", "/api"])
async def test_nothing_inline(admin: Visitor, path: str) -> None:
    """No page has inline scripts, styles or handlers, and none is stored."""
    page = await admin.get(path)
    assert page.status == 200
    assert page.fields["Cache-Control"] == "no-store"
    for word in ("<style", " style=", " onclick=", " onload=", "javascript:"):
        assert word not in page.text
    assert "<script>" not in page.text
    assert len(page.text) < 150_000
