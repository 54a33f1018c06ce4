"""ffprobe and ffmpeg, which read a film from both ends."""

from pathlib import Path

import orjson
import pytest

from tests.clients.command import octets_sent, run
from tests.clients.conftest import Published
from tests.clients.films import PADDING_OCTETS, moov_far_away
from tests.running import Running


@pytest.fixture
def moov_at_end(connector: Running) -> Published:
    content = connector.thron.tenant.find("dawn-on-the-pass")
    url = connector.url(f"/files/{content.id}/dawn.mp4")
    return Published(str(url), connector.thron.tenant.bytes_of(content.id))


async def duration_s(source: str | Path) -> float:
    form = ("-show_entries", "format=duration", "-of", "json")
    ran = await run("ffprobe", "-v", "error", *form, source)
    return float(orjson.loads(ran.out)["format"]["duration"])


async def frame_at(source: str | Path, second: float) -> bytes:
    one = ("-frames:v", "1", "-f", "rawvideo", "-")
    return (await run("ffmpeg", "-v", "error", "-ss", str(second), "-i", source, *one)).out


async def test_ffprobe_of_a_film_with_its_index_at_the_end(
    moov_at_end: Published, tmp_path: Path
) -> None:
    """Ffprobe says of the URL what it says of the file."""
    file = tmp_path / "dawn.mp4"
    file.write_bytes(moov_at_end.data)
    assert await duration_s(moov_at_end.url) == await duration_s(file) > 0


async def test_ffprobe_reads_only_what_it_needs(connector: Running) -> None:
    """Of a film of 48 MiB whose index is at the end, ffprobe takes a small part."""
    content_id = moov_far_away(connector.thron)
    assert await duration_s(str(connector.url(f"/files/{content_id}/dawn.mp4"))) > 0
    assert 0 < await octets_sent(connector) < PADDING_OCTETS / 3


async def test_ffmpeg_seeks(film: Published, tmp_path: Path) -> None:
    """Ffmpeg -ss decodes from the URL the very picture that it decodes from the file."""
    file = tmp_path / "film.mp4"
    file.write_bytes(film.data)
    picture = await frame_at(film.url, 17.5)
    assert picture
    assert picture == await frame_at(file, 17.5)
