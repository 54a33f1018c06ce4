"""Censuses of folders, taken in the background and remembered for some minutes."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Self

import structlog

from proxy.connectors.folder_statistics import Census
from proxy.connectors.model import ALL_CONTENT_TYPES
from proxy.errors import GatewayError, ThronBadRequest, ThronRefused
from proxy.hints import with_hint
from proxy.thron import messages
from proxy.thron.content import Content, ContentType
from proxy.thron.listing import Listing, each_of
from proxy.thron.messages import SearchCriteria
from proxy.thron.retry import Retrying
from proxy.thron.search import Search

log = structlog.get_logger("proxy.census")

FRESH_S = 300.0

# One that failed is tried again by whoever looks after so long.
_PATIENCE_S = 5.0
_REMEMBERED = 8
_AT_ONCE = 2
# Search does not show legacy metadata (docs/thron.md 4.1); so many contents show which there are.
_LEGACY_CONTENTS = 200


@dataclass(frozen=True, slots=True)
class Place:
    """A folder to count.

    Attributes:
        client_id: The tenant.
        folder_id: THRON's id of the folder.
        subfolders: Whether those below count too.
    """

    client_id: str
    folder_id: str
    subfolders: bool = True


@dataclass(slots=True)
class Count:
    """A census on its way, or done.

    Attributes:
        place: What is counted.
        census: So far.
        legacy: Of legacy metadata, from a part of the contents.
        is_legacy_whole: Whether that part is all of them.
        expected: THRON's estimate of how many contents there are.
        is_done: Whether it ended, one way or the other.
        problem: Why it ended early; None if it did not.
    """

    place: Place
    census: Census = field(default_factory=Census)
    legacy: Census = field(default_factory=Census)
    is_legacy_whole: bool = False
    expected: int | None = None
    is_done: bool = False
    problem: str | None = None

    @property
    def is_partial(self) -> bool:
        """Whether the figures are of a part: it runs still, it failed, or there are too many."""
        return not self.is_done or self.problem is not None or self.census.is_full


@dataclass(slots=True)
class _Taken:
    count: Count
    search: Search
    began_at: float
    task: asyncio.Task[None]


class Censuses:
    """Takes censuses; made by ``Censuses.open``."""

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: OrderedDict[Place, _Taken] = OrderedDict()
        self._gate = asyncio.Semaphore(_AT_ONCE)

    @classmethod
    @asynccontextmanager
    async def open(cls, *, now: Callable[[], float]) -> AsyncIterator[Self]:
        """Take censuses until the end of the block.

        Args:
            now: Monotonic time, in seconds.
        """
        self = cls(now=now)
        try:
            yield self
        finally:
            tasks = [each.task for each in self._taken.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def of(self, search: Search, place: Place, *, anew: bool = False) -> Count:
        """Return the census of a folder, begun now if there is none or it is too old."""
        known = self._taken.get(place)
        if known is None or anew or self._is_outdated(known, search):
            if known is not None:
                known.task.cancel()
            known = self._begin(search, place)
        self._taken.move_to_end(place)
        return known.count

    async def settled(self, search: Search, place: Place, *, at_most_s: float) -> Count:
        """Return the census of a folder, done if that does not take longer than so many seconds."""
        count = self.of(search, place)
        if not count.is_done:
            await asyncio.wait([self._taken[place].task], timeout=at_most_s)
        return count

    def _is_outdated(self, known: _Taken, search: Search) -> bool:
        age_s = self._now() - known.began_at
        failed = known.count.problem is not None and age_s > _PATIENCE_S
        return known.search is not search or failed or (known.task.done() and age_s > FRESH_S)

    def _begin(self, search: Search, place: Place) -> _Taken:
        count = Count(place)
        task = asyncio.create_task(self._take(search, count), name="census")
        task.add_done_callback(lambda _: setattr(count, "is_done", True))
        taken = _Taken(count, search, self._now(), task)
        self._taken[place] = taken
        while len(self._taken) > _REMEMBERED:
            _, oldest = self._taken.popitem(last=False)
            oldest.task.cancel()
        return taken

    async def _take(self, search: Search, count: Count) -> None:
        retrying = Retrying(search.thron)
        try:
            async with self._gate:
                await take(count, search, retrying)
        except GatewayError as exc:
            count.problem = with_hint(exc)
            log.warning("census failed", folder=count.place.folder_id, reason=str(exc))


async def take(
    count: Count,
    search: Search,
    retrying: Retrying,
    *,
    types: frozenset[ContentType] = ALL_CONTENT_TYPES,
    most_legacy: int = _LEGACY_CONTENTS,
) -> None:
    """Count the contents of some types until all are counted, or the census is full.

    Args:
        count: Of the place.
        search: Lists the contents.
        retrying: Asks.
        types: Those that are counted.
        most_legacy: So many contents are looked through for legacy metadata.

    Raises:
        ThronError: THRON cannot be asked, or stops answering on the way.
    """
    await _count_all(search, retrying, count, types)
    if most_legacy:
        await _count_legacy(retrying, count, most_legacy)


async def _count_all(
    search: Search, retrying: Retrying, count: Count, types: frozenset[ContentType]
) -> None:
    place = count.place
    criteria = SearchCriteria(
        content_types=types, folder_id=place.folder_id, cascade=place.subfolders
    )
    async with aclosing(search.pages(criteria, ask=retrying.ask)) as pages:
        async for page in pages:
            for content in page.contents:
                count.census.count(content)
            if page.estimated_total is not None:
                count.expected = max(page.estimated_total, count.census.seen)
            if count.census.is_full:
                return
    count.expected = count.census.seen


async def _count_legacy(retrying: Retrying, count: Count, most: int) -> None:
    place = count.place

    async def page(offset: int) -> Listing[Content]:
        question = messages.folder_contents(
            place.client_id,
            folder_id=place.folder_id,
            cascade=place.subfolders,
            offset=offset,
        )
        return await retrying.ask(question)

    try:
        async for content in each_of(page, most=most):
            count.legacy.count(content)
        count.is_legacy_whole = count.legacy.seen < most
    except (ThronBadRequest, ThronRefused):
        return  # then it has no legacy metadata to offer
