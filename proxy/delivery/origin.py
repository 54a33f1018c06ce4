"""Opens a Delivery at its origin: the remembered target first, then its durable sources."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus

from aiohttp import hdrs

from proxy.backoff import Backoff
from proxy.clock import Clock
from proxy.connectors.model import DeliveryMode
from proxy.delivery.bounded_cache import BoundedCache
from proxy.delivery.error_sniffing import may_be_error, sniff_error
from proxy.delivery.failures import NegativeCache, Outages
from proxy.delivery.http_client import Fields, HttpResponse
from proxy.delivery.origin_client import OriginClient, OriginResponse, is_failure
from proxy.delivery.redirect_collapse import RedirectCollapse
from proxy.delivery.resolution import Delivery, Target
from proxy.delivery.retry import RetryBudget, RetryPolicy
from proxy.delivery.source_file import SourceFiles
from proxy.delivery.upstream import Upstream, upstream_of
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginGone,
    OriginRefused,
    OriginUnreachable,
    ThronRefused,
    ThronUnreachable,
)
from proxy.semantics.dates import parse_retry_after
from proxy.semantics.ranges import (
    FIRST_OCTET,
    ContentRange,
    SelectedRange,
    UnsatisfiedRange,
    is_part_asked_for,
    parse_content_range,
    select,
)
from proxy.thron.delivery_urls import expiry

# What an origin may only say to a request with one of these fields (RFC 9110, 13.2.2 and 14.2).
_IN_ANSWER_TO = {
    206: {hdrs.RANGE},
    304: {hdrs.IF_NONE_MATCH, hdrs.IF_MODIFIED_SINCE},
    412: {hdrs.IF_MATCH, hdrs.IF_UNMODIFIED_SINCE},
    416: {hdrs.RANGE},
}
# What may be another channel's, or another target's, to give.
_NOT_THE_CONTENT = (OriginGone, OriginRefused, OriginAnswerInvalid)
# Statuses below 500 that a later request may not meet.
_MAY_PASS = frozenset({408, 425, 429})
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
        is_rest = any(name == hdrs.IF_RANGE for name, _ in fields)
        key = delivery.sources, method, tuple(fields)
        try:
            with nullcontext() if is_rest else self._failures.trial(key):
                lines = [*self._sent, *fields]
                answer, delivery = await self._open_with_retries(delivery, method, lines)
        except (OriginGone, OriginRefused, ThronRefused) as exc:
            raise self._outages.with_status(exc, content_id=delivery.content_id) from exc
        self._outages.succeeded()
        return upstream_of(answer.response, delivery, method)

    async def forget_failures(self) -> None:
        """Forget what failed a moment ago, so that it is asked for again."""
        await self._refused.forget(lambda _: True)
        self._failures.forget()

    async def _open_with_retries(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[OriginResponse, Delivery]:
        """Retry failures that may pass; before the first octet GET and HEAD may be repeated."""
        self._retries.earn()
        for attempt in range(1, self._retry_policy.attempts + 1):
            try:
                return await self._open(delivery, method, fields)
            except (OriginUnreachable, ThronUnreachable) as exc:
                if exc.asked_wait_s is not None or not self._retries.spend():
                    raise  # it is known when to ask again
                await asyncio.sleep(self._retry_policy.wait_s(attempt))
        return await self._open(delivery, method, fields)

    async def _open(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[OriginResponse, Delivery]:
        if delivery.target is not None and self._clock.now() < delivery.target.until:
            try:
                return await self._follow(delivery, delivery.target.url, method, fields), delivery
            except _NOT_THE_CONTENT:
                pass  # an old version's name, or a signature that has lapsed: from the source again
        return await self._from_sources(replace(delivery, target=None), method, fields)

    async def _from_sources(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[OriginResponse, Delivery]:
        if delivery.mode is DeliveryMode.ORIGINAL:
            answer = await self._source_file(delivery, method, fields)
            return answer, replace(delivery, target=self._target(answer))
        for index, source in enumerate(delivery.sources, start=1):
            try:
                answer = await self._follow(delivery, source, method, fields)
            except _NOT_THE_CONTENT:  # docs/thron.md 7.1: 400 for an unknown channel, too
                if index == len(delivery.sources):
                    raise
            else:
                return answer, replace(delivery, sources=(source,), target=self._target(answer))
        raise OriginGone("no channel to ask for")

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
            return await _checked(answer, delivery, fields)
        except (OriginRefused, OriginAnswerInvalid):
            if method != "HEAD":
                raise
        # HEAD is documented nowhere (docs/thron.md 7.7): one octet tells as much.
        fields = [*fields, FIRST_OCTET]
        answer = await self._origin_client.follow(
            "GET", url, fields=fields, content_id=content_id, is_from_api=is_from_api
        )
        return await _checked(answer, delivery, fields)

    async def _source_file(self, delivery: Delivery, method: str, fields: Fields) -> OriginResponse:
        refusal = await self._refused.get(delivery.content_id)
        if refusal is not None:
            raise ThronRefused(f"{refusal} (a moment ago)")
        if method == "HEAD":
            fields = [*fields, FIRST_OCTET]
        try:
            answer = await self._source_files.open(
                delivery.sources,
                fields=fields,
                file_name=delivery.expected_name,
                content_id=delivery.content_id,
            )
            return await _checked(answer, delivery, fields)
        except ThronRefused as exc:
            await self._refused.set(delivery.content_id, str(exc))
            raise

    def _target(self, answer: OriginResponse) -> Target | None:
        if not answer.is_redirected:
            return None
        lasts_s = self._target_ttl_s
        expires = expiry(answer.url)
        if expires is not None:
            lasts_s = min(lasts_s, expires - _EXPIRY_MARGIN_S - self._clock.wall())
        return Target(answer.url, self._clock.now() + lasts_s) if lasts_s > 0 else None


async def _checked(answer: OriginResponse, delivery: Delivery, fields: Fields) -> OriginResponse:
    """Return an answer that can be the content, or refuse it.

    Raises:
        OriginError: Its status says that it is not, or its content: a page of an error.
    """
    response = answer.response
    if not _fits_request(response, fields):
        response.close()
        raise _failure(response)
    if response.status != HTTPStatus.OK:
        return answer
    # An empty file of an origin that gives no validators is taken for an error; the other way round
    # an error would be an empty file.
    is_identified = hdrs.ETAG in response.fields or hdrs.LAST_MODIFIED in response.fields
    is_nothing = response.content_length == 0 and not is_identified
    # An answer to HEAD has no octets to sniff; without a length it says less than one octet would.
    is_head = response.method == hdrs.METH_HEAD
    is_vague = is_head and (response.content_length is None or may_be_error(response))
    if is_nothing or is_vague:
        response.close()
        raise OriginAnswerInvalid(
            "an answer that may be an error in place of the content",
            received_status=response.status,
        )
    error = await sniff_error(response, expected_name=delivery.expected_name)
    if error is not None:
        response.close()
        raise OriginAnswerInvalid(
            "the origin sent an error in place of the content", received_status=response.status
        ) from error
    return answer


def _fits_request(response: HttpResponse, fields: Fields) -> bool:
    """Tell whether an answer's status and range fit what was asked for."""
    if response.status == HTTPStatus.OK:
        return True
    asked = dict(fields)
    if _IN_ANSWER_TO.get(response.status, set()).isdisjoint(asked):
        return False
    if hdrs.RANGE not in asked or response.status not in {206, 416}:
        return True
    said = response.fields.get(hdrs.CONTENT_RANGE, "")
    return _fits_range(response.status, asked[hdrs.RANGE], said, response.content_length)


@lru_cache(maxsize=256)  # CDNs ask for the same slices of few contents, or for bytes=0-
def _fits_range(status: int, asked: str, content_range: str, content_length: int | None) -> bool:
    said = parse_content_range(content_range)
    match status, said:
        case HTTPStatus.PARTIAL_CONTENT, ContentRange(first, last):
            holds_it = content_length in {None, last - first + 1}
            return holds_it and is_part_asked_for(asked, said)
        case HTTPStatus.PARTIAL_CONTENT, _:
            return False
        case HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, UnsatisfiedRange(length):
            return not isinstance(select(asked, length=length), SelectedRange)
        case _:
            return True


def _failure(response: HttpResponse) -> OriginError:
    status = response.status
    match status:
        case 401 | 403:
            return OriginRefused(
                f"the origin answered {status}; if every content of the tenant"
                " is refused, its domain protection may want TDC_REFERER",
                received_status=status,
            )
        case 404 | 410:
            return OriginGone(f"the origin answered {status}", received_status=status)
        case 206:
            return OriginAnswerInvalid(
                "the origin sent another range than was asked for", received_status=status
            )
        case _ if is_failure(status) or status in _MAY_PASS:
            wait_s = parse_retry_after(
                response.fields.get(hdrs.RETRY_AFTER), date=response.fields.get(hdrs.DATE)
            )
            return OriginUnreachable(
                f"the origin answered {status}",
                status=HTTPStatus.SERVICE_UNAVAILABLE if wait_s is not None else None,
                received_status=status,
                retry_after_s=wait_s,
            )
        case _ if status >= HTTPStatus.BAD_REQUEST and status not in _IN_ANSWER_TO:
            return OriginRefused(f"the origin answered {status}", received_status=status)
        case _:
            return OriginAnswerInvalid(
                f"the origin answered {status}, which does not answer the request",
                received_status=status,
            )
