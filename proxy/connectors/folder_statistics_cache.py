"""Statistics of a tenant's folders, counted in the background and remembered for some minutes."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Self

import structlog

from proxy.connectors.folder_statistics import MOST_CONTENTS, FolderScope, FolderStatistics
from proxy.connectors.model import ALL_CONTENT_TYPES
from proxy.errors import GatewayError, ThronBadRequest, ThronRefused
from proxy.hints import with_hint
from proxy.thron import messages
from proxy.thron.content import Content
from proxy.thron.listing import Listing, each_of
from proxy.thron.messages import SearchCriteria
from proxy.thron.retry import Retrying
from proxy.thron.search import Search

log = structlog.get_logger("proxy.folder_statistics")

FRESH_S = 300.0

# What failed is tried again by whoever looks after so long.
_RETRY_AFTER_S = 5.0
_REMEMBERED = 8
_AT_ONCE = 2
# Where none of so many contents has metadata that the search did not show, the others are not
# looked through.
_LEGACY_SAMPLE = 200


@dataclass(slots=True)
class _Counting:
    statistics: FolderStatistics
    began_at: float
    task: asyncio.Task[None]


class FolderStatisticsCache:
    """Counts folders of one tenant; made by ``FolderStatisticsCache.open``."""

    def __init__(self, search: Search, *, now: Callable[[], float]) -> None:
        self._search = search
        self._now = now
        self._known: OrderedDict[FolderScope, _Counting] = OrderedDict()
        self._gate = asyncio.Semaphore(_AT_ONCE)

    @classmethod
    @asynccontextmanager
    async def open(cls, search: Search, *, now: Callable[[], float]) -> AsyncIterator[Self]:
        """Count folders until the end of the block.

        Args:
            search: Of the tenant.
            now: Monotonic time, in seconds.
        """
        self = cls(search, now=now)
        try:
            yield self
        finally:
            tasks = [each.task for each in self._known.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def of(self, scope: FolderScope, *, anew: bool = False) -> FolderStatistics:
        """Return the statistics of a folder, begun now if there are none or they are too old."""
        return self._of(scope, anew=anew).statistics

    async def settled(
        self, scope: FolderScope, *, at_most_s: float | None, anew: bool = False
    ) -> FolderStatistics:
        """Return the same, complete if that takes no longer than so many seconds."""
        found = self._of(scope, anew=anew)
        await asyncio.wait([found.task], timeout=at_most_s)
        return found.statistics

    def _of(self, scope: FolderScope, *, anew: bool) -> _Counting:
        known = self._known.get(scope)
        if known is None or anew or self._is_outdated(known):
            if known is not None:
                known.task.cancel()
            known = self._begin(scope)
        self._known.move_to_end(scope)
        return known

    def _is_outdated(self, known: _Counting) -> bool:
        age_s = self._now() - known.began_at
        failed = known.statistics.failure is not None and age_s > _RETRY_AFTER_S
        return failed or (known.task.done() and age_s > FRESH_S)

    def _begin(self, scope: FolderScope) -> _Counting:
        statistics = FolderStatistics()
        task = asyncio.create_task(self._count(scope, statistics), name="folder statistics")
        task.add_done_callback(lambda _: setattr(statistics, "is_done", True))
        begun = _Counting(statistics, self._now(), task)
        self._known[scope] = begun
        while len(self._known) > _REMEMBERED:
            _, oldest = self._known.popitem(last=False)
            oldest.task.cancel()
        return begun

    async def _count(self, scope: FolderScope, statistics: FolderStatistics) -> None:
        try:
            async with self._gate:
                await self._count_listed(scope, statistics)
                await self._count_legacy(scope, statistics)
        except GatewayError as exc:
            statistics.failure, statistics.problem = exc, with_hint(exc)
            log.warning("folder not counted", folder=scope.folder_id, reason=str(exc))
        else:
            statistics.is_whole = not statistics.listed.is_full

    async def _count_listed(self, scope: FolderScope, statistics: FolderStatistics) -> None:
        counter = statistics.listed
        criteria = SearchCriteria(
            content_types=ALL_CONTENT_TYPES, folder_id=scope.folder_id, cascade=scope.subfolders
        )
        ask = Retrying(self._search.thron).ask
        async with aclosing(self._search.pages(criteria, ask=ask)) as pages:
            async for page in pages:
                for content in page.contents:
                    counter.count(content)
                if page.estimated_total is not None:
                    statistics.expected = max(page.estimated_total, counter.seen)
                if counter.is_full:
                    return
        statistics.expected = counter.seen

    async def _count_legacy(self, scope: FolderScope, statistics: FolderStatistics) -> None:
        counter, retrying = statistics.legacy, Retrying(self._search.thron)

        def is_sample_enough() -> bool:
            return {*counter.metadata} <= {*statistics.listed.metadata}

        async def page(offset: int) -> Listing[Content]:
            if offset >= _LEGACY_SAMPLE and is_sample_enough():
                return Listing()
            question = messages.folder_contents(
                self._search.client_id,
                folder_id=scope.folder_id,
                cascade=scope.subfolders,
                offset=offset,
            )
            return await retrying.ask(question)

        try:
            async for content in each_of(page, most=MOST_CONTENTS):
                counter.count(content)
        except (ThronBadRequest, ThronRefused):
            return  # then it has no legacy metadata to offer
        statistics.is_legacy_whole = not counter.is_full and not (
            counter.seen >= _LEGACY_SAMPLE and is_sample_enough()
        )
