"""A folder listed into the catalogue, with all that THRON may do on the way."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.folder_listing import FolderListing, ListedPage
from proxy.catalogue.sync_runs import RunKind, RunState
from proxy.connectors.model import Connector, Identifier
from proxy.sandbox.server import Sandbox, Switches
from proxy.thron.content import ContentType
from proxy.thron.messages import SearchCriteria, SearchOrder, SearchPage
from proxy.thron.search import Search
from tests.catalogue.listing import Listed, listing, on_root

ALL = Connector(slug="all", folder="root", identifier=Identifier.CONTENT_ID)
NAMES = Connector(slug="names", folder="root", identifier=Identifier.PRETTY_ID)
SKUS = Connector(
    slug="skus",
    folder="root",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="00000000-0000-4000-8000-0000000c1a55",
)
MANY = 130


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[Listed]:
    """List a tenant of 130 generated contents: three pages."""
    async with Sandbox(generated=MANY) as thron, listing(thron, tmp_path) as found:
        yield found


def content_ids(thron: Sandbox, count: int, *, start: int = 0) -> list[str]:
    """Return the ids of some contents."""
    return [spec.id for spec in thron.tenant.library.contents[start : start + count]]


async def test_a_full_listing_has_all(listed: Listed) -> None:
    """Every content of every page is entered, and what there was to do is told."""
    connector = on_root(listed.thron, NAMES)
    run = await listed.full(connector)
    assert (run.state, run.kind, run.seen, run.added) == (RunState.OK, RunKind.FULL, MANY, MANY)
    assert run.expected is not None
    assert run.ended is not None
    tally = await listed.contents.tally(connector)
    assert tally.contents == MANY
    assert tally.by_status[AddressStatus.NO_IDENTIFIER] == 1
    assert tally.by_status[AddressStatus.OK] == 2 * (MANY - 1)


async def test_an_unchanged_page_costs_one_statement(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Where THRON has nothing new, the contents of several pages are noted together, once."""
    caplog.set_level(logging.INFO, "sqlalchemy.engine")  # every statement, from the start on
    async with Sandbox(generated=MANY) as thron, listing(thron, tmp_path) as listed:
        connector = on_root(thron, NAMES)
        await listed.full(connector)
        caplog.clear()
        run = await listed.full(connector)
    assert (run.seen, run.added, run.changed) == (MANY, 0, 0)
    noted = [m for m in caplog.messages if m.startswith("UPDATE content") and "confirmed=" in m]
    assert len(noted) == 1
    assert not [
        m for m in caplog.messages if m.startswith(("INSERT INTO content", "SELECT address"))
    ]


async def test_collisions_of_metadata(listed: Listed) -> None:
    """Two contents with one value: the one created first has the address."""
    connector = on_root(listed.thron, SKUS)
    await listed.full(connector)
    (collision,) = await listed.contents.collisions(connector)
    ids = content_ids(listed.thron, 2, start=100)
    assert [line.content_id for line in collision.lines] == ids
    assert [line.serves for line in collision.lines] == [True, False]


@pytest.mark.parametrize(
    "switches",
    [
        pytest.param(Switches(search_pages_shift=True), id="pages shift"),
        pytest.param(Switches(search_page_maximum=10), id="small pages"),
        pytest.param(Switches(search_token_repeats=True), id="the last token comes again"),
        pytest.param(Switches(search_last_token_empty=True), id="the last token is empty"),
        pytest.param(Switches(search_total_error=-1.0), id="the estimate is zero"),
        pytest.param(
            Switches(search_pages_shift=True, search_page_maximum=10, search_token_repeats=True),
            id="all at once",
        ),
    ],
)
async def test_listing_traps(switches: Switches, tmp_path: Path) -> None:
    """However THRON pages, every content is entered once and nothing goes missing."""
    async with (
        Sandbox(generated=MANY, switches=switches) as thron,
        listing(thron, tmp_path) as listed,
    ):
        connector = on_root(thron, ALL)
        first, second = await listed.full(connector), await listed.full(connector)
        assert (first.state, first.seen, first.added) == (RunState.OK, MANY, MANY)
        assert (second.state, second.seen, second.added, second.removed) == (
            RunState.OK,
            MANY,
            0,
            0,
        )


async def test_what_was_unlinked_or_deleted_goes(listed: Listed) -> None:
    """A full listing removes what THRON does not know in the folder any more, and nothing else."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    unlinked, deleted = content_ids(listed.thron, 2)
    listed.thron.unlink(unlinked)
    listed.thron.tenant.remove(deleted, now=0.0)
    assert (await listed.delta(connector)).removed == 0
    run = await listed.full(connector)
    assert (run.removed, run.state) == (2, RunState.OK)
    assert len(await listed.ids(connector)) == MANY - 2


class Hasty(FolderListing):
    """A listing that ends after two pages, as one does whose token comes too early."""

    async def pages(
        self, connector: Connector, *, order: SearchOrder = SearchOrder.CREATED
    ) -> AsyncGenerator[ListedPage, None]:
        """Give two pages."""
        left = 2
        async for page in super().pages(connector, order=order):
            yield page
            left -= 1
            if not left:
                return


async def test_what_no_page_showed_is_asked_for_by_id(listed: Listed) -> None:
    """A content that no page shows is kept if THRON knows it in the folder."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    deleted = content_ids(listed.thron, 1, start=MANY - 1)[0]
    listed.thron.tenant.remove(deleted, now=0.0)
    hasty = replace(listed, listing=Hasty(listed.keeper, listed.search))
    run = await hasty.full(connector)
    assert (run.state, run.removed, run.seen) == (RunState.OK, 1, MANY - 1)


class Unreadable(Search):
    """A search in which one content comes as an item that cannot be read."""

    unreadable = ""

    async def pages(
        self, criteria: SearchCriteria, **more: Any
    ) -> AsyncGenerator[SearchPage, None]:
        """Give the pages, without what cannot be read."""
        async with aclosing(super().pages(criteria, **more)) as pages:
            async for page in pages:
                contents = tuple(each for each in page.contents if each.id != self.unreadable)
                skipped = len(page.contents) - len(contents)
                yield replace(page, contents=contents, skipped=page.skipped + skipped)


async def test_what_cannot_be_read_is_not_removed(listed: Listed) -> None:
    """A content whose item is broken stays as it was; once it is not in the folder it goes."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    unreadable = Unreadable(listed.keeper, client_id=listed.thron.client_id)
    (unreadable.unreadable,) = content_ids(listed.thron, 1)
    odd = replace(listed, listing=FolderListing(listed.keeper, unreadable))
    run = await odd.full(connector)
    assert (run.state, run.removed, run.skipped) == (RunState.OK, 0, 2)  # of a page, and by its id
    assert unreadable.unreadable in await listed.ids(connector)
    listed.thron.unlink(unreadable.unreadable)
    assert (await odd.full(connector)).removed == 1


async def test_deltas_bring_what_changed(listed: Listed) -> None:
    """A delta asks for few pages, and finds what is new, changed or renamed."""
    connector = on_root(listed.thron, NAMES)
    await listed.full(connector)
    (renamed,) = content_ids(listed.thron, 1)
    last = listed.thron.tenant.find(content_ids(listed.thron, 1, start=MANY - 1)[0])
    now = last.last_update.timestamp() + 3600
    listed.thron.tenant.rename(renamed, now=now, pretty_ids=(("EN", "renamed"),))
    listed.thron.log.clear()
    run = await listed.delta(connector)
    assert (run.state, run.changed, run.added) == (RunState.OK, 1, 0)
    lines = await listed.lines(connector)
    assert (lines["renamed"], lines["generated-000000"]) == ("ok", "former")
    assert len(listed.thron.log.of("api", "content/search")) == 2


async def test_a_delta_reads_back_behind_the_newest_change(listed: Listed) -> None:
    """What the index showed late is found, as long as it is not ten minutes late."""
    connector = on_root(listed.thron, NAMES)
    await listed.full(connector)
    # Contents are a minute apart: this one changed while it was listed, and was shown as before.
    late = content_ids(listed.thron, 1, start=MANY - 6)[0]
    before = listed.thron.tenant.find(late).last_update.timestamp()
    listed.thron.tenant.rename(late, now=before, pretty_ids=(("EN", "late"),))
    await listed.delta(connector)
    assert (await listed.lines(connector))["late"] == "ok"


@pytest.mark.parametrize("ahead_s", [0, 86_400], ids=["newest change", "last listing's begin"])
async def test_a_delta_reads_all_of_the_overlap(listed: Listed, ahead_s: int) -> None:
    """However many changed in the last ten minutes: what is dated then is seen, on any page."""
    connector = on_root(listed.thron, NAMES)
    tenant, now = listed.thron.tenant, time.time()
    ids = content_ids(listed.thron, MANY)
    for age_s, content_id in enumerate(ids):
        tenant.change(content_id, now=now - age_s)
    tenant.change(ids[0], now=now + ahead_s)
    await listed.full(connector)
    tenant.rename(ids[-1], now=now - MANY, pretty_ids=(("EN", "late"),))
    await listed.delta(connector)
    assert (await listed.lines(connector))["late"] == "ok"


async def test_the_first_delta_is_whole(listed: Listed) -> None:
    """Where nothing is known yet, all is what changed."""
    run = await listed.delta(on_root(listed.thron, ALL))
    assert (run.state, run.seen) == (RunState.OK, MANY)


async def test_an_outage_in_the_middle_loses_nothing(listed: Listed) -> None:
    """A listing that breaks off keeps what it read, and removes nothing."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    listed.thron.unlink(content_ids(listed.thron, 1)[0])
    listed.thron.log.clear()
    running = asyncio.create_task(listed.full(connector))
    await listed.thron.log.wait_for("api", "content/search", count=2)
    listed.thron.api_down = True
    run = await running
    assert (run.state, run.seen) == (RunState.FAILED, 100)
    assert run.problem is not None
    assert len(await listed.ids(connector)) == MANY
    listed.thron.api_down = False
    assert (await listed.full(connector)).removed == 1


async def test_one_failing_page_is_asked_for_again(listed: Listed) -> None:
    """A listing of many pages survives that THRON fails once."""
    listed.thron.faults.fail(503, where="api", times=1)
    assert (await listed.full(on_root(listed.thron, ALL))).state is RunState.OK


async def _hide(thron: Sandbox, count: int) -> Callable[[], None]:
    """Unlink contents, and return what links them again."""
    ids = content_ids(thron, count)
    folders = {each: thron.tenant.find(each).folder_ids for each in ids}
    for each in ids:
        thron.unlink(each)

    def link() -> None:
        for each, folder_ids in folders.items():
            thron.link(each, folder_ids[0])

    return link


@pytest.mark.parametrize("missing", [MANY, MANY // 2 + 1], ids=["all", "more than half"])
async def test_a_sudden_drop_waits_for_a_second_listing(listed: Listed, missing: int) -> None:
    """Nothing is removed until a second listing shows as little."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    await _hide(listed.thron, missing)
    run = await listed.full(connector)
    assert (run.state, run.removed) == (RunState.SUSPENDED, 0)
    assert run.problem is not None
    assert f"{MANY - missing} of {MANY}" in run.problem
    assert len(await listed.ids(connector)) == MANY
    run = await listed.full(connector)
    assert (run.state, run.removed) == (RunState.OK, missing)


async def test_half_of_a_folder_may_go(listed: Listed) -> None:
    """That is no sudden drop, and removed at once."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    await _hide(listed.thron, MANY // 2)
    run = await listed.full(connector)
    assert (run.state, run.removed) == (RunState.OK, MANY // 2)


async def test_a_drop_that_was_an_error_leaves_no_trace(listed: Listed) -> None:
    """When the second listing shows all again, all are there as before."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    link = await _hide(listed.thron, MANY)
    assert (await listed.full(connector)).state is RunState.SUSPENDED
    link()
    run = await listed.full(connector)
    assert (run.state, run.removed) == (RunState.OK, 0)
    assert len(await listed.ids(connector)) == MANY


async def test_listings_that_miss_different_contents_do_not_agree(tmp_path: Path) -> None:
    """What only one of two listings missed is not removed by the second."""
    async with Sandbox(generated=60) as thron, listing(thron, tmp_path) as listed:
        connector = on_root(thron, ALL)
        await listed.full(connector)
        link = await _hide(thron, 40)
        assert (await listed.full(connector)).state is RunState.SUSPENDED
        link()
        for each in content_ids(thron, 40, start=20):
            thron.unlink(each)
        assert (await listed.full(connector)).removed == 40
        assert len(await listed.ids(connector)) == 20


async def test_half_of_a_small_folder_may_go(tmp_path: Path) -> None:
    """A handful of contents is not guarded against losing most of them, only all."""
    async with Sandbox(generated=5) as thron, listing(thron, tmp_path) as listed:
        connector = on_root(thron, ALL)
        await listed.full(connector)
        await _hide(thron, 4)
        assert (await listed.full(connector)).removed == 4
        for each in content_ids(thron, 5):
            thron.unlink(each)
        assert (await listed.full(connector)).state is RunState.SUSPENDED


async def test_fewer_types_are_no_drop(listed: Listed) -> None:
    """Where the connector asks for less, what is missing is not suspicious."""
    connector = on_root(listed.thron, ALL)
    await listed.full(connector)
    images = connector.model_copy(update={"content_types": frozenset({ContentType.IMAGE})})
    run = await listed.full(images)
    assert run.state is RunState.OK
    assert (await listed.contents.tally(images)).by_type == {"IMAGE": MANY // 3}


async def test_a_lagging_index(tmp_path: Path) -> None:
    """What the index does not show yet is neither there nor an error, and comes later."""
    now = [2_000_000_000.0]
    async with (
        Sandbox(generated=30, now=lambda: now[0]) as thron,
        listing(thron, tmp_path) as listed,
    ):
        connector = on_root(thron, NAMES)
        await listed.full(connector)
        thron.switches.search_lag_s = 120
        (renamed,) = content_ids(thron, 1)
        thron.tenant.rename(renamed, now=now[0], pretty_ids=(("EN", "renamed"),))
        assert (await listed.delta(connector)).changed == 0
        now[0] += 121
        assert (await listed.delta(connector)).changed == 1


async def test_the_shipped_library(thron: Sandbox, tmp_path: Path) -> None:
    """Awkward contents are listed as what they are: every status is in the table."""
    async with listing(thron, tmp_path) as listed:
        run = await listed.full(on_root(thron, NAMES))
        assert run.state is RunState.OK
        tally = await listed.contents.tally(on_root(thron, NAMES))
        assert tally.by_status[AddressStatus.OK]
        assert tally.by_status[AddressStatus.UNPUBLISHED]
        assert tally.by_status[AddressStatus.NO_IDENTIFIER]
        assert not set(tally.by_type) - set(ContentType)


async def test_legacy_metadata(thron: Sandbox, tmp_path: Path) -> None:
    """Legacy metadata are in no search; contents are asked for them by their ids."""
    legacy = next(
        name
        for each in thron.tenant.contents()
        for name, _, _ in each.legacy_metadatas
        if not name.startswith("_")
    )
    connector = on_root(thron, SKUS, metadata=legacy, classification_id=None)
    async with listing(thron, tmp_path) as listed:
        await listed.full(connector)
        assert "ok" in (await listed.lines(connector)).values()
