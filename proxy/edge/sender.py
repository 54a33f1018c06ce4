"""Tells caches in front what to forget, once every process has: in order, until it is done."""

import secrets
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Self

import aiohttp
import structlog
from aiohttp import hdrs
from yarl import URL

from proxy.backoff import Backoff
from proxy.catalogue.database import Database
from proxy.catalogue.hook_progress import HookProgress, Waiting
from proxy.catalogue.polling import polling
from proxy.catalogue.purges import PurgeStore
from proxy.catalogue.replicas import ReplicaStore
from proxy.clock import utc_now
from proxy.connectors.store import ConnectorWatch
from proxy.edge.acknowledgement import Acknowledgements
from proxy.edge.hooks import SETTING, HookRequest, PurgeHook
from proxy.edge.tags import tags_of
from proxy.semantics.dates import parse_retry_after
from proxy.semantics.freshness import content_tag
from proxy.telemetry.metrics import Metrics

log = structlog.get_logger("proxy.purge_hooks")

_INTERVAL_S = 0.2
_LOOK_EVERY_S = 2.0
# A cache that is back is told within this, or when it asked for.
_BACKOFF = Backoff(1.0, longest_s=10.0)
_LONGEST_ASKED_S = 60.0
_MOST_PURGES = 1000
# A cache that takes nothing for so long, or misses so much, is told to forget everything instead:
# a hook that nobody mends fills no database.
_MOST_WAITING = 100_000
_LONGEST_WAITING = timedelta(days=7)
# Replicas have the same file of hooks but for a moment, while they are upgraded one by one.
_LONGEST_UNKNOWN_S = 86_400.0
_UNKNOWN = f"not in the file of {SETTING} that this process has read: its purges wait"
# Of no content: a try purges nothing.
_TRIED = content_tag("-")


class HookFailed(Exception):
    """A cache did not take what it was told; the words hold no URL and no secret.

    Attributes:
        wait_s: How long it asked to be left alone.
    """

    def __init__(self, problem: str, *, wait_s: float = 0.0) -> None:
        super().__init__(problem)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class HookState:
    """How a hook stands.

    Attributes:
        waiting: Purges that its cache has not been told.
        waiting_since: When the oldest of them was ordered; None without any.
        problem: Why the last request failed; None while they succeed.
        told_at: When the cache last took something, since this process leads.
        is_known: Whether it is in this process's file of hooks: else its purges wait for one that
            has it to lead.
    """

    name: str
    waiting: int
    waiting_since: datetime | None
    problem: str | None
    told_at: datetime | None
    is_known: bool = True


@dataclass(slots=True)
class _Progress:
    """Of one hook, while this process leads; times are monotonic seconds.

    Attributes:
        done: The last purge that was handed on.
        failures: Requests that failed in a row.
    """

    done: int
    failures: int = 0
    problem: str | None = None
    retry_at: float = 0.0
    told_at: datetime | None = None


class PurgeSender:
    """Sends what the purge hooks are to hand on; one process of all does, the one that leads.

    Each hook goes on by itself: a cache that hangs keeps no other one waiting.
    """

    def __init__(
        self,
        database: Database,
        watch: ConnectorWatch,
        hooks: Sequence[PurgeHook],
        http: aiohttp.ClientSession,
        *,
        leads: Callable[[], bool],
        metrics: Metrics,
        proxy: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Make a sender.

        Args:
            database: With the purges that are ordered.
            watch: The connectors as they are.
            hooks: Of the settings.
            http: Sends the requests, each within its timeout.
            leads: Tells whether this process is to send.
            metrics: Where requests and what waits are counted.
            proxy: Through which requests by https go; caches nearby are told by http.
            monotonic: Seconds that no change of the clock moves.
        """
        self._database = database
        self._watch = watch
        self._hooks = {each.name: each for each in hooks}
        self._http = http
        self._leads = leads
        self._metrics = metrics
        self._proxy = proxy
        self._monotonic = monotonic
        self._purges = PurgeStore(database)
        self._progress = HookProgress(database)
        self._acknowledgements = Acknowledgements(ReplicaStore(database), monotonic=monotonic)
        self._led: dict[str, _Progress] = {}
        # Hooks that the database knows and this process does not, and since when it leads them.
        self._unknown: dict[str, float] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Send until the end of the block.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        async with AsyncExitStack() as stack:
            # What is ordered from now on counts, though the lead is taken a moment later.
            await self._progress.follow(self._hooks.keys())
            await stack.enter_async_context(
                polling("purge hooks", self.look, interval_s=_LOOK_EVERY_S)
            )
            for hook in self._hooks.values():
                await stack.enter_async_context(
                    polling(
                        f"purge hook {hook.name}",
                        partial(self._hand_on, hook),
                        interval_s=_INTERVAL_S,
                        news=lambda: self._database.written,
                    )
                )
            yield self

    async def states(self) -> tuple[HookState, ...]:
        """Return how each hook stands.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        waiting = await self._progress.waiting()
        known = tuple(
            HookState(
                name,
                (its := waiting.get(name, Waiting())).purges,
                its.since,
                problem=led.problem if (led := self._led.get(name)) is not None else None,
                told_at=led.told_at if led is not None else None,
            )
            for name in self._hooks
        )
        return known + tuple(
            HookState(name, its.purges, its.since, _UNKNOWN, None, is_known=False)
            for name, its in waiting.items()
            if name not in self._hooks
        )

    async def try_hook(self, name: str) -> str | None:
        """Send a hook's request for a tag that nothing has; return why it failed, if it did.

        Raises:
            KeyError: There is no hook of this name.
        """
        try:
            # An id of its own: a receiver that knows it already would do nothing.
            await self._send(self._hooks[name], [_TRIED], message=f"try-{secrets.token_hex(8)}")
        except HookFailed as exc:
            return str(exc)
        return None

    async def look(self) -> None:
        """See what waits, and take the lead's work over where this process leads now.

        Raises:
            DatabaseFailed: The database does not answer.
        """
        metrics = self._metrics
        if not self._leads():
            self._led.clear()
            self._unknown.clear()
            metrics.purge_hook_waiting.clear()
            metrics.purge_hook_oldest.clear()
            return
        if self._hooks and not self._led:
            await self._progress.follow(self._hooks.keys())
            self._led = {name: _Progress(await self._progress.done(name)) for name in self._hooks}
        hooks = await self._progress.waiting()
        if not hooks:
            return
        # Whether or not anything waits: a process that was silent before is not waited for then.
        live = await self._acknowledgements.look()
        obeyed = min((each.purge for each in live), default=await self._purges.last())
        now = self._database.now()
        for name, waiting in hooks.items():
            age = now - waiting.since if waiting.since is not None else timedelta()
            metrics.purge_hook_waiting.labels(name).set(waiting.purges)
            metrics.purge_hook_oldest.labels(name).set(max(age.total_seconds(), 0))
            is_hopeless = waiting.purges > _MOST_WAITING or age > _LONGEST_WAITING
            led = self._led.get(name)
            if led is None:
                await self._wait_for_who_knows(name, waiting, is_hopeless=is_hopeless)
            elif is_hopeless and obeyed > led.done:
                await self._progress.give_up(name, until=obeyed)
                led.done = max(led.done, obeyed)
                metrics.purge_hook_dropped.labels(name).inc(waiting.purges)
                log.error("purges dropped", hook=name, purges=waiting.purges)

    async def _wait_for_who_knows(self, name: str, waiting: Waiting, *, is_hopeless: bool) -> None:
        """Keep the purges of a hook that another process may know; drop it after a day of that."""
        if name not in self._unknown:
            self._unknown[name] = self._monotonic()
            log.warning("purge hook unknown", hook=name, purges=waiting.purges)
        if is_hopeless or self._monotonic() - self._unknown[name] > _LONGEST_UNKNOWN_S:
            await self._progress.drop(name)
            del self._unknown[name]
            self._metrics.purge_hook_waiting.remove(name)
            self._metrics.purge_hook_oldest.remove(name)
            self._metrics.purge_hook_dropped.labels(name).inc(waiting.purges)
            log.error("purge hook dropped", hook=name, purges=waiting.purges)

    async def _hand_on(self, hook: PurgeHook) -> None:
        """Tell a cache of the purges that every process has obeyed."""
        if not self._leads():
            return
        if not self._led:
            await self.look()
        progress = self._led.get(hook.name)
        if progress is None or self._monotonic() < progress.retry_at:
            return
        ordered = await self._purges.since(progress.done, most=_MOST_PURGES)
        if not ordered or not (obeyed := await self._acknowledgements.of(ordered)):
            return
        purges = [each.purge for each in obeyed]
        tags = await tags_of(
            purges, hook=hook.name, connectors=self._watch.connectors, database=self._database
        )
        number = obeyed[-1].number
        # A database put back from a backup gives numbers again, but not at the same moment.
        message = f"{number}-{obeyed[-1].at.timestamp():.0f}"
        try:
            await self._send(hook, tags, message=message)
        except HookFailed as exc:
            progress.failures += 1
            wait_s = max(
                _BACKOFF.wait_s(progress.failures, jitter=1), min(exc.wait_s, _LONGEST_ASKED_S)
            )
            progress.retry_at = self._monotonic() + wait_s
            if progress.problem != str(exc):  # an outage is told once, not with every try
                log.warning("cache not told", hook=hook.name, reason=str(exc))
            progress.problem = str(exc)
            return
        await self._progress.note(hook.name, number)
        if progress.problem is not None:
            log.info("cache told again", hook=hook.name)
        progress.done, progress.told_at = max(progress.done, number), utc_now()
        progress.failures, progress.problem = 0, None

    async def _send(self, hook: PurgeHook, tags: Sequence[str], *, message: str) -> None:
        timestamp = int(utc_now().timestamp())
        for request in hook.requests(tags, message=message, timestamp=timestamp):
            try:
                await self._request(request)
            except HookFailed:
                self._metrics.purge_hook_requests.labels(hook.name, "failed").inc()
                raise
            self._metrics.purge_hook_requests.labels(hook.name, "done").inc()

    async def _request(self, request: HookRequest) -> None:
        """Send one request.

        Raises:
            HookFailed: It was not answered with success.
        """
        url = URL(request.url, encoded=True)
        try:
            async with self._http.request(
                request.method,
                url,
                headers=request.fields,
                data=request.body or None,
                proxy=self._proxy if url.scheme == "https" else None,
                allow_redirects=False,
            ) as response:
                status, fields = response.status, response.headers
        except TimeoutError as exc:
            raise HookFailed(f"no answer within {self._http.timeout.total:g} s") from exc
        except (aiohttp.ClientError, OSError, ValueError) as exc:
            # Its words may hold the URL, and that a secret.
            raise HookFailed(f"no answer ({type(exc).__name__})") from exc
        if not 200 <= status < 300:  # noqa: PLR2004 - RFC 9110, 15.3
            wait_s = parse_retry_after(fields.get(hdrs.RETRY_AFTER), date=fields.get(hdrs.DATE))
            raise HookFailed(f"the cache answered {status}", wait_s=wait_s or 0.0)
