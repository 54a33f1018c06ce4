"""The summary table: pages, searches, filters, orders, counts, collisions, one content."""

from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import product

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.catalogue.queries import EVERYTHING
from proxy.catalogue.served_files import ServedFile, ServedFiles
from proxy.catalogue.url_rows import Selection, Sort
from proxy.connectors.model import Connector
from proxy.thron.content import PrettyId, Title
from proxy.thron.messages import SourceFile
from tests.catalogue.entering import FILES, NAMES, NOON, SKUS, Catalogue, content, named, with_sku

SHOWN = (
    named(1, "en:owner-manual", "it:manuale", titles=(Title("EN", "Owner"), Title("IT", "Ünico"))),
    named(2, "en:film", content_type="VIDEO", titles=(Title("EN", "apple %_ day"),)),
    named(3, titles=()),
    named(4, "en:b/c", titles=(Title("EN", "Zebra"),), last_update=None),
    named(5, "en:hidden", status="READY", channels=(), titles=(Title("IT", "Nascosto"),)),
)


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    """Give a catalogue with SHOWN, of which the film was called ``old-film`` before."""
    async with Database.open(database_url) as database:
        found = Catalogue(database)
        old = named(2, "en:old-film", content_type="VIDEO")
        await found.listed(NAMES, *SHOWN[:1], old, *SHOWN[2:])
        await found.listed(NAMES, *SHOWN)
        yield found


def only(*statuses: str) -> Selection:
    return Selection(statuses=frozenset(map(AddressStatus, statuses)))


async def values(catalogue: Catalogue, selection: Selection) -> list[str]:
    """Return the values of the lines of a selection, by title."""
    page = await catalogue.contents.page(NAMES, selection)
    return [line.value or "-" for line in page.lines]


async def test_a_line_tells_all(catalogue: Catalogue) -> None:
    """A line has what the table shows, in its own language."""
    (line,) = (await catalogue.contents.page(NAMES, Selection(search="manuale"))).lines
    assert (line.content_id, line.content_type, line.title) == ("id-1", "OTHER", "Ünico")
    assert (line.language, line.value, line.file_name) == ("it", "manuale", "file-1.pdf")
    assert (line.status, line.serves, line.is_addressable) == (AddressStatus.OK, True, True)
    assert (line.since, line.updated) == (NOON, NOON + timedelta(minutes=1))


SELECTIONS: tuple[tuple[Selection, list[str]], ...] = (
    (EVERYTHING, ["-", "old-film", "film", "hidden", "owner-manual", "manuale", "b/c"]),
    (Selection(search="OWNER"), ["owner-manual"]),
    (Selection(search="unico"), ["manuale"]),
    (Selection(search="file-2.PDF"), ["old-film", "film"]),
    (Selection(search="id-3"), ["-"]),
    (Selection(search="manual owner"), ["owner-manual"]),
    (Selection(search="%_"), ["old-film", "film"]),
    (Selection(search="%"), ["old-film", "film"]),
    (Selection(search="nothing"), []),
    (Selection(types=frozenset({"VIDEO", "AUDIO"})), ["old-film", "film"]),
    (Selection(languages=frozenset({"it"})), ["manuale"]),
    (Selection(languages=frozenset({""})), ["-"]),
    (only("no_identifier"), ["-"]),
    (only("not_addressable"), ["b/c"]),
    (only("former"), ["old-film"]),
    (only("unpublished"), ["hidden"]),
    (only("removed", "collision"), []),
    (
        Selection("manual", languages=frozenset({"en"}), types=frozenset({"OTHER"})),
        ["owner-manual"],
    ),
    (Selection(content_id="id-2"), ["old-film", "film"]),
)


async def test_selections(catalogue: Catalogue) -> None:
    """A selection has the lines that fulfil all of it, and their number is told."""
    contents = catalogue.contents
    for selection, expected in SELECTIONS:
        assert await values(catalogue, selection) == expected, selection
        page = await contents.page(NAMES, selection, limit=1)
        assert (page.total, len(page.lines)) == (len(expected), min(1, len(expected))), selection
        each = [line.value or "-" async for line in contents.each(NAMES, selection)]
        assert each == expected, selection


async def test_selected_lines(catalogue: Catalogue) -> None:
    """Lines that were picked are named by their numbers."""
    page = await catalogue.contents.page(NAMES)
    picked = frozenset(line.number for line in page.lines[1:3])
    assert await values(catalogue, Selection(numbers=picked)) == ["old-film", "film"]


async def test_orders(catalogue: Catalogue) -> None:
    """Pages, one after the other, are all lines in one order, and that order is total."""
    contents = catalogue.contents
    for sort, descending in product(Sort, (False, True)):
        whole = [line async for line in contents.each(NAMES, sort=sort, descending=descending)]
        paged = [
            line
            for offset in range(0, 8, 2)
            for line in (
                await contents.page(NAMES, sort=sort, descending=descending, offset=offset, limit=2)
            ).lines
        ]
        assert paged == whole, (sort, descending)
        assert len(whole) == 7
        turned = [line async for line in contents.each(NAMES, sort=sort, descending=not descending)]
        assert turned == whole[::-1], (sort, descending)


async def test_orders_by_date(catalogue: Catalogue) -> None:
    """The newest come first when the order is turned; what has no date is the oldest."""
    page = await catalogue.contents.page(NAMES, sort=Sort.UPDATED, descending=True)
    assert page.lines[0].content_id == "id-5"
    assert page.lines[-1].updated is None


_SERVED = (
    ("id-1", ServedFile("video/mp4", 30, NOON)),
    ("id-2", ServedFile("image/png", 20, NOON + timedelta(days=1))),
    ("id-4", ServedFile("audio/mpeg", 10, NOON - timedelta(days=1))),
    ("id-5", ServedFile("image/png", None, None)),
)


@pytest.mark.parametrize(
    ("sort", "up", "unknown"),
    [
        (Sort.SIZE, "b/c old-film film owner-manual manuale", "- hidden"),
        (Sort.MEDIA_TYPE, "b/c old-film film hidden owner-manual manuale", "-"),
        (Sort.MODIFIED, "b/c owner-manual manuale old-film film", "- hidden"),
    ],
)
async def test_orders_by_what_was_served(
    catalogue: Catalogue, sort: Sort, up: str, unknown: str
) -> None:
    """What is not known comes last either way; pages of every size join at the seam."""
    files = ServedFiles(catalogue.database)
    for content_id, file in _SERVED:
        files.note(NAMES.slug, content_id, file)
    await files.write()
    for descending, order in (
        (False, [*up.split(), *unknown.split()]),
        (True, [*up.split()[::-1], *unknown.split()[::-1]]),
    ):
        whole = catalogue.contents.each(NAMES, sort=sort, descending=descending)
        assert [line.value or "-" async for line in whole] == order
        for size in (1, 2, 3, 5, 8):
            pages = [
                await catalogue.contents.page(
                    NAMES, sort=sort, descending=descending, offset=offset, limit=size
                )
                for offset in range(0, 10, size)
            ]
            assert [line.value or "-" for page in pages for line in page.lines] == order
            assert {page.total for page in pages} == {7}


async def test_each_goes_on_where_it_was(catalogue: Catalogue) -> None:
    """Many lines are read in several turns, and every one comes once, though titles are equal."""
    many = [content(number, titles=(Title("EN", "Same"),)) for number in range(2200)]
    await catalogue.listed(FILES, *many)
    for sort in (Sort.TITLE, Sort.UPDATED, Sort.STATUS, Sort.SIZE):
        found = [line.content_id async for line in catalogue.contents.each(FILES, sort=sort)]
        assert len(found) == len(set(found)) == 2200


async def test_tally(catalogue: Catalogue) -> None:
    """Lines are counted by status and language, contents by type."""
    await catalogue.listed(NAMES, *SHOWN[:4])
    tally = await catalogue.contents.tally(NAMES)
    assert (tally.contents, tally.lines, tally.removed) == (4, 6, 1)
    assert {status.value: number for status, number in tally.by_status.items()} == {
        "ok": 3,
        "no_identifier": 1,
        "not_addressable": 1,
        "former": 1,
        "collision": 0,
        "unpublished": 0,
    }
    assert tally.by_type == {"OTHER": 3, "VIDEO": 1}
    assert tally.by_language == {"": 1, "en": 4, "it": 1}


async def test_collisions(catalogue: Catalogue) -> None:
    """Every address that several contents claim is told, whoever has it first."""
    shared = [
        with_sku(number, f"S-{number // 2}", "alone" if number == 9 else "")
        for number in (5, 4, 3, 2, 9)
    ]
    await catalogue.listed(SKUS, *shared)
    found = await catalogue.contents.collisions(SKUS)
    assert [(each.language, each.value) for each in found] == [(None, "S-1"), (None, "S-2")]
    assert [[line.content_id for line in each.lines] for each in found] == [
        ["id-2", "id-3"],
        ["id-4", "id-5"],
    ]
    assert await catalogue.contents.collisions(SKUS, offset=1, limit=1) == found[1:]
    assert await catalogue.contents.collisions(NAMES) == ()


async def test_one_content(catalogue: Catalogue) -> None:
    """A content comes with all its addresses, as THRON gave it."""
    film = await catalogue.contents.content(NAMES, "id-2")
    assert film is not None
    assert [(each.value, each.status.value) for each in film.lines] == [
        ("film", "ok"),
        ("old-film", "former"),
    ]
    assert film.content.pretty_ids == (PrettyId("en", "film"),)
    assert film.content.titles == (Title("EN", "apple %_ day"),)
    assert (film.is_servable, film.first_seen, film.removed_at) == (True, NOON, None)
    assert film.confirmed == NOON
    assert await catalogue.contents.content(NAMES, "id-9") is None
    await catalogue.listed(NAMES, SHOWN[0])
    gone = await catalogue.contents.content(NAMES, "id-2")
    assert gone is not None
    assert gone.removed_at == NOON
    assert {each.status for each in gone.lines} == {AddressStatus.REMOVED}


async def test_versions_seen(catalogue: Catalogue) -> None:
    """Versions of a source file are kept as they are seen, the newest first, each once."""
    first = SourceFile("v-1", "a.pdf", "application/pdf", 9, NOON)
    second = SourceFile("v-2", "b.pdf", None, None, None)
    for seen in (first, first, SourceFile(None, "c", None, None, None), second):
        await catalogue.contents.note_version("id-2", seen)
        catalogue.at += timedelta(hours=1)
    film = await catalogue.contents.content(NAMES, "id-2")
    assert film is not None
    assert [each.file for each in film.versions] == [second, first]
    assert film.versions[1].first_seen == NOON


@pytest.mark.parametrize(
    ("value", "is_fragile"),
    [pytest.param("a/b", True, id="slash"), pytest.param("a b", False, id="space")],
)
async def test_fragile(catalogue: Catalogue, value: str, *, is_fragile: bool) -> None:
    """A line tells when fronts may break its URL."""
    await catalogue.listed(SKUS, with_sku(1, value))
    (line,) = (await catalogue.contents.page(SKUS)).lines
    assert line.is_fragile is is_fragile
    assert line.is_addressable


async def test_nothing_is_known_of_a_connector_yet(catalogue: Catalogue) -> None:
    """Before the first listing the table is empty, not an error."""
    connector = Connector(slug="new", folder="f", folder_id="f", identifier=NAMES.identifier)
    assert (await catalogue.contents.page(connector)).total == 0
    assert (await catalogue.contents.tally(connector)).contents == 0
