"""Opens a Delivery at its origin: the remembered target first, then its durable sources."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import count

from aiohttp import hdrs

from proxy.backoff import Backoff
from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.delivery.bounded_cache import BoundedCache
from proxy.delivery.failures import NegativeCache, Outages
from proxy.delivery.http_client import Fields
from proxy.delivery.origin_client import OriginClient, OriginResponse
from proxy.delivery.redirect_collapse import RedirectCollapse
from proxy.delivery.resolution import Delivery, Target
from proxy.delivery.retry import RetryBudget, RetryPolicy
from proxy.delivery.source_file import SourceFiles
from proxy.delivery.upstream import Upstream, check, upstream_of
from proxy.errors import (
    OriginAnswerInvalid,
    OriginGone,
    OriginRefused,
    OriginUnreachable,
    ThronRefused,
    ThronUnreachable,
)
from proxy.semantics.ranges import FIRST_OCTET
from proxy.text import Text
from proxy.thron.delivery_urls import expiry

# What may be another channel's, or another target's, to give.
_NOT_THE_CONTENT = (OriginGone, OriginRefused, OriginAnswerInvalid)
# Seconds before a signed target's end at which it is not begun any more.
_EXPIRY_MARGIN_S = 30.0


class Origins:
    """The servers that delivery URLs name."""

    def __init__(
        self,
        origin_client: OriginClient,
        source_files: SourceFiles,
        *,
        clock: Clock,
        target_ttl_s: float,
        refusal_ttl_s: float,
        sent: Sequence[tuple[str, str]],
        random: Callable[[], float],
    ) -> None:
        """Make the opener of deliveries.

        Args:
            origin_client: Sends requests, to allowed hosts only.
            source_files: Opens source files.
            clock: Tells when targets lapse.
            target_ttl_s: How long a target counts at most.
            refusal_ttl_s: How long THRON's refusal of a content is remembered.
            sent: Field lines that go with every request, such as Referer.
            random: Gives a number from 0 to 1.
        """
        self._origin_client = origin_client
        self._redirects = RedirectCollapse(origin_client)
        self._source_files = source_files
        self._clock = clock
        self._target_ttl_s = target_ttl_s
        self._sent = tuple(sent)
        # 0.1 and 0.4 s: a client that waits notices neither.
        self._retry_policy = RetryPolicy(
            random, attempts=2, backoff=Backoff(0.1, longest_s=0.4, factor=4)
        )
        self._retries = RetryBudget()
        self._refused: BoundedCache[str] = BoundedCache(ttl_s=refusal_ttl_s, max_entries=10_000)
        self._failures = NegativeCache(now=clock.now)
        self._outages = Outages(now=clock.now)

    @property
    def source_endpoint(self) -> str | None:
        """Where and how THRON gave the last source file, if not as is likeliest."""
        return self._source_files.endpoint

    async def open(self, delivery: Delivery, *, method: str, fields: Fields) -> Upstream:
        """Return the upstream of a delivery, to be closed by the caller.

        Args:
            delivery: Where the content is.
            method: GET or HEAD.
            fields: The client's conditions and range.

        Raises:
            ThronRefused: The app has no right to the source file; also for some seconds after.
            ThronError: THRON's API is needed and cannot be asked.
            OriginGone: Neither target nor sources have it; 503 while that is so for all contents.
            OriginError: As ``OriginClient.follow``; OriginUnreachable for 429 and from 500.
        """
        # Client fields are part of the key: what an origin says to an odd range or condition must
        # not be told to others. The rest of a torn download is one client's own, with retries of
        # its own.
        is_rest = hdrs.IF_RANGE in dict(fields)
        key = delivery.sources, method, tuple(fields)
        try:
            with nullcontext() if is_rest else self._failures.trial(key):
                self._retries.calls += 1
                for attempt in count(1):
                    try:
                        upstream = await self._open(delivery, method, [*self._sent, *fields])
                        break
                    except (OriginUnreachable, ThronUnreachable) as exc:
                        # Before the first octet GET and HEAD may be repeated, unless it is known
                        # when to ask again.
                        may_pass = (
                            exc.asked_wait_s is None and attempt <= self._retry_policy.attempts
                        )
                        if not may_pass or not self._retries.spend():
                            raise
                    await asyncio.sleep(self._retry_policy.wait_s(attempt))
        except (OriginGone, OriginRefused, ThronRefused) as exc:
            raise self._outages.with_status(exc, content_id=delivery.content_id) from exc
        self._outages.succeeded_at = self._clock.now()
        return upstream

    async def forget_failures(self) -> None:
        """Forget what failed a moment ago, so that it is asked for again."""
        await self._refused.forget(lambda _: True)
        self._failures.forget()

    async def _open(self, delivery: Delivery, method: str, fields: Fields) -> Upstream:
        if delivery.target is not None:
            if self._clock.now() < delivery.target.until:
                try:
                    answer = await self._follow(delivery, delivery.target.url, method, fields)
                except _NOT_THE_CONTENT:
                    pass  # an old version's name, or a lapsed signature: from the source again
                else:
                    return upstream_of(answer.response, delivery, method)
            delivery = replace(delivery, target=None)
        if delivery.mode is DeliveryMode.ORIGINAL:
            if (refusal := self._refused.peek(delivery.content_id)) is not None:
                raise ThronRefused(refusal)
            asked = [*fields, FIRST_OCTET] if method == "HEAD" else fields
            try:
                answer = await self._source_files.open(delivery, fields=asked)
            except ThronRefused as exc:
                await self._refused.set(delivery.content_id, exc.text)
                raise
            await check(answer.response, delivery, asked, is_sniffed=True)
        else:
            answer, delivery = await self._from_some_channel(delivery, method, fields)
        if answer.is_redirected:
            delivery = replace(delivery, target=self._target(answer))
        return upstream_of(answer.response, delivery, method)

    async def _from_some_channel(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[OriginResponse, Delivery]:
        """Return the answer of the first source that has the content, which is the only one now."""
        for index, source in enumerate(delivery.sources, start=1):
            try:
                answer = await self._follow(delivery, source, method, fields)
            except _NOT_THE_CONTENT:  # docs/thron.md 7.1: 400 for an unknown channel, too
                if index == len(delivery.sources):
                    raise
            else:
                if len(delivery.sources) > 1:
                    delivery = replace(delivery, sources=(source,))
                return answer, delivery
        raise OriginGone(Text("no channel to ask for"))

    async def _follow(
        self, delivery: Delivery, url: str, method: str, fields: Fields
    ) -> OriginResponse:
        content_id = delivery.content_id
        is_from_api = delivery.mode is DeliveryMode.ORIGINAL  # a target that was remembered
        try:
            if delivery.target is None:
                answer = await self._redirects.follow(
                    method, url, fields=fields, content_id=content_id
                )
            else:
                answer = await self._origin_client.follow(
                    method, url, fields=fields, content_id=content_id, is_from_api=is_from_api
                )
            await check(answer.response, delivery, fields)
        except (OriginRefused, OriginAnswerInvalid):
            if method != "HEAD":
                raise
        else:
            return answer
        # HEAD is documented nowhere (docs/thron.md 7.7): one octet tells as much.
        fields = [*fields, FIRST_OCTET]
        answer = await self._origin_client.follow(
            "GET", url, fields=fields, content_id=content_id, is_from_api=is_from_api
        )
        await check(answer.response, delivery, fields)
        return answer

    def _target(self, answer: OriginResponse) -> Target | None:
        """Return where a redirect led to, to be asked first from now on."""
        lasts_s = self._target_ttl_s
        expires = expiry(answer.url)
        if expires is not None:
            lasts_s = min(lasts_s, expires - _EXPIRY_MARGIN_S - self._clock.wall())
        return Target(answer.url, self._clock.now() + lasts_s) if lasts_s > 0 else None
