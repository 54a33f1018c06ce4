"""What the overview shows, made once a second for all who watch it, and not while nobody does."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from markupsafe import Markup

from proxy.admin.overview import Overview, OverviewService
from proxy.admin.requests_query import RequestsQuery, outcome, readable
from proxy.admin.web.i18n import Language, Words
from proxy.admin.web.overview_labels import HEALTHS, HINTS, OUTCOMES, SYNCS
from proxy.admin.web.rendering import render_part
from proxy.admin.web.throughput_chart import Chart, chart
from proxy.catalogue.sync import Sync
from proxy.catalogue.sync_runs import SyncState
from proxy.errors import DatabaseFailed, Overloaded

TICK_S = 1.0
# The database is asked less often: a listing takes minutes.
_STATES_EVERY_S = 2.0
# Its bars are a minute wide.
_CHART_EVERY_S = 5.0
# A browser holds one for each of its tabs that can be seen.
MOST_WATCHERS = 32
# Of the recent requests; the API gives more.
ROWS = 30

_PARTS = ("hints", "tiles", "chart", "downloads", "syncs")
# What their templates use besides.
_VALUES: Mapping[str, object] = {
    "readable": readable,
    "outcome": outcome,
    "healths": HEALTHS,
    "hint_words": HINTS,
    "outcomes": OUTCOMES,
    "syncs": SYNCS,
}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """How things stood at one moment, and the parts of the page that say so, by language."""

    overview: Overview
    chart: Chart
    said: dict[Language, Mapping[str, Markup]] = field(default_factory=dict)


class Live:
    """Looks at the connector for everybody who watches."""

    def __init__(
        self,
        overviews: OverviewService,
        sync: Sync,
        *,
        refused_reload: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Look at nothing yet.

        Args:
            overviews: Knows what is looked at.
            sync: Knows how the catalogue stands.
            refused_reload: Why the last reload was refused, if it was.
        """
        self.overviews = overviews
        self._sync = sync
        self._looking = asyncio.Lock()
        self._snapshot: Snapshot | None = None
        self._looked = 0.0
        self._chart: Chart | None = None
        self._charted = float("-inf")
        self._states: tuple[SyncState, ...] | None = None
        self._read = float("-inf")
        self._refused_reload = refused_reload
        self.watchers = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count somebody who watches for the length of the block.

        Raises:
            Overloaded: Too many do already.
        """
        if self.watchers >= MOST_WATCHERS:
            raise Overloaded(f"{self.watchers} watch the overview")
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1

    async def snapshot(self, *, at_most_s: float = TICK_S * 0.9) -> Snapshot:
        """Return how things stand.

        Args:
            at_most_s: How old a snapshot may be, in seconds; 0 for a new one.
        """
        async with self._looking:
            now = self.overviews.monotonic()
            if self._snapshot is None or now - self._looked >= at_most_s:
                await self._read_states(now)
                self._snapshot, self._looked = self._now(now, is_new=not at_most_s), now
            return self._snapshot

    def parts(self, snapshot: Snapshot, language: Language) -> Mapping[str, Markup]:
        """Return the parts of the page, by name, that are the same for all who read a language."""
        if language not in snapshot.said:
            words = Words(language)
            values = {**_VALUES, "now": snapshot.overview, "chart": snapshot.chart}
            snapshot.said[language] = {
                name: render_part(words, f"overview_{name}.html", **values) for name in _PARTS
            }
        return snapshot.said[language]

    def requests(self, query: RequestsQuery, language: Language) -> Markup:
        """Return the recent requests that are asked for."""
        words, recent = Words(language), self.overviews.traffic.recent
        found = recent.newest(most=ROWS + 1, wanted=query.wants)
        return render_part(
            words,
            "overview_requests.html",
            **_VALUES,
            found=found[:ROWS],
            has_more=len(found) > ROWS,
            is_narrow=query.is_narrow,
        )

    @property
    def last_request(self) -> int:
        """The number of the newest request that has ended."""
        return self.overviews.traffic.recent.last

    def _now(self, now: float, *, is_new: bool) -> Snapshot:
        seen = self.overviews.overview(self._states, refused_reload=self._refused_reload())
        if is_new or self._chart is None or now - self._charted >= _CHART_EVERY_S:
            self._chart = chart(self.overviews.traffic.hour(), now=seen.at.timestamp())
            self._charted = now
        return Snapshot(seen, self._chart)

    async def _read_states(self, now: float) -> None:
        if now - self._read < _STATES_EVERY_S:
            return
        try:
            self._states = await self._sync.states()
        except DatabaseFailed:
            self._states = None
        self._read = now


class Watcher:
    """One page that is kept up to date: it is sent what has changed since it was last told.

    Args:
        live: What it shows.
        language: Of its reader.
        query: Which requests it shows.
    """

    def __init__(self, live: Live, *, language: Language, query: RequestsQuery) -> None:
        self._live = live
        self._language = language
        self._query = query
        self._told: dict[str, Markup] = {}
        self._last = -1
        self._turn = 0

    def news(self, snapshot: Snapshot) -> dict[str, Markup]:
        """Return the parts that are different, by name."""
        parts = dict(self._live.parts(snapshot, self._language))
        self._turn += 1
        is_turn = self._turn % 2 == 1  # where much is asked for this is much to send
        if is_turn and self._live.last_request != self._last:
            self._last = self._live.last_request
            parts["requests"] = self._live.requests(self._query, self._language)
        news = {name: text for name, text in parts.items() if self._told.get(name) != text}
        self._told |= news
        return news
