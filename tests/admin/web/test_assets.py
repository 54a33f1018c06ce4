"""Style sheet, scripts and pictures: at addresses that change with them, and kept for ever."""

import re
from pathlib import Path

import pytest

from proxy.admin.web.assets import ASSETS, Assets
from tests.admin.visitor import Visitor

FOLDER = Path(__file__).parents[3] / "proxy" / "admin" / "web" / "static"


@pytest.mark.parametrize("name", sorted(path.name for path in FOLDER.iterdir()))
async def test_served(nobody: Visitor, name: str) -> None:
    """Each file is served whole, with its type, to be kept for ever."""
    page = await nobody.get(ASSETS.url(name))
    assert page.status == 200
    assert page.text == (FOLDER / name).read_text("utf-8")
    assert "immutable" in page.fields["Cache-Control"]
    kinds = {".css": "text/css", ".js": "javascript", ".svg": "image/svg+xml"}
    assert kinds[Path(name).suffix] in page.fields["Content-Type"]


async def test_of_another_release(nobody: Visitor) -> None:
    """An address of another release, or of no file, is not answered with this one."""
    assert (await nobody.get(f"/static/{'0' * 16}/console.css")).status == 404
    assert (await nobody.get(f"/static/{ASSETS.digest}/nothing.css")).status == 404
    assert (await nobody.get(f"/static/{ASSETS.digest}/..%2Fserver.py")).status == 404


async def test_icon(nobody: Visitor) -> None:
    """Who asks for an icon where icons used to be gets one."""
    assert "svg" in (await nobody.get("/favicon.ico")).fields["Content-Type"]


def test_digest(tmp_path: Path) -> None:
    """The address changes when any file does."""
    (tmp_path / "a.js").write_text("1")
    first = Assets(tmp_path).url("a.js")
    (tmp_path / "b.js").write_text("2")
    assert Assets(tmp_path).url("a.js") != first
    with pytest.raises(KeyError):
        ASSETS.url("no-such-file.js")


def test_no_other_host() -> None:
    """Nothing in style sheets, scripts and templates is fetched from another host."""
    templates = FOLDER.parent / "templates"
    for path in (*FOLDER.iterdir(), *templates.rglob("*.html")):
        text = path.read_text("utf-8")
        assert not re.search(r"""(src|href|action)=["']?(https?:)?//|@import""", text), path
        assert path.suffix != ".css" or "url(" not in text, path


def test_small() -> None:
    """What every page loads is small."""
    assert (FOLDER / "console.css").stat().st_size < 40_000
    assert (FOLDER / "console.js").stat().st_size < 10_000
