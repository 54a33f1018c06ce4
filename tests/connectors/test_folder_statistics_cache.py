"""Censuses of folders, taken in the background from a sandbox."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.connectors.folder_statistics_cache import FRESH_S, Censuses, Place
from proxy.connectors.identifiers import Naming
from proxy.connectors.model import Identifier
from proxy.sandbox.server import Fault, Kind, Sandbox
from proxy.thron.content import ContentType
from tests.running import Running, running

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
async def censuses(clock: Clock) -> AsyncIterator[Censuses]:
    async with Censuses.open(now=clock) as opened:
        yield opened


def root(connector: Running) -> Place:
    return Place(connector.thron.client_id, connector.thron.root_folder_id)


async def test_a_folder_is_counted(connector: Running, censuses: Censuses) -> None:
    """Every published content below the folder is counted, once, by its type."""
    search, place = connector.tenant.search, root(connector)
    count = await censuses.settled(search, place, at_most_s=30)
    assert (count.is_done, count.is_partial, count.problem) == (True, False, None)
    images = [
        each
        for each in connector.thron.tenant.contents()
        if each.content_type == "IMAGE"
        and each.status.startswith("PUBLISHED")
        and connector.thron.tenant.below(place.folder_id).intersection(each.folder_ids)
    ]
    assert count.census.published([ContentType.IMAGE]) == len(images)
    assert count.census.figures(Naming(Identifier.PRETTY_ID)).have > 0
    assert "free_code" in {each.metadata for each in count.legacy.metadata} | {
        each.metadata for each in count.census.metadata
    }


async def test_without_the_folders_below(connector: Running, censuses: Censuses) -> None:
    """A folder by itself has fewer contents, and is counted apart."""
    search, place = connector.tenant.search, root(connector)
    whole = await censuses.settled(search, place, at_most_s=30)
    alone = Place(place.client_id, place.folder_id, subfolders=False)
    assert (await censuses.settled(search, alone, at_most_s=30)).census.seen < whole.census.seen


async def test_a_census_is_remembered(connector: Running, censuses: Censuses, clock: Clock) -> None:
    """THRON is asked again when it is too old, or when it is wanted anew."""
    search, place = connector.tenant.search, root(connector)
    first = await censuses.settled(search, place, at_most_s=30)
    assert censuses.of(search, place) is first
    assert censuses.of(search, place, anew=True) is not first
    second = await censuses.settled(search, place, at_most_s=30)
    clock.s = FRESH_S + 1
    assert censuses.of(search, place) is not second


async def test_one_that_runs_is_shown_as_far_as_it_is(tmp_path: Path, censuses: Censuses) -> None:
    """While THRON takes its time, what has been counted is told, and that it is a part."""
    async with Sandbox(generated=300) as thron, running(thron, tmp_path) as whole:
        stall = Fault(Kind.STALL, "api", times=None, target=_SEARCH)
        thron.faults.add(stall)
        place = Place(thron.client_id, thron.root_folder_id)
        count = await censuses.settled(whole.tenant.search, place, at_most_s=0.05)
        assert (count.is_done, count.is_partial) == (False, True)
        thron.faults.clear()
        count = await censuses.settled(whole.tenant.search, place, at_most_s=30)
        assert count.is_done
        assert count.census.seen == count.expected
        assert count.census.seen >= 300


async def test_a_failure_is_told_and_tried_again(
    connector: Running, censuses: Censuses, clock: Clock
) -> None:
    """What was counted before THRON failed is told with the reason; later it is counted anew."""
    search, place = connector.tenant.search, root(connector)
    connector.thron.faults.add(Fault(Kind.STATUS, "api", times=None, status=500, target=_SEARCH))
    count = await censuses.settled(search, place, at_most_s=30)
    assert (count.is_done, count.is_partial) == (True, True)
    assert count.problem
    connector.thron.faults.clear()
    assert censuses.of(search, place) is count
    clock.s = 6
    again = await censuses.settled(search, place, at_most_s=30)
    assert (again.problem, again.census.seen > 0) == (None, True)


async def test_only_some_are_remembered(connector: Running, censuses: Censuses) -> None:
    """The memory is bounded: the one that was not looked at for longest goes."""
    search, first = connector.tenant.search, root(connector)
    kept = await censuses.settled(search, first, at_most_s=30)
    for number in range(8):
        censuses.of(search, Place(first.client_id, f"folder-{number}"))
    assert censuses.of(search, first) is not kept


async def test_closing_ends_what_runs(connector: Running, clock: Clock) -> None:
    """A census that runs when the process ends is broken off."""
    connector.thron.faults.add(Fault(Kind.STALL, "api", times=None, target=_SEARCH))
    async with Censuses.open(now=clock) as opened:
        count = opened.of(connector.tenant.search, root(connector))
    assert count.is_done
    connector.thron.faults.clear()
    assert not [each for each in asyncio.all_tasks() if each.get_name() == "census"]
