"""A folder asked of THRON page by page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.backoff import Backoff
from proxy.catalogue.folder_listing import FolderListing
from proxy.connectors.model import Connector, Identifier
from proxy.errors import ThronUnreachable
from proxy.sandbox.server import Sandbox
from proxy.thron.content import ContentType
from proxy.thron.messages import SearchOrder
from tests.catalogue.listing import Listed, listing, on_root

ALL = Connector(slug="all", folder="root", identifier=Identifier.CONTENT_ID)


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[Listed]:
    async with Sandbox(generated=70) as thron, listing(thron, tmp_path) as found:
        yield found


async def test_pages(listed: Listed) -> None:
    """Pages come one after the other, with THRON's estimate."""
    connector = on_root(listed.thron, ALL)
    pages = [page async for page in listed.listing.pages(connector)]
    assert [len(page.contents) for page in pages] == [50, 20]
    assert {page.expected for page in pages} == {77}
    assert {page.skipped for page in pages} == {0}


async def test_newest_changes_first(listed: Listed) -> None:
    """Asked so, the last changed contents are on the first page."""
    connector = on_root(listed.thron, ALL)
    contents = [
        content
        async for page in listed.listing.pages(connector, order=SearchOrder.UPDATED_LAST_FIRST)
        for content in page.contents
    ]
    dates = [content.last_update for content in contents if content.last_update is not None]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == 70


async def test_only_what_the_connector_wants(listed: Listed) -> None:
    """Other types, and what lies below where subfolders do not count, are not listed."""
    images = on_root(listed.thron, ALL, content_types=frozenset({ContentType.IMAGE}))
    types = [c.content_type async for p in listed.listing.pages(images) for c in p.contents]
    assert set(types) == {"IMAGE"}
    flat = on_root(listed.thron, ALL, subfolders=False)
    assert [page.contents async for page in listed.listing.pages(flat)] == [()]


async def test_of_ids(listed: Listed) -> None:
    """Of some ids those are told that are in the folder now."""
    connector = on_root(listed.thron, ALL)
    ids = [spec.id for spec in listed.thron.tenant.library.contents[:40]]
    listed.thron.unlink(ids[3])
    listed.thron.switches.search_page_maximum = 10
    page = await listed.listing.of_ids(connector, [*ids, "never-heard-of"])
    assert {content.id for content in page.contents} == {*ids} - {ids[3]}


async def test_trouble_is_tried_again_a_few_times(listed: Listed) -> None:
    """One failing page is asked for again; an outage ends the listing."""
    connector = on_root(listed.thron, ALL)
    keeper = listed.keeper
    patient = FolderListing(keeper, listed.search, backoff=Backoff(0, 0))
    await keeper.session()
    listed.thron.faults.fail(503, where="api", times=2)
    assert [len(page.contents) async for page in patient.pages(connector)] == [50, 20]
    listed.thron.faults.fail(503, where="api", times=4)
    with pytest.raises(ThronUnreachable):
        _ = [page async for page in patient.pages(connector)]
