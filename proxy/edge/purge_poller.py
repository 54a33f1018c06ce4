"""A process's obedience to purges, and its word that it has obeyed.

A cache in front may be told to forget something only once no process gives the old answer any
more; else the cache would fetch that again, and keep it. So each process says how far it has got
(``ReplicaStore``), and orders caches to be told again once answers that had begun before have
ended: until then a cache may be storing one.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, Self

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.catalogue.purges import KEPT, Purge, PurgeKind, PurgeStore
from proxy.catalogue.replicas import ReplicaStore
from proxy.connectors.store import ConnectorWatch
from proxy.errors import DatabaseFailed
from proxy.telemetry.access_record import AccessRecord

log = structlog.get_logger("proxy.purges")

# While there are hooks: this, the sender's interval and the hook's own request are to take less
# than 2 s, on a busy machine too.
_PROMPT_S = 0.2
# Whatever is remembered is gone over each time, in a sync that finds many changes too.
_APART_S = 0.1
_BEAT_S = 2.0
# A hundred downloads of a film may end one by one, over hours.
_LONGEST_BETWEEN_REPEATS_S = 60.0


class Obey(Protocol):
    """Forgets what is remembered of addresses."""

    def __call__(self, *purges: Purge) -> Awaitable[None]:
        """Return once nothing of it is remembered any more."""


@dataclass(slots=True)
class _Repeat:
    """When caches are told again of one content; times are monotonic seconds.

    Attributes:
        told_at: The last time, or when its old answers were found.
        wait_s: How long the next time is apart, while some of them still run.
        is_due: Whether an old answer has ended since.
    """

    told_at: float
    wait_s: float = 1.0
    is_due: bool = False


class PurgePoller:
    """Carries out purges ordered since it was opened; a new process has nothing to purge."""

    def __init__(
        self,
        database: Database,
        watch: ConnectorWatch,
        obey: Obey,
        *,
        running: Callable[[], Iterable[AccessRecord]],
        monotonic: Callable[[], float],
    ) -> None:
        self._purges = PurgeStore(database)
        self._replicas = ReplicaStore(database)
        self._watch = watch
        self._obey = obey
        self._running = running
        self._monotonic = monotonic
        self._id: str | None = None  # while nobody waits for it
        self._seen = self._acknowledged = 0
        self._revision = -1
        self._beat_at = monotonic()
        self._is_given_up = False
        # Answers that had begun before a purge that means them, and still run.
        self._old: dict[AccessRecord, None] = {}
        self._repeats: dict[str, _Repeat] = {}

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        watch: ConnectorWatch,
        obey: Obey,
        *,
        running: Callable[[], Iterable[AccessRecord]],
        acknowledges: bool,
        monotonic: Callable[[], float] = time.monotonic,
        interval_s: float | None = None,
        news: Callable[[], asyncio.Event] = asyncio.Event,
    ) -> AsyncIterator[Self]:
        """Carry out purges until the end of the block.

        Args:
            database: Where they are ordered.
            watch: The connectors that are served.
            obey: Called with those that are new, in their order.
            running: Gives the requests that are being answered.
            acknowledges: Whether caches in front are told, which waits for this process's word.
            monotonic: Seconds that no change of the clock moves.
            interval_s: How often the database is asked.
            news: As for ``polling``.

        Raises:
            DatabaseFailed: It does not answer even once.
        """
        self = cls(database, watch, obey, running=running, monotonic=monotonic)
        if acknowledges:
            id_ = secrets.token_hex(16)
            self._revision = watch.connectors.revision
            self._seen = self._acknowledged = await self._replicas.join(
                id_, revision=self._revision
            )
            self._id = id_
        else:
            self._seen = await self._purges.last()
        usual_s = _PROMPT_S if acknowledges else INTERVAL_S
        try:
            async with polling(
                "purges",
                self.refresh,
                interval_s=interval_s or usual_s,
                news=news if acknowledges else asyncio.Event,
                apart_s=_APART_S,
            ):
                yield self
        finally:
            await self._leave()

    async def _leave(self) -> None:
        """Be waited for no more; what old answers have left in caches is forgotten once more."""
        if self._id is None:
            return
        ended = {each.content_id for each in self._old if each.content_id is not None}
        ended |= {content_id for content_id, each in self._repeats.items() if each.is_due}
        try:
            if ended:
                await self._purges.repeat(Purge(PurgeKind.CHANGED, each) for each in sorted(ended))
            await self._replicas.leave(self._id)
        except DatabaseFailed as exc:  # the others give it up, as they do any that is silent
            log.warning("not signed off", reason=str(exc), repeats=len(ended))

    async def refresh(self) -> None:
        """Carry out the purges ordered since the last time.

        Raises:
            DatabaseFailed: The database does not answer; they are obeyed the next time.
        """
        await self._obey_new()
        if self._id is not None:
            await self._acknowledge()
            await self._tell_again()

    async def _obey_new(self) -> None:
        ordered = await self._purges.since(self._seen)
        if ordered and max(each.revision for each in ordered) > self._watch.connectors.revision:
            await self._watch.refresh()
        purges = list(dict.fromkeys(each.purge for each in ordered if not each.is_repeat))
        if purges:
            await self._obey(*purges)
            self._note_old_answers(purges)
            log.info("purged", purges=len(purges), kinds=sorted({each.kind for each in purges}))
        if ordered:
            self._seen = ordered[-1].number

    async def _acknowledge(self) -> None:
        assert self._id is not None  # noqa: S101 - the caller has looked
        if self._is_given_up:
            await self._take_part_again()
        revision, now = self._watch.connectors.revision, self._monotonic()
        is_news = (self._seen, self._revision) != (self._acknowledged, revision)
        if not is_news and now - self._beat_at < _BEAT_S:
            return
        if await self._replicas.beat(self._id, purge=self._seen, revision=revision):
            self._acknowledged, self._revision, self._beat_at = self._seen, revision, now
            return
        # It was silent for so long that caches were told without it. It joins before it does
        # anything about that: what is ordered from now on waits for it, and nothing slips through.
        log.warning("given up by the others", since_purge=self._acknowledged)
        self._is_given_up = True
        await self._replicas.join(self._id, revision=self._revision, purge=self._acknowledged)
        await self._obey_new()
        await self._acknowledge()

    async def _take_part_again(self) -> None:
        """Forget all, and have caches told again of what they were told without this process.

        It may have filled them with the old answers since; by now it has obeyed whatever that was.
        """
        await self._obey(Purge(PurgeKind.ALL))
        missed = [
            each.purge
            for each in await self._purges.since(self._acknowledged)
            if not each.is_repeat
        ]
        if self._monotonic() - self._beat_at > KEPT.total_seconds():
            missed = [Purge(PurgeKind.ALL)]  # not all of them are kept any more
        await self._purges.repeat(dict.fromkeys(missed))
        self._is_given_up = False

    def _note_old_answers(self, purges: Iterable[Purge]) -> None:
        """Note what is being answered and may be the old content: a cache may be storing it."""
        if self._id is None:
            return
        of = {kind: {each.value for each in purges if each.kind is kind} for kind in PurgeKind}
        contents = of[PurgeKind.CONTENT] | of[PurgeKind.CHANGED]
        slugs = of[PurgeKind.CONNECTOR] | {each.partition("/")[0] for each in of[PurgeKind.ADDRESS]}
        for record in self._running():
            # Without a content yet, it has been looked up since before the purge.
            may_be_content = record.content_id in contents or (
                bool(contents) and record.content_id is None
            )
            is_meant = may_be_content or record.connector in slugs or bool(of[PurgeKind.ALL])
            if is_meant and record.connector is not None:
                self._old[record] = None

    async def _tell_again(self) -> None:
        """Have caches told again of contents of which old answers have ended.

        By content, whatever the purge was: after one of everything, downloads may end for hours.
        """
        now = self._monotonic()
        for record in [each for each in self._old if each.duration_s is not None]:
            del self._old[record]
            if record.content_id is not None:
                self._repeats.setdefault(record.content_id, _Repeat(now)).is_due = True
        running = {each.content_id for each in self._old}
        due = [
            content_id
            for content_id, each in self._repeats.items()
            if each.is_due and (content_id not in running or now - each.told_at >= each.wait_s)
        ]
        if due:
            await self._purges.repeat(Purge(PurgeKind.CHANGED, each) for each in due)
        for content_id in due:
            repeat = self._repeats[content_id]
            repeat.told_at, repeat.is_due = now, False
            repeat.wait_s = min(2 * repeat.wait_s, _LONGEST_BETWEEN_REPEATS_S)
            if content_id not in running:
                del self._repeats[content_id]
