"""The background task that keeps the catalogue: when which folder is listed, and by whom.

Full listings at the start and every sixth time, what changed in between; a new or changed
connector at once. One replica at a time does it; the stored runs tell all of them how it goes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

import structlog

from proxy.backoff import Backoff
from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.folder_sync import FolderSync
from proxy.catalogue.leadership import Leadership
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.catalogue.sync_runs import Run, RunKind, RunState, SyncRunStore, SyncState
from proxy.clock import utc_now
from proxy.connectors.model import Connector, Connectors
from proxy.connectors.store import ConnectorWatch
from proxy.errors import DatabaseFailed, GatewayError

log = structlog.get_logger("proxy.sync")

# Folders listed at the same time: one that is new does not wait for one of 100,000 contents.
_AT_ONCE = 3
_DELTAS_BETWEEN = 5
RUNS_TO_FULL = _DELTAS_BETWEEN + 1
"""A content that has left its folder is noticed by a full listing alone: one run of so many."""
_FIRST_RETRY_S = 5.0


@dataclass(frozen=True, slots=True)
class SyncIntervals:
    """How often folders are listed.

    Attributes:
        interval_s: From run to run of one connector; 0: only when asked.
        poll_s: From look to look at what is due.
    """

    interval_s: float
    poll_s: float = INTERVAL_S


@dataclass(slots=True)
class _Plan:
    """When a connector is listed next; times are monotonic seconds.

    Attributes:
        due: The next run.
        deltas: Runs since the last full listing; None before the first.
        failures: Runs in a row that broke off.
    """

    due: float
    deltas: int | None = None
    failures: int = 0

    @property
    def kind(self) -> RunKind:
        is_full = self.deltas is None or self.deltas >= _DELTAS_BETWEEN
        return RunKind.FULL if is_full else RunKind.DELTA

    def note(self, run: Run, *, began: float, now: float, interval_s: float) -> None:
        self.failures = self.failures + 1 if run.state is RunState.FAILED else 0
        self.due = max(began + interval_s, now)
        if run.state is RunState.FAILED:
            backoff = Backoff(2 * _FIRST_RETRY_S, longest_s=interval_s)
            self.due = now + backoff.wait_s(self.failures, jitter=1)
        elif run.state is RunState.CANCELLED:
            self.due = now
        elif run.state is RunState.SUSPENDED:
            self.deltas = None
        elif run.kind is RunKind.FULL:
            self.deltas = 0
        elif self.deltas is not None:
            self.deltas += 1


class Sync:
    """Keeps the catalogue of every connector; made by ``Sync.open``."""

    def __init__(
        self,
        database: Database,
        watch: ConnectorWatch,
        listing: Callable[[], FolderListing | None],
        *,
        leadership: Leadership,
        intervals: SyncIntervals,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._database = database
        self._watch = watch
        self._listing = listing
        self._leadership = leadership
        self._intervals = intervals
        self._now = now
        self._monotonic = monotonic
        self._runs = SyncRunStore(database)
        self._fingerprints = Fingerprints(database)
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._plans: dict[str, _Plan] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._leads = False
        self._zero = now() - timedelta(seconds=monotonic())
        self._fitted: tuple[int, FolderListing] | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        watch: ConnectorWatch,
        listing: Callable[[], FolderListing | None],
        *,
        intervals: SyncIntervals,
        now: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> AsyncIterator[Self]:
        """Keep the catalogue until the end of the block.

        Args:
            database: Where it is.
            watch: The connectors as they are.
            listing: Asks the tenant that is connected; None while none is.
            intervals: How often.
            now: Aware time.
            monotonic: Seconds that no change of the clock moves.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        async with Leadership.open(database) as leadership:
            self = cls(
                database,
                watch,
                listing,
                leadership=leadership,
                intervals=intervals,
                now=now,
                monotonic=monotonic,
            )
            try:
                # Soon again: another process that hangs with the database's lock keeps nobody from
                # serving what is known.
                with suppress(DatabaseFailed):
                    await self.tick()
                async with polling("sync", self.tick, interval_s=intervals.poll_s):
                    yield self
            finally:
                await self._cancel(list(self._tasks))

    @property
    def leads(self) -> bool:
        """Whether this process does what only one of all may do, by the last look."""
        return self._leads

    async def request(self, slug: str) -> None:
        """Ask for a full listing of a connector's folder, whichever replica does it.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        await self._runs.ask(slug)

    async def states(self) -> tuple[SyncState, ...]:
        """Return how every connector stands, by slug.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        slugs = [each.slug for each in self._watch.connectors.all]
        return tuple(self._dated(each) for each in await self._runs.states(slugs))

    async def state(self, slug: str) -> SyncState:
        """Return how one connector stands.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        (state,) = await self._runs.states([slug])
        return self._dated(state)

    async def runs(self, slug: str, *, newest: int = 20) -> tuple[Run, ...]:
        """Return the newest runs of a connector, newest first.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        return await self._runs.runs(slug, newest=newest)

    async def tick(self) -> None:
        """Begin what is due.

        Raises:
            DatabaseFailed: The database does not answer; what runs goes on.
        """
        listing = self._listing()
        if not await self._lead() or listing is None:
            return
        connectors = self._watch.connectors
        await self._fit(connectors, listing)
        asked = await self._runs.asked()
        for connector in connectors.all:
            if connector.slug not in self._tasks:
                self._begin_if_due(connector, listing, is_asked=connector.slug in asked)

    async def _lead(self) -> bool:
        leads = await self._leadership.is_held()
        if leads and not self._leads:
            await self._runs.end_interrupted()
            self._plans.clear()
            self._fitted = None
        elif self._leads and not leads:
            log.warning("sync left to another replica")
            await self._cancel(list(self._tasks))
        self._leads = leads
        return leads

    async def _fit(self, connectors: Connectors, listing: FolderListing) -> None:
        """Fit the catalogue to the connectors; those whose fingerprint changed are due at once."""
        if self._fitted == (connectors.revision, listing):
            return
        slugs = {each.slug for each in connectors.all}
        await self._cancel([slug for slug in self._tasks if slug not in slugs])
        await self._fingerprints.retain(slugs)
        for slug in self._plans.keys() - slugs:
            del self._plans[slug]
        for connector in connectors.all:
            if await self._fingerprints.fit(connector, client_id=listing.client_id):
                await self._cancel([connector.slug])
                self._plans.pop(connector.slug, None)
        self._fitted = connectors.revision, listing

    def _begin_if_due(
        self, connector: Connector, listing: FolderListing, *, is_asked: bool
    ) -> None:
        plan = self._plans.setdefault(connector.slug, _Plan(self._monotonic()))
        by_itself = self._intervals.interval_s > 0 and plan.due <= self._monotonic()
        if not by_itself and not is_asked:
            return
        kind = RunKind.FULL if is_asked else plan.kind
        task = asyncio.create_task(
            self._run(connector, listing, plan=plan, kind=kind), name=f"sync {connector.slug}"
        )
        self._tasks[connector.slug] = task
        task.add_done_callback(lambda done: self._forget(connector.slug, done))

    async def _run(
        self, connector: Connector, listing: FolderListing, *, plan: _Plan, kind: RunKind
    ) -> None:
        began = self._monotonic()
        interval_s = self._intervals.interval_s
        try:
            async with self._places:
                run = await FolderSync(self._database, listing).run(connector, kind)
            plan.note(run, began=began, now=self._monotonic(), interval_s=interval_s)
        except GatewayError as exc:
            plan.due = self._monotonic() + _FIRST_RETRY_S
            log.warning("sync failed", connector=connector.slug, reason=str(exc))
        except Exception:
            plan.due = self._monotonic() + max(interval_s, _FIRST_RETRY_S)
            log.exception("bug in sync", connector=connector.slug)

    def _forget(self, slug: str, done: asyncio.Task[None]) -> None:
        if self._tasks.get(slug) is done:
            del self._tasks[slug]

    async def _cancel(self, slugs: list[str]) -> None:
        tasks = [self._tasks[slug] for slug in slugs if slug in self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _dated(self, state: SyncState) -> SyncState:
        """Return a state with when the next run is due."""
        if state.running is not None or not self._intervals.interval_s:
            return state
        if state.is_asked:
            return replace(state, next=self._now())
        plan = self._plans.get(state.connector)
        if self._leads and plan is not None:
            return replace(state, next=self._zero + timedelta(seconds=plan.due))
        interval = timedelta(seconds=self._intervals.interval_s)
        return replace(state, next=state.last.started + interval if state.last else None)
