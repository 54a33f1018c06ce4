"""What the URLs of contents were last seen to give, noted in passing and written in one go."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.served_files import ServedFile, ServedFiles
from proxy.connectors.model import Connector, DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.catalogue.entering import FILES, NAMES, Catalogue, content, named
from tests.listed import listed
from tests.running import by_name, running
from tests.waiting import until

MADE = datetime(2024, 5, 1, 12, tzinfo=UTC)
FILM = ServedFile("video/mp4", 5_000_000_000, MADE)


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        made = Catalogue(database)
        await made.listed(NAMES, content(1), content(2))
        await made.listed(FILES, content(1))
        yield made


async def _seen(catalogue: Catalogue, connector: Connector) -> set[tuple[str, ServedFile]]:
    return {
        (each.content_id, ServedFile(each.media_type, each.size, each.modified))
        async for each in catalogue.contents.each(connector)
    }


UNSEEN = ServedFile(None, None, None)


async def test_a_row_has_what_was_served(catalogue: Catalogue) -> None:
    """Every row of the content has it, in that connector alone; of others nothing is known."""
    files = ServedFiles(catalogue.database)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    assert await _seen(catalogue, NAMES) == {("id-1", FILM), ("id-2", UNSEEN)}
    assert await _seen(catalogue, FILES) == {("id-1", UNSEEN)}


async def test_the_last_one_counts(catalogue: Catalogue) -> None:
    """A new version takes the place of the old one, also where it tells less."""
    files = ServedFiles(catalogue.database)
    for file in (FILM, ServedFile("video/webm", None, None)):
        files.note(NAMES.slug, "id-1", file)
        await files.write()
    assert ("id-1", ServedFile("video/webm", None, None)) in await _seen(catalogue, NAMES)


async def test_a_listing_keeps_it(catalogue: Catalogue) -> None:
    """What THRON lists anew, changed or not, keeps what was served."""
    files = ServedFiles(catalogue.database)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    await catalogue.listed(NAMES, content(1, file_name="renamed.mp4"), content(2))
    assert ("id-1", FILM) in await _seen(catalogue, NAMES)


async def test_a_new_line_of_a_content_has_it(catalogue: Catalogue) -> None:
    """An identifier that a content gets later has what its other URLs gave."""
    files = ServedFiles(catalogue.database)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    await catalogue.listed(NAMES, named(1, "en:renamed"), content(2))
    lines = [each async for each in catalogue.contents.each(NAMES) if each.content_id == "id-1"]
    assert "renamed" in {each.value for each in lines}
    assert {each.size for each in lines} == {FILM.size}


async def test_a_crowd_is_bounded(catalogue: Catalogue) -> None:
    """What waits to be written takes no more memory than some hundreds of notes."""
    files = ServedFiles(catalogue.database)
    for number in range(2000):
        files.note(NAMES.slug, f"other-{number}", FILM)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    assert ("id-1", UNSEEN) in await _seen(catalogue, NAMES)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    assert ("id-1", FILM) in await _seen(catalogue, NAMES)


async def test_another_delivery_mode_serves_other_files(catalogue: Catalogue) -> None:
    """Renditions are not the source files: with another mode nothing is known any more."""
    store = ConnectorStore(catalogue.database)
    await store.apply([NAMES], actor="test")
    files = ServedFiles(catalogue.database)
    files.note(NAMES.slug, "id-1", FILM)
    await files.write()
    await store.apply([NAMES.model_copy(update={"max_age_s": 5})], actor="test")
    assert ("id-1", FILM) in await _seen(catalogue, NAMES)
    published = NAMES.model_copy(update={"delivery": DeliveryMode.PUBLISHED})
    await store.apply([published], actor="test")
    assert await _seen(catalogue, NAMES) == {("id-1", UNSEEN), ("id-2", UNSEEN)}


@pytest.mark.parametrize("fields", [{}, {"Range": "bytes=0-9"}], ids=["whole", "range"])
async def test_a_download_is_noted(tmp_path: Path, fields: dict[str, str]) -> None:
    """After a download, of a part too, the table knows type, size and date of the whole file."""
    async with Sandbox() as thron, running(thron, tmp_path, by_name(thron)) as connector:
        contents = connector.gateway.contents
        made = connector.gateway.watch.connectors.of_slug("media")
        assert made is not None
        await listed(connector, "media")  # what has no line yet has none to note it in
        await connector.get("/media/en/strada-sl-film", **fields)
        film = thron.tenant.find("strada-sl-film")

        async def is_noted() -> bool:
            rows = [each async for each in contents.each(made)]
            return any(
                (each.content_id, each.size) == (film.id, len(thron.tenant.bytes_of(film.id)))
                and each.media_type == "video/mp4"
                and each.modified is not None
                for each in rows
            )

        await until(is_noted)
