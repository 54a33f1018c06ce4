"""Statistics of folders, counted in the background in a sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.connectors.folder_statistics import FolderScope
from proxy.connectors.folder_statistics_cache import FRESH_S, FolderStatisticsCache
from proxy.connectors.identifiers import Naming
from proxy.connectors.model import Identifier
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.content import ContentType
from tests.running import Running, running
from tests.waiting import PATIENCE_S

_SEARCH = "/content/search"


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def cache(connector: Running, clock: Clock) -> AsyncIterator[FolderStatisticsCache]:
    async with FolderStatisticsCache.open(connector.tenant.search, now=clock) as opened:
        yield opened


@pytest.fixture
def root(connector: Running) -> FolderScope:
    return FolderScope(connector.thron.root_folder_id)


async def test_a_folder_is_counted(
    connector: Running, cache: FolderStatisticsCache, root: FolderScope
) -> None:
    """Every published content below the folder is counted, once, by its type."""
    found = await cache.settled(root, at_most_s=PATIENCE_S)
    assert (found.is_done, found.is_partial, found.problem) == (True, False, None)
    images = [
        each
        for each in connector.thron.tenant.contents()
        if each.content_type == "IMAGE"
        and each.status.startswith("PUBLISHED")
        and connector.thron.tenant.below(root.folder_id).intersection(each.folder_ids)
    ]
    assert found.listed.published([ContentType.IMAGE]) == len(images)
    assert found.figures(Naming(Identifier.PRETTY_ID)).have > 0
    assert "free_code" in {each.metadata for each in found.legacy.metadata}


async def test_without_the_folders_below(cache: FolderStatisticsCache, root: FolderScope) -> None:
    """A folder by itself has fewer contents, and is counted apart."""
    whole = await cache.settled(root, at_most_s=PATIENCE_S)
    alone = await cache.settled(FolderScope(root.folder_id, subfolders=False), at_most_s=PATIENCE_S)
    assert alone.listed.seen < whole.listed.seen


async def test_statistics_are_remembered(
    cache: FolderStatisticsCache, root: FolderScope, clock: Clock
) -> None:
    """THRON is asked again when they are too old, or when they are wanted anew."""
    first = await cache.settled(root, at_most_s=PATIENCE_S)
    assert cache.of(root) is first
    second = await cache.settled(root, at_most_s=PATIENCE_S, anew=True)
    assert second is not first
    clock.s = FRESH_S + 1
    assert cache.of(root) is not second


async def test_what_runs_is_shown_as_far_as_it_is(tmp_path: Path, clock: Clock) -> None:
    """While THRON takes its time, what has been counted is told, and that it is a part."""
    async with (
        Sandbox(generated=300) as thron,
        running(thron, tmp_path) as whole,
        FolderStatisticsCache.open(whole.tenant.search, now=clock) as cache,
    ):
        stall = Fault(Kind.STALL, "api", times=None, target=_SEARCH)
        thron.faults.add(stall)
        root = FolderScope(thron.root_folder_id)
        found = await cache.settled(root, at_most_s=0.05)
        assert (found.is_done, found.is_partial) == (False, True)
        thron.faults.clear()
        found = await cache.settled(root, at_most_s=PATIENCE_S)
        assert found.is_done
        assert found.listed.seen == found.expected
        assert found.listed.seen >= 300
        # None of the generated ones has legacy metadata, so the first ones were enough.
        assert found.legacy.seen < found.listed.seen


async def test_a_failure_is_told_and_tried_again(
    connector: Running, cache: FolderStatisticsCache, root: FolderScope, clock: Clock
) -> None:
    """What was counted before THRON failed is told with the reason; later it is counted anew."""
    connector.thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=500, target=_SEARCH))
    found = await cache.settled(root, at_most_s=PATIENCE_S)
    assert (found.is_done, found.is_partial) == (True, True)
    assert found.problem
    connector.thron.faults.clear()
    assert cache.of(root) is found
    clock.s = 6
    again = await cache.settled(root, at_most_s=PATIENCE_S)
    assert (again.problem, again.listed.seen > 0) == (None, True)


async def test_only_some_are_remembered(cache: FolderStatisticsCache, root: FolderScope) -> None:
    """The memory is bounded: what was not looked at for longest goes."""
    kept = await cache.settled(root, at_most_s=PATIENCE_S)
    for number in range(8):
        cache.of(FolderScope(f"folder-{number}"))
    assert cache.of(root) is not kept


async def test_who_waits_for_what_is_given_up_takes_it_for_a_part(
    connector: Running, cache: FolderStatisticsCache, root: FolderScope
) -> None:
    """Counting that is broken off for a newer one is never told as the whole."""
    connector.thron.faults.add(Fault(Kind.STALL, "api", times=None, target=_SEARCH))
    waiting = asyncio.create_task(cache.settled(root, at_most_s=PATIENCE_S))
    await asyncio.sleep(0)
    cache.of(root, anew=True)
    found = await waiting
    assert (found.is_done, found.is_partial) == (True, True)
    connector.thron.faults.clear()


async def test_closing_ends_what_runs(connector: Running, root: FolderScope, clock: Clock) -> None:
    """What is counted when the process ends is broken off."""
    connector.thron.faults.add(Fault(Kind.STALL, "api", times=None, target=_SEARCH))
    async with FolderStatisticsCache.open(connector.tenant.search, now=clock) as opened:
        found = opened.of(root)
    assert found.is_done
    connector.thron.faults.clear()
    assert not [each for each in asyncio.all_tasks() if each.get_name() == "folder statistics"]
