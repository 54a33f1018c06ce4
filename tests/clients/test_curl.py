"""curl: whole, in part, resumed."""

from pathlib import Path

import pytest

from tests.clients.command import answered, run, sha256, sole_file
from tests.clients.conftest import Published
from tests.running import Running


async def test_whole(film: Published, tmp_path: Path) -> None:
    """Curl saves the source file, octet for octet."""
    await run("curl", "-sSfo", "film.mp4", film.url, at=tmp_path)
    assert sha256(tmp_path / "film.mp4") == film.sha256


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        pytest.param("0-0", slice(0, 1), id="first octet"),
        pytest.param("1000-65999", slice(1000, 66_000), id="middle"),
        pytest.param("1200000-", slice(1_200_000, None), id="open-ended"),
        pytest.param("-5", slice(-5, None), id="last five"),
    ],
)
async def test_range(film: Published, asked: str, part: slice) -> None:
    """Curl -r gives exactly the octets that were asked for."""
    ran = await run("curl", "-sSf", "-r", asked, film.url)
    assert ran.out == film.data[part]


async def test_resumed(connector: Running, film: Published, tmp_path: Path) -> None:
    """Curl -C - completes a file that broke off, and asks only for what it lacks."""
    saved = tmp_path / "film.mp4"
    saved.write_bytes(film.data[:400_000])
    await run("curl", "-sSfC", "-", "-o", saved, film.url)
    assert sha256(saved) == film.sha256
    assert await answered(connector) == {"206": 1}


async def test_resuming_what_is_whole(film: Published, tmp_path: Path) -> None:
    """Curl -C - of a file that is complete leaves it as it is."""
    saved = tmp_path / "film.mp4"
    saved.write_bytes(film.data)
    await run("curl", "-sSC", "-", "-o", saved, film.url)
    assert sha256(saved) == film.sha256


async def test_named_by_the_answer(connector: Running, tmp_path: Path) -> None:
    """Curl -OJ takes the file name from Content-Disposition, whatever the address ends with."""
    content = connector.thron.tenant.find("quotes")
    await run("curl", "-sSfOJ", str(connector.url(f"/files/{content.id}")), at=tmp_path)
    saved = sole_file(tmp_path, "*.txt")
    assert saved.name == "the _quoted_; name's _ file.txt"
    assert saved.read_bytes() == connector.thron.tenant.bytes_of(content.id)


async def test_revalidated(film: Published, tmp_path: Path) -> None:
    """Curl with a stored entity-tag transfers nothing while the content is the same."""
    tag = tmp_path / "etag"
    await run("curl", "-sSf", "--etag-save", tag, "-o", tmp_path / "film.mp4", film.url)
    show = ("-o", tmp_path / "again", "-w", "%{http_code} %{size_download}")
    ran = await run("curl", "-sSf", "--etag-compare", tag, *show, film.url)
    assert ran.out == b"304 0"
