"""wget and aria2c, as download managers use ranges."""

from pathlib import Path

from tests.clients.command import answered, run, sha256, sole_file
from tests.clients.conftest import Published
from tests.running import Running


async def test_wget(connector: Running, film: Published, tmp_path: Path) -> None:
    """Wget -c completes a file that broke off, and asks only for what it lacks."""
    saved = tmp_path / "film.mp4"
    saved.write_bytes(film.data[:300_001])
    await run("wget", "-qc", film.url, at=tmp_path)
    assert sha256(saved) == film.sha256
    assert await answered(connector) == {"206": 1}


async def test_wget_of_what_is_whole(film: Published, tmp_path: Path) -> None:
    """Wget -c of a file that is complete leaves it as it is."""
    saved = tmp_path / "film.mp4"
    saved.write_bytes(film.data)
    await run("wget", "-qc", film.url, at=tmp_path)
    assert sha256(saved) == film.sha256


async def test_wget_spider(film: Published) -> None:
    """Wget --spider, a HEAD, sees type and length."""
    ran = await run("wget", "--spider", "--server-response", "--no-verbose", film.url)
    assert f"Content-Length: {len(film.data)}".encode() in ran.err
    assert b"Content-Type: video/mp4" in ran.err


async def test_wget_with_the_name_of_the_answer(connector: Running, tmp_path: Path) -> None:
    """Wget --content-disposition saves a name in other letters whole."""
    content = connector.thron.tenant.find("Value in other scripts")
    url = str(connector.url(f"/files/{content.id}"))
    await run(
        "wget", "-q", "--content-disposition", "--restrict-file-names=nocontrol", url, at=tmp_path
    )
    saved = sole_file(tmp_path, "*.txt")
    assert saved.read_bytes() == connector.thron.tenant.bytes_of(content.id)


async def test_aria2_in_eight_pieces(connector: Running, large: Published, tmp_path: Path) -> None:
    """Eight connections of aria2c, each with ranges of its own, make one right file."""
    pieces = ("-x8", "-s8", "-k1M", f"--checksum=sha-256={large.sha256}")
    await run("aria2c", "--no-conf", "-q", *pieces, "-o", "kit.zip", large.url, at=tmp_path)
    assert sha256(tmp_path / "kit.zip") == large.sha256
    assert (await answered(connector))["206"] >= 7


async def test_aria2_resumes(connector: Running, large: Published, tmp_path: Path) -> None:
    """Aria2c -c goes on with another program's half of a file."""
    saved = tmp_path / "kit.zip"
    saved.write_bytes(large.data[:5_000_000])
    await run("aria2c", "--no-conf", "-q", "-c", "-x8", "-o", saved.name, large.url, at=tmp_path)
    assert sha256(saved) == large.sha256
    assert (await answered(connector))["206"] >= 1
