"""Connectors are planned, applied and removed: what the commands, the API and the console call."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from proxy.connectors.broken_urls import broken_urls, each_broken_url
from proxy.connectors.changes import (
    MARK,
    NONE_BROKEN,
    BrokenUrl,
    Changes,
    Impact,
    Reason,
    break_reasons,
    compare,
    conflicts,
    differences,
    reaches_further,
    resolved,
)
from proxy.connectors.folder_statistics import FolderStatistics, scope_of
from proxy.connectors.model import Connector, Connectors
from proxy.connectors.preview import Previewer
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.errors import ConfigurationError, NotConfigured
from proxy.settings import Settings

NO_HTTPS = (
    "force_https needs HTTPS: set TDC_TLS_CERT, TDC_TLS_KEY and TDC_TLS_LISTEN, or name the front"
    " proxy in TDC_TRUSTED_PROXIES."
)

NO_HOOKS = (
    "cdn_max_age_s is longer than max_age_s, and TDC_PURGE_HOOKS names no cache that is notified of"
    " changes by tag: what is withdrawn would stay there that long. A cache that purges by URL"
    " alone does not help, as a content's URLs end with any file name."
)

# Changes whose lists somebody may be reading: of a large folder each holds megabytes.
_LISTED = 2
_LISTED_S = 60.0

# Keys that say the same as others that are told.
_UNTOLD = frozenset({"folder", "classification_id"})


def _holds(statistics: FolderStatistics | None) -> Callable[[str], bool]:
    return statistics.listed.holds if statistics is not None else lambda _: True


def _not_connected() -> Previewer:
    raise NotConfigured


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be applied.

    Attributes:
        known: The connectors that it was planned on.
        changes: Which would be created or changed.
        impacts: What that does, one for each wanted connector, in order.
    """

    known: Connectors
    changes: Changes
    impacts: tuple[Impact, ...]

    @property
    def connectors(self) -> tuple[Connector, ...]:
        """The connectors, resolved."""
        return tuple(each.new for each in self.impacts if each.new is not None)

    @property
    def is_nothing(self) -> bool:
        """Whether all of them are as they would be already."""
        return not self.changes.created and not self.changes.changed

    @property
    def published(self) -> tuple[Impact, ...]:
        """What the created and changed connectors do that would serve contents."""
        touched = {*self.changes.created, *self.changes.changed}
        return tuple(
            each
            for each in self.impacts
            if each.new is not None and each.new.enabled and each.new.slug in touched
        )

    @property
    def public_contents(self) -> int:
        """How many contents those make public; one that two of them serve counts twice."""
        return sum(each.contents for each in self.published)


class ConnectorService:
    """Plans, applies and removes connectors.

    Args:
        store: Keeps them.
        settings: Give the base of public URLs, and whether HTTPS can be forced.
        previewer: Gives who asks the tenant that is connected; without it nothing is planned that
            THRON has to be asked for.
        watch: Serves what was applied, at once; None where nothing is served.
    """

    def __init__(
        self,
        store: ConnectorStore,
        settings: Settings,
        *,
        previewer: Callable[[], Previewer] = _not_connected,
        watch: ConnectorWatch | None = None,
    ) -> None:
        self._store = store
        self._settings = settings
        self._previewer = previewer
        self._watch = watch
        self._listed: dict[tuple[Connector, Connector | None], Impact] = {}

    async def plan(
        self,
        wanted: Sequence[Connector],
        *,
        anew: bool = False,
        counted: bool = False,
        at_most_s: float | None = None,
    ) -> Plan:
        """Return what applying connectors would do, without doing it.

        Args:
            wanted: Their folders need not be resolved.
            anew: Every folder and metadata is looked up again, though it stayed the same, and the
                contents of each connector that changes are counted.
            counted: The contents of all of them are; else only where it matters for what breaks
                or becomes public.
            at_most_s: So long the contents of a folder are counted; None: until all are.

        Raises:
            ConfigurationError: With every problem of every connector.
            ThronError: THRON cannot be asked.
            DatabaseFailed: The database does not answer.
        """
        known = await self._store.read()
        problems = [each.text for each in conflicts(known.by_slug, wanted)]
        if not self._settings.can_force_https:
            forced = [each.slug for each in wanted if each.force_https]
            problems += [f"connector {slug}: {NO_HTTPS}" for slug in forced]
        if self._settings.purge_hooks is None:
            problems += [
                f"connector {each.slug}: {NO_HOOKS}"
                for each in wanted
                if each.cdn_max_age_s is not None and each.cdn_max_age_s > each.max_age_s
            ]
        found: list[tuple[Connector, str]] = []
        for connector in wanted:
            old = known.of_slug(connector.slug)
            as_it_was = resolved(old, connector) if old is not None and not anew else None
            try:
                found.append(
                    (as_it_was, "")
                    if as_it_was is not None
                    else await self._previewer().resolve(connector, at_most_s=at_most_s)
                )
            except ConfigurationError as exc:
                problems += exc.problems
        if problems:
            raise ConfigurationError(problems)
        impacts: list[Impact] = []
        for new, name in found:
            old = known.of_slug(new.slug)
            is_counted = counted or (anew and new != old)
            impacts.append(
                await self._impact(old, new, name, counted=is_counted, at_most_s=at_most_s)
            )
        return Plan(known, compare(known.by_slug, [new for new, _ in found]), tuple(impacts))

    async def plan_removal(self, old: Connector) -> Impact:
        """Return what removing a connector would do.

        Raises:
            DatabaseFailed: The catalogue cannot be read.
        """
        return await self._impact(old, None, "", counted=False, at_most_s=0)

    async def plan_once(
        self, old: Connector, wanted: Connector | None, *, at_most_s: float
    ) -> Impact:
        """Return what a change would do, planned once for all the pages of its list.

        What the next page needs is neither counted nor asked of THRON again for a minute. What
        is applied is always planned anew.

        Args:
            old: As it is.
            wanted: As ``plan`` takes it; None: the connector would be removed.
            at_most_s: As for ``plan``.

        Raises:
            ConfigurationError, ThronError, DatabaseFailed: As ``plan``.
        """
        key = (old, wanted)
        found = self._listed.get(key)
        if found is not None:
            return found
        if wanted is None:
            found = await self.plan_removal(old)
        else:
            [found] = (await self.plan([wanted], at_most_s=at_most_s)).impacts
        # Another minute may count what this one could not, and another ``old`` has other URLs.
        if found.is_exact and found.old == old:
            while len(self._listed) >= _LISTED:
                del self._listed[next(iter(self._listed))]
            self._listed[key] = found
            asyncio.get_running_loop().call_later(_LISTED_S, self._listed.pop, key, None)
        return found

    async def broken_page(self, found: Impact, *, first: int, limit: int) -> list[BrokenUrl]:
        """Return some of the URLs that a planned change breaks, by their place in the list.

        Raises:
            DatabaseFailed: The catalogue cannot be read.
        """
        marks, shown = found.broken.marks, list[BrokenUrl]()
        whole, over = divmod(first, MARK)
        if whole > len(marks):
            return shown
        async for each in self.each_broken_url(found, after=marks[whole - 1] if whole else 0):
            if over:
                over -= 1
                continue
            shown.append(each)
            if len(shown) == limit:
                break
        return shown

    def each_broken_url(self, found: Impact, *, after: int = 0) -> AsyncIterator[BrokenUrl]:
        """Give every URL that a planned change breaks, of which the plan has the first.

        Args:
            found: As it was planned.
            after: Only those with a greater number.

        Raises:
            DatabaseFailed: The catalogue cannot be read.
        """
        assert found.old is not None  # noqa: S101 - what is new breaks nothing
        return each_broken_url(
            self._store.database,
            found.old,
            found.new,
            base=self._settings.public_base,
            holds=_holds(found.statistics),
            after=after,
        )

    async def apply(self, plan: Plan, *, actor: str) -> None:
        """Keep connectors as planned, and serve them.

        Args:
            plan: As it was confirmed.
            actor: For the audit, such as ``cli``.

        Raises:
            ConfigurationError: Somebody else changed one of them since, or took its host.
            DatabaseFailed: They cannot be kept.
        """
        await self._store.apply(plan.connectors, actor=actor, planned_on=plan.known)
        await self._follow()

    async def remove(self, slug: str, *, actor: str, planned_on: Connector | None = None) -> bool:
        """Remove a connector, and tell whether there was one.

        Args:
            slug: Of the connector.
            actor: For the audit, such as ``cli``.
            planned_on: As it was when somebody agreed to this; None: however it is.

        Raises:
            ConfigurationError: Somebody else changed it since.
            DatabaseFailed: It cannot be removed.
        """
        was_there = await self._store.remove(slug, actor=actor, planned_on=planned_on)
        await self._follow()
        return was_there

    async def _follow(self) -> None:
        if self._watch is not None:
            await self._watch.refresh()

    async def _impact(
        self,
        old: Connector | None,
        new: Connector | None,
        folder_name: str,
        *,
        counted: bool,
        at_most_s: float | None,
    ) -> Impact:
        wider, reasons = reaches_further(old, new), break_reasons(old, new)
        loses = Reason.FOLDER in reasons
        statistics = None
        if new is not None and (wider or loses or counted):
            statistics = await self._previewer().counted(scope_of(new), at_most_s=at_most_s)
        broken = NONE_BROKEN
        if old is not None and reasons:
            broken = await broken_urls(
                self._store.database,
                old,
                new,
                base=self._settings.public_base,
                holds=_holds(statistics),
            )
        return Impact(
            old,
            new,
            folder_name,
            frozenset(differences(old, new)) - _UNTOLD if old is not None else frozenset(),
            broken,
            is_exact=not loses or (statistics is not None and not statistics.is_partial),
            statistics=statistics,
            is_wider=wider,
        )
