"""Listings entered into the catalogue: new, changed, renamed, colliding, gone and back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.writer import ConnectorChanged, Missing, PageChanges
from proxy.connectors.model import Identifier
from tests.catalogue.entering import FILES, NAMES, NOON, SKUS, Catalogue, content, named, with_sku


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


async def test_what_is_the_same_changes_nothing(catalogue: Catalogue) -> None:
    """Contents are added once, and counted as changed where they are different."""
    both = content(1), content(2)
    assert await catalogue.listed(FILES, *both) == PageChanges(seen=2, added=2)
    assert await catalogue.listed(FILES, *both) == PageChanges(seen=2)
    other = replace(content(2), file_name="other.pdf")
    assert await catalogue.listed(FILES, content(1), other) == PageChanges(seen=2, changed=1)


async def test_a_content_on_two_pages_counts_once(catalogue: Catalogue) -> None:
    """Pages shift, and the same content comes again."""
    run = await catalogue.begin(FILES)
    await catalogue.writer.enter(run, FILES, [content(1), content(2), content(1)], expected=9)
    again = await catalogue.writer.enter(run, FILES, [content(2), content(3)], skipped=2)
    assert again == PageChanges(seen=1, added=1)
    (state,) = await catalogue.runs.states([FILES.slug])
    assert (state.seen, state.expected) == (3, 9)
    assert state.running is not None
    assert (state.running.added, state.running.skipped) == (3, 2)


async def test_what_left_is_removed_and_may_come_back(catalogue: Catalogue) -> None:
    """A removed content serves nothing; back again it is as it was."""
    await catalogue.listed(FILES, content(1), content(2))
    await catalogue.listed(FILES, content(1))
    assert await catalogue.lines(FILES) == [("id-1", "id-1", "ok", True)]
    assert await catalogue.leads_to(FILES, "id-2") == []
    gone = await catalogue.contents.content(FILES, "id-2")
    assert gone is not None
    assert [each.serves for each in gone.lines] == [False]
    tally = await catalogue.contents.tally(FILES)
    assert (tally.contents, tally.lines, tally.removed) == (1, 1, 1)
    assert await catalogue.listed(FILES, content(1), content(2)) == PageChanges(seen=2, added=1)
    assert await catalogue.leads_to(FILES, "id-2") == ["id-2"]


async def test_a_renamed_content_keeps_its_former_name(catalogue: Catalogue) -> None:
    """A former prettyID goes on leading to its content, until another content has it now."""
    await catalogue.listed(NAMES, named(1, "en:old"))
    catalogue.at += timedelta(days=1)
    await catalogue.listed(NAMES, named(1, "en:new"))
    assert await catalogue.lines(NAMES) == [
        ("id-1", "new", "ok", True),
        ("id-1", "old", "former", True),
    ]
    record = await catalogue.contents.content(NAMES, "id-1")
    assert record is not None
    assert [each.since for each in record.lines] == [NOON + timedelta(days=1)] * 2
    await catalogue.listed(NAMES, named(1, "en:new"), named(2, "en:old"))
    assert await catalogue.leads_to(NAMES, "old", "en") == ["id-2", "id-1"]
    assert ("id-1", "old", "former", False) in await catalogue.lines(NAMES)


async def test_the_latest_former_name_comes_first(catalogue: Catalogue) -> None:
    """Of two contents that had a prettyID, it leads to the one that lost it last."""
    await catalogue.listed(NAMES, named(1, "en:name"), named(2))
    catalogue.at += timedelta(days=1)
    await catalogue.listed(NAMES, named(1), named(2, "en:name"))
    catalogue.at += timedelta(days=1)
    await catalogue.listed(NAMES, named(1), named(2))
    assert await catalogue.leads_to(NAMES, "name", "en") == ["id-2", "id-1"]


async def test_a_name_taken_again_is_current(catalogue: Catalogue) -> None:
    """A content that gets a former prettyID back has it as if it had never lost it."""
    for names in ("en:a", "en:b", "en:a"):
        await catalogue.listed(NAMES, named(1, names))
    assert await catalogue.lines(NAMES) == [
        ("id-1", "a", "ok", True),
        ("id-1", "b", "former", True),
    ]


async def test_a_metadata_value_leaves_nothing_behind(catalogue: Catalogue) -> None:
    """Only prettyIDs are kept; a value that was changed is no address any more."""
    await catalogue.listed(SKUS, with_sku(1, "A", "B"))
    await catalogue.listed(SKUS, with_sku(1, "B", "C"))
    assert [value for _, value, *_ in await catalogue.lines(SKUS)] == ["B", "C"]


async def test_collisions_are_told_once_and_solved(catalogue: Catalogue) -> None:
    """The content created first has the address; when it goes, the next one has."""
    one, two, three = with_sku(1, "A"), with_sku(2, "A"), with_sku(3, "B")
    entered = await catalogue.listed(SKUS, three, two, one)
    (collision,) = entered.collisions
    assert (collision.value, collision.content_ids) == ("A", ("id-1", "id-2"))
    assert await catalogue.leads_to(SKUS, "A") == ["id-1", "id-2"]
    renamed = replace(two, file_name="x.pdf")
    assert not (await catalogue.listed(SKUS, one, renamed, three)).collisions
    await catalogue.listed(SKUS, renamed, three)
    assert await catalogue.lines(SKUS) == [("id-2", "A", "ok", True), ("id-3", "B", "ok", True)]


async def test_one_content_does_not_collide_with_itself(catalogue: Catalogue) -> None:
    """A prettyID under two languages is two addresses, and a value twice is one."""
    await catalogue.listed(NAMES, named(1, "en:a", "it:a"))
    assert [line[2] for line in await catalogue.lines(NAMES)] == ["ok", "ok"]
    await catalogue.listed(SKUS, with_sku(1, "A", "A"))
    assert len(await catalogue.lines(SKUS)) == 1


@pytest.mark.parametrize(
    ("states", "is_served"),
    [
        pytest.param([("PUBLISHED", "WEB")], True, id="published"),
        pytest.param([("READY", "")], False, id="not published"),
        pytest.param([("PUBLISH_IN_PROGRESS", "")], False, id="never published yet"),
        pytest.param([("PUBLISH_IN_PROGRESS", "WEB")], True, id="a channel is out"),
        pytest.param(
            [("PUBLISHED", ""), ("PUBLISH_IN_PROGRESS", "")], True, id="new version of an image"
        ),
        pytest.param(
            [("PUBLISHED", ""), ("PUBLISH_IN_PROGRESS", ""), ("ERROR", "")],
            True,
            id="new version that failed",
        ),
        pytest.param(
            [("PUBLISHED", ""), ("READY", ""), ("PUBLISH_IN_PROGRESS", "")],
            False,
            id="unpublished in between",
        ),
    ],
)
async def test_published(
    catalogue: Catalogue, states: list[tuple[str, str]], *, is_served: bool
) -> None:
    """What was published stays so while a new version is on its way."""
    for status, channels in states:
        changed = content(1, status=status, channels=tuple(channels.split()))
        await catalogue.listed(FILES, changed)
    assert await catalogue.leads_to(FILES, "id-1") == (["id-1"] if is_served else [])
    expected = "ok" if is_served else "unpublished"
    assert await catalogue.lines(FILES) == [("id-1", "id-1", expected, is_served)]


async def test_what_a_listing_has_not_shown(catalogue: Catalogue) -> None:
    """Missing contents are counted, told apart by whether the listing before missed them too."""
    await catalogue.listed(FILES, *map(content, range(5)))
    first = await catalogue.begin(FILES)
    await catalogue.writer.enter(first, FILES, [content(0), content(1)])
    second = await catalogue.begin(FILES)
    await catalogue.writer.enter(second, FILES, [content(0), content(2)])
    writer = catalogue.writer
    assert await writer.missing(second, FILES, before=None) == Missing(3, 5, 0)
    assert await writer.missing(second, FILES, before=first) == Missing(3, 5, 2)
    assert await writer.next_missing(second, FILES, after="", most=2) == ("id-1", "id-3")
    assert await writer.next_missing(second, FILES, after="id-3", most=2) == ("id-4",)
    await writer.spare(second, FILES, ["id-3"])
    assert await writer.remove_missing(second, FILES) == 2
    assert [line[0] for line in await catalogue.lines(FILES)] == ["id-0", "id-2", "id-3"]


async def test_a_connector_of_another_shape_is_not_written(catalogue: Catalogue) -> None:
    """A page that was on its way when the connector changed is refused whole."""
    run = await catalogue.begin(NAMES)
    changed = NAMES.model_copy(update={"identifier": Identifier.CONTENT_ID})
    await Fingerprints(catalogue.database).fit(changed, client_id="acme")
    with pytest.raises(ConnectorChanged):
        await catalogue.writer.enter(run, NAMES, [content(1)])
    with pytest.raises(ConnectorChanged):
        await catalogue.writer.remove_missing(run, NAMES)
    assert await catalogue.lines(changed) == []


async def test_contents_that_left_long_ago_are_forgotten(catalogue: Catalogue) -> None:
    """After three months nothing is left of a content but the free address."""
    await catalogue.listed(NAMES, named(1, "en:a"), named(2, "en:b"))
    await catalogue.listed(NAMES, named(2, "en:b"))
    catalogue.at += timedelta(days=91)
    assert await catalogue.contents.content(NAMES, "id-1") is not None
    await catalogue.listed(NAMES, named(2, "en:b"))
    assert await catalogue.contents.content(NAMES, "id-1") is None


async def test_the_newest_change_is_known(catalogue: Catalogue) -> None:
    """Where the next listing of changes has to begin is THRON's own date."""
    assert await catalogue.writer.changed_until(NAMES) is None
    await catalogue.listed(NAMES, content(7), content(3), content(1, last_update=None))
    assert await catalogue.writer.changed_until(NAMES) == NOON + timedelta(minutes=7)
