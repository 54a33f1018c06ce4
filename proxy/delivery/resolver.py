"""Resolves addresses to deliveries: TTL and negative cache, collapsed look-ups, stale answers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.catalogue.url_rows import KnownContent
from proxy.connectors.addresses import Address
from proxy.connectors.identifiers import Claim, claims, strategy, winner
from proxy.connectors.model import Connector
from proxy.delivery.bounded_cache import BoundedCache
from proxy.delivery.bulkhead import Bulkhead
from proxy.delivery.circuit_breaker import Outage
from proxy.delivery.lookup import Lookup
from proxy.delivery.rate_limiter import RateLimiter
from proxy.delivery.resolution import Delivery, Resolution, is_another_version
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.singleflight import SingleFlight
from proxy.errors import (
    ContentUnfinished,
    ThronAnswerInvalid,
    ThronBusy,
    ThronTimeout,
    ThronUnreachable,
    UnknownAddress,
)
from proxy.semantics.status_fields import ForwardReason
from proxy.text import Text
from proxy.thron.content import Content

log = structlog.get_logger("proxy.resolver")

T = TypeVar("T")

# THRON does not answer: what is known already is served stale. A refusal is an answer.
_NO_ANSWER = (ThronUnreachable, ThronTimeout, ThronBusy, ThronAnswerInvalid)
# In the last fifth of its life a resolution that is asked for is verified in the background.
_EARLY = 0.8


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long what is remembered counts, in seconds (the settings of the same names).

    Attributes:
        stale_after_s: How old THRON's verification of a lapsed resolution may become before the
            requests that wait for it are served stale; it goes on without them.
        look_up_s: How long a look-up may take.
    """

    resolution_ttl_s: float
    negative_ttl_s: float
    stale_if_error_s: float
    max_resolutions: int
    look_up_s: float
    stale_after_s: float = 3.0


@dataclass(frozen=True, slots=True)
class Resolved:
    """A resolution, and what it took to get it.

    Attributes:
        resolution: Fresh, or stale while THRON does not answer.
        forwarded: Why THRON was asked (RFC 9211, 2.2); None for a hit.
        ttl_s: What is left of its freshness; negative when stale.
    """

    resolution: Resolution
    forwarded: ForwardReason | None
    ttl_s: float


@dataclass(frozen=True, slots=True)
class _Negative:
    """An address without a content to serve.

    Attributes:
        unfinished: What its content waits for, where there is one; None where there is none.
    """

    connector: Connector
    unfinished: str | None = None


# What one look-up answers: address, connector, and the number of purges before it began.
_LookUpKey = tuple[Address, Connector, int]


class Resolver:
    """Answers from its caches, and asks THRON for what they do not have."""

    def __init__(  # noqa: PLR0913 - its parts, each by name
        self,
        lookup: Lookup,
        *,
        deliver: Callable[[Connector, Content], Awaitable[Delivery]],
        lifetimes: Lifetimes,
        rate_limiter: RateLimiter,
        look_ups: Bulkhead,
        caller: RetryingCaller,
        now: Callable[[], float],
        completed: Callable[[Connector, Delivery], None] = lambda _connector, _delivery: None,
        changed: Callable[[str], None] = lambda _content_id: None,
        starts_warm: bool = False,
    ) -> None:
        """Make a resolver that remembers nothing yet.

        Args:
            lookup: Asks THRON.
            deliver: Builds the delivery URLs of a content.
            lifetimes: How long answers count.
            rate_limiter: Of questions for addresses that nobody is known to have.
            look_ups: How many addresses that are not remembered may be looked up at once.
            caller: Asks THRON, with retries and a circuit breaker.
            now: Monotonic seconds.
            completed: Is told of every delivery that an origin completed.
            changed: Is told of a content that is not what it was, or is gone from an address.
            starts_warm: Whether the catalogue knows contents from before.
        """
        self._starts_warm = starts_warm
        self._lookup = lookup
        self._deliver = deliver
        self._lifetimes = lifetimes
        self._rate_limiter = rate_limiter
        self._look_ups = look_ups
        self._caller = caller
        self._now = now
        self._completed = completed
        self._changed = changed
        self._resolutions: BoundedCache[Resolution] = BoundedCache(
            ttl_s=lifetimes.resolution_ttl_s + lifetimes.stale_if_error_s,
            max_entries=lifetimes.max_resolutions,
        )
        self._negatives: BoundedCache[_Negative] = BoundedCache(
            ttl_s=lifetimes.negative_ttl_s, max_entries=lifetimes.max_resolutions
        )
        self._questions: SingleFlight[_LookUpKey, Resolution] = SingleFlight("resolution")
        # A look-up that began before a purge is neither shared nor remembered after it.
        self._purges = 0

    @property
    def is_warm(self) -> bool:
        """Whether anything is known that can be served while THRON does not answer."""
        return self._starts_warm or len(self._resolutions) > 0

    @property
    def remembered(self) -> int:
        """How many resolutions are remembered."""
        return len(self._resolutions)

    @property
    def resolutions(self) -> Sequence[Resolution]:
        """All that are remembered, in no order."""
        return self._resolutions.values()

    @property
    def outage(self) -> Outage | None:
        """THRON's outage while it lasts; times are of the resolver's clock."""
        return self._caller.outage

    @property
    def is_thron_down(self) -> bool:
        """Whether THRON failed whatever it was asked, and has answered nothing since."""
        return self._caller.is_down

    async def resolve(
        self, connector: Connector, address: Address, *, client: str = ""
    ) -> Resolved:
        """Return what an address stands for.

        Args:
            connector: Of the address.
            address: From a public URL.
            client: Who asks: what is looked up at once is shared among clients.

        Raises:
            UnknownAddress: No servable content of the connector's folder has it.
            ThronBusy: Too many addresses that are not remembered are asked for.
            ThronError: THRON cannot be asked, and the address is not known from before.
        """
        known = await self._resolutions.get(address.cache_key)
        if known is not None and known.connector is not connector:
            # Another revision, in which this connector may be what it was: it is compared once.
            known = replace(known, connector=connector) if known.connector == connector else None
            if known is not None:
                await self._resolutions.set(address.cache_key, known)
        if known is None:
            return await self._unknown(connector, address, client)
        ttl_s = self._lifetimes.resolution_ttl_s
        left_s = known.verified_at + ttl_s - self._now()
        if left_s <= 0:
            return await self._lapsed(known, address, left_s=left_s)
        if left_s < ttl_s * (1 - _EARLY):
            self._questions.start(
                self._look_up_key(address, connector),
                lambda: self._in_time(address, self._verify(known, address)),
            )
        return Resolved(known, None, left_s)

    def fresh(self, connector: Connector, address: Address) -> Resolved | None:
        """Return what is remembered of an address and need not be verified yet, without waiting.

        Returns:
            None where ``resolve`` has more to do, or perhaps has.
        """
        known = self._resolutions.peek(address.cache_key)
        if known is None or known.connector is not connector:
            return None
        ttl_s = self._lifetimes.resolution_ttl_s
        left_s = known.verified_at + ttl_s - self._now()
        return Resolved(known, None, left_s) if left_s >= ttl_s * (1 - _EARLY) else None

    def is_recent(self, resolution: Resolution) -> bool:
        """Tell whether THRON verified it so recently that asking again would change nothing."""
        return self._now() - resolution.verified_at < self._lifetimes.negative_ttl_s

    async def verified(self, resolution: Resolution, address: Address) -> Resolution:
        """Return a resolution verified now, whatever its age: an origin did not know it any more.

        Raises:
            As ``resolve``.
        """
        return await self._verified(resolution, address, stale_after_s=None)

    async def complete(self, resolution: Resolution, address: Address, delivery: Delivery) -> None:
        """Remember what an origin told of a delivery, unless it was verified anew meanwhile."""
        known = await self._resolutions.get(address.cache_key)
        if known is resolution and delivery != resolution.delivery:
            await self._resolutions.set(address.cache_key, replace(resolution, delivery=delivery))
            self._completed(resolution.connector, delivery)
            if is_another_version(known.delivery.representation, delivery.representation):
                self._changed(delivery.content_id)

    async def purge(self, *purges: Purge) -> None:
        """Forget resolutions and negatives, so that THRON is asked before anything is served."""
        self._purges += 1
        of = {kind: {each.value for each in purges if each.kind is kind} for kind in PurgeKind}
        for address in of[PurgeKind.ADDRESS]:
            await self._resolutions.delete(address)
            await self._negatives.delete(address)
        contents = of[PurgeKind.CONTENT] | of[PurgeKind.CHANGED]
        is_all, slugs = bool(of[PurgeKind.ALL]), of[PurgeKind.CONNECTOR]
        # Each of the two is gone over once, however many purges there are.
        if is_all or slugs or contents:
            await self._resolutions.forget(
                lambda known: (
                    is_all or known.delivery.content_id in contents or known.connector.slug in slugs
                )
            )
        # Which addresses a content that somebody named would be found at now, only THRON knows.
        is_any = is_all or bool(of[PurgeKind.CONTENT])
        if is_any or slugs:
            await self._negatives.forget(lambda known: is_any or known.connector.slug in slugs)

    async def aclose(self) -> None:
        """Cancel what still runs."""
        await self._questions.aclose()
        await self._lookup.aclose()

    async def _unknown(self, connector: Connector, address: Address, client: str) -> Resolved:
        known = await self._negatives.get(address.cache_key)
        if known is not None and known.connector == connector:
            raise ContentUnfinished(known.unfinished) if known.unfinished else UnknownAddress

        async def look_up() -> Resolution:
            with self._look_ups.place(client):  # before the catalogue is read, which costs too
                return await self._in_time(address, self._discover(connector, address))

        resolution = await self._questions.run(self._look_up_key(address, connector), look_up)
        left_s = resolution.verified_at + self._lifetimes.resolution_ttl_s - self._now()
        return Resolved(resolution, "uri-miss", left_s)

    async def _lapsed(self, known: Resolution, address: Address, *, left_s: float) -> Resolved:
        may_be_stale = -left_s <= self._lifetimes.stale_if_error_s
        stale_after_s = self._stale_after_s() if may_be_stale else None
        try:
            resolution = await self._verified(known, address, stale_after_s=stale_after_s)
        except TimeoutError:
            self._note_silence(stale_after_s, address)
            return Resolved(known, "stale", left_s)
        except _NO_ANSWER:
            if not may_be_stale:
                raise
            return Resolved(known, "stale", left_s)
        return Resolved(resolution, "stale", self._lifetimes.resolution_ttl_s)

    async def _verified(
        self, known: Resolution, address: Address, *, stale_after_s: float | None
    ) -> Resolution:
        return await self._questions.run(
            self._look_up_key(address, known.connector),
            lambda: self._in_time(address, self._verify(known, address)),
            timeout_s=stale_after_s,
        )

    async def _in_time(self, address: Address, question: Awaitable[Resolution]) -> Resolution:
        try:
            async with asyncio.timeout(self._lifetimes.look_up_s):
                return await question
        except TimeoutError as exc:
            self._note_silence(self._lifetimes.look_up_s, address)
            raise ThronTimeout(Text("THRON did not answer a look-up in time")) from exc

    def _stale_after_s(self) -> float:
        """Return how long to wait for THRON where there is a stale answer to serve instead."""
        stale_after_s = self._lifetimes.stale_after_s
        return 0.0 if self._caller.silent_s >= stale_after_s else stale_after_s

    def _note_silence(self, stale_after_s: float | None, address: Address) -> None:
        """Count a failure, if THRON answered nothing to anybody while the caller waited."""
        if stale_after_s and self._caller.silent_s >= stale_after_s:
            self._caller.note_silence(about=address)

    async def _discover(self, connector: Connector, address: Address) -> Resolution:
        key = self._look_up_key(address, connector)
        catalogued = await self._lookup.catalogued(connector, address)
        unverified = self._servable_unverified(catalogued)
        ids = [each.content.id for each in catalogued]
        stale_after_s = self._stale_after_s() if unverified else None
        try:
            async with asyncio.timeout(stale_after_s):
                members = await self._members(key, ids)
        except (*_NO_ANSWER, TimeoutError) as exc:
            if unverified is None:
                raise
            if isinstance(exc, TimeoutError):
                self._note_silence(stale_after_s, address)
            return await self._remember(key, unverified.content, age_s=unverified.age_s or 0.0)
        return await self._remember(
            key, await self._found(key, members, self._rate_limiter.admit())
        )

    async def _verify(self, known: Resolution, address: Address) -> Resolution:
        connector = known.connector
        key = self._look_up_key(address, connector)
        catalogued = await self._lookup.catalogued(connector, address)
        ids = [each.content.id for each in catalogued]
        if known.delivery.content_id not in ids:  # else the catalogue's order counts
            ids.insert(0, known.delivery.content_id)
        if not catalogued and strategy(connector).is_shared:
            ids = []  # another content may have taken the value since: the whole question again
        members = await self._members(key, ids)
        return await self._remember(key, await self._found(key, members, nullcontext()))

    async def _members(self, key: _LookUpKey, ids: list[str]) -> tuple[Content, ...] | None:
        """Return those of some contents that may be served now; None if no ids are given."""
        _, connector, _ = key
        if not ids:
            return None
        return await self._ask(key, lambda: self._lookup.members(connector, ids), about=tuple(ids))

    async def _ask(
        self, key: _LookUpKey, question: Callable[[], Awaitable[T]], *, about: object
    ) -> T:
        try:
            return await self._caller.ask(question, about=about)
        except ContentUnfinished as exc:
            await self._remember_absence(key, unfinished=exc.text)
            raise

    async def _found(
        self,
        key: _LookUpKey,
        members: tuple[Content, ...] | None,
        limit: AbstractAsyncContextManager[None],
    ) -> Content | None:
        """Return whose address it is: of contents that are known to have had it, or by THRON.

        Args:
            key: Of the look-up.
            members: Contents that have or had it, the likeliest first; None if none is known.
            limit: What a question for an address that nobody is known to have must fit in.
        """
        address, connector, _ = key
        claim = _claim(address)
        by, current = strategy(connector), winner(connector, claim, members or ())
        if current is not None or (members is not None and by.is_permanent):
            return current
        # Renamed in THRON: whoever has the prettyID now comes first, else it goes on leading there.
        former = members[0] if members and by.keeps_former else None
        try:
            async with limit:
                found = await self._ask(
                    key, lambda: self._lookup.find(connector, address), about=address
                )
        except _NO_ANSWER:
            if former is None:
                raise
            return former
        return found or former

    def _servable_unverified(self, catalogued: Iterable[KnownContent]) -> KnownContent | None:
        """Return the content to serve while THRON does not answer, if verified not long ago."""
        at_most_s = self._lifetimes.stale_if_error_s
        recent = (each for each in catalogued if each.age_s is not None and each.age_s <= at_most_s)
        return next(recent, None)

    async def _remember(
        self, key: _LookUpKey, content: Content | None, *, age_s: float = 0.0
    ) -> Resolution:
        """Remember the content of an address, which THRON verified ``age_s`` seconds ago."""
        address, connector, _ = key
        if content is None:
            await self._remember_absence(key)
            raise UnknownAddress
        delivery = await self._deliver(connector, content)
        current = _current_claim(connector, content, address)
        resolution = Resolution(
            connector, delivery, self._now() - age_s, current, content.last_update
        )
        if key == self._look_up_key(address, connector):
            known = self._resolutions.peek(address.cache_key)
            if known is not None and known.is_of_another_version(resolution):
                self._changed(known.delivery.content_id)
            await self._negatives.delete(address.cache_key)
            await self._resolutions.set(address.cache_key, resolution)
        return resolution

    async def _remember_absence(self, key: _LookUpKey, *, unfinished: str | None = None) -> None:
        address, connector, _ = key
        if key == self._look_up_key(address, connector):
            known = self._resolutions.peek(address.cache_key)
            if known is not None:
                self._changed(known.delivery.content_id)
            await self._resolutions.delete(address.cache_key)
            await self._negatives.set(address.cache_key, _Negative(connector, unfinished))

    def _look_up_key(self, address: Address, connector: Connector) -> _LookUpKey:
        return address, connector, self._purges


def _claim(address: Address) -> Claim:
    return Claim(address.language, address.value)


def _current_claim(connector: Connector, content: Content, address: Address) -> Claim | None:
    """Return the current prettyID of a former one, if possible in its language; else None."""
    claimed = claims(connector, content)
    if not claimed or _claim(address) in claimed:
        return None
    return next((each for each in claimed if each.language == address.language), claimed[0])
