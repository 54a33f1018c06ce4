"""Opens a Delivery: the remembered target first, then its durable sources."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from aiohttp import hdrs
from multidict import CIMultiDict, CIMultiDictProxy

from proxy.catalogue.connector import DeliveryMode
from proxy.delivery.bounded_cache import BoundedCache
from proxy.delivery.hops import Arrival, Fields, Hops, closing, failures_named
from proxy.delivery.resolution import Delivery, Representation, Target
from proxy.delivery.retry import RetryBudget
from proxy.delivery.source_file import SourceFiles
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginGone,
    OriginRefused,
    OriginUnreachable,
    ThronRefused,
    ThronUnreachable,
)
from proxy.semantics.answers import Known
from proxy.semantics.fields import outbound
from proxy.semantics.ranges import parse_content_range
from proxy.thron.delivery_urls import expiry

# What a client may be given as the origin's own word on its conditions and range.
_ANSWERS = frozenset({200, 206, 304, 412, 416})
# Before the second and the third try, in seconds; a client that waits notices neither.
_BACK_OFFS_S = (0.1, 0.4)
_OF_ONE_MESSAGE = frozenset({"Content-Length", "Content-Range"})
_FIRST_OCTET = ("Range", "bytes=0-0")
# Seconds before a signed target's end at which it is not begun any more.
_EXPIRY_MARGIN_S = 30.0


@dataclass(frozen=True, slots=True)
class Clock:
    """The two clocks: ``now`` in monotonic seconds, ``wall`` in seconds since 1970."""

    now: Callable[[], float]
    wall: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Upstream:
    """An origin's answer that is being read.

    Attributes:
        status: 200, 206, 304, 412 or 416.
        fields: Its header section.
        octets: How many octets of content follow; None where the origin does not say.
        delivery: Completed with the target that answered.
        read: Gives the next octets as they come, b"" at the end; raises OriginError.
        close: Lets go of the connection at once, where no more of it is wanted.
    """

    status: int
    fields: CIMultiDictProxy[str]
    octets: int | None
    delivery: Delivery
    read: Callable[[], Awaitable[bytes]] = field(repr=False)
    close: Callable[[], None] = field(repr=False)


class Origins:
    """The servers that delivery URLs name."""

    def __init__(
        self,
        hops: Hops,
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
            hops: Sends requests to allowed hosts.
            source_files: Opens source files.
            clock: Tells when targets lapse.
            target_ttl_s: How long a target counts at most.
            refusal_ttl_s: How long THRON's refusal of a content is remembered.
            sent: Field lines that go with every request, such as Referer.
            random: Gives a number from 0 to 1.
        """
        self._hops = hops
        self._source_files = source_files
        self._clock = clock
        self._target_ttl_s = target_ttl_s
        self._sent = tuple(sent)
        self._random = random
        self._retries = RetryBudget()
        self._refused: BoundedCache[str] = BoundedCache(ttl_s=refusal_ttl_s, max_entries=10_000)

    @asynccontextmanager
    async def open(
        self, delivery: Delivery, *, method: str, fields: Fields
    ) -> AsyncIterator[Upstream]:
        """Give the upstream of a delivery, closed at the end of the block.

        Args:
            delivery: Where the content is.
            method: GET or HEAD.
            fields: The client's conditions and range.

        Raises:
            ThronRefused: The app has no right to the source file; also for some seconds after.
            ThronError: THRON's API is needed and cannot be asked.
            OriginGone: Neither target nor sources have it.
            OriginError: As ``Hops.follow``; OriginUnreachable for statuses from 500.
        """
        lines = [*self._sent, *fields]
        arrival, delivery = await self._arrive_patiently(delivery, method, lines)
        async with closing(arrival.response):
            yield _upstream(arrival, delivery, method)

    async def _arrive_patiently(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[Arrival, Delivery]:
        """Try again what may pass, before the first octet: GET and HEAD may be repeated."""
        self._retries.earn()
        for back_off_s in _BACK_OFFS_S:
            try:
                return await self._arrive(delivery, method, fields)
            except (OriginUnreachable, ThronUnreachable):
                if not self._retries.spend():
                    raise
                await asyncio.sleep(back_off_s * (0.5 + self._random() / 2))
        return await self._arrive(delivery, method, fields)

    async def _arrive(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[Arrival, Delivery]:
        if delivery.target is not None and self._clock.now() < delivery.target.until:
            try:
                url = delivery.target.url
                return await self._follow(method, url, fields=fields), delivery
            except (OriginGone, OriginRefused):
                pass  # an old version's name, or a signature that has lapsed: from the source again
        return await self._from_sources(replace(delivery, target=None), method, fields)

    async def _from_sources(
        self, delivery: Delivery, method: str, fields: Fields
    ) -> tuple[Arrival, Delivery]:
        for index, source in enumerate(delivery.sources, start=1):
            try:
                arrival = await self._from_source(delivery, source, method, fields)
            except OriginGone:
                if index == len(delivery.sources):
                    raise
            else:
                return arrival, replace(delivery, sources=(source,), target=self._target(arrival))
        raise OriginGone("no channel to ask for")

    async def _from_source(
        self, delivery: Delivery, source: str, method: str, fields: Fields
    ) -> Arrival:
        if delivery.mode is DeliveryMode.PUBLISHED:
            return await self._follow(method, source, fields=fields)
        return await self._source_file(delivery, source, method, fields)

    async def _follow(self, method: str, url: str, *, fields: Fields) -> Arrival:
        try:
            return _checked(await self._hops.follow(method, url, fields=fields))
        except (OriginRefused, OriginAnswerInvalid):
            if method != "HEAD":
                raise
            # HEAD is documented nowhere (docs/thron.md 7.7): one octet tells as much.
            return _checked(await self._hops.follow("GET", url, fields=[*fields, _FIRST_OCTET]))

    async def _source_file(
        self, delivery: Delivery, source: str, method: str, fields: Fields
    ) -> Arrival:
        if await self._refused.get(delivery.content_id):
            raise ThronRefused("refused a moment ago")
        if method == "HEAD":
            fields = [*fields, _FIRST_OCTET]
        try:
            return _checked(
                await self._source_files.open(source, fields=fields, file_name=delivery.file_name)
            )
        except ThronRefused as exc:
            await self._refused.set(delivery.content_id, str(exc))
            raise

    def _target(self, arrival: Arrival) -> Target | None:
        if not arrival.is_redirected:
            return None
        lasts_s = self._target_ttl_s
        expires = expiry(arrival.url)
        if expires is not None:
            lasts_s = min(lasts_s, expires - _EXPIRY_MARGIN_S - self._clock.wall())
        return Target(arrival.url, self._clock.now() + lasts_s) if lasts_s > 0 else None


def _checked(arrival: Arrival) -> Arrival:
    response = arrival.response
    is_answer = response.status in _ANSWERS
    if is_answer and response.status == HTTPStatus.PARTIAL_CONTENT:
        is_answer = parse_content_range(response.headers.get(hdrs.CONTENT_RANGE, "")) is not None
    if is_answer:
        return arrival
    response.close()
    raise _failure(response.status)


def _failure(status: int) -> OriginError:
    match status:
        case 401 | 403:
            return OriginRefused(
                f"the origin answered {status}; if every content of the tenant"
                " is refused, its domain protection may want TDC_REFERER"
            )
        case 404 | 410:
            return OriginGone(f"the origin answered {status}")
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return OriginUnreachable(
                f"the origin answered {status}", proxy_status="http_request_error"
            )
        case _:
            return OriginAnswerInvalid(
                f"the origin answered {status}", proxy_status="http_request_error"
            )


def _upstream(arrival: Arrival, delivery: Delivery, method: str) -> Upstream:
    response = arrival.response
    status, fields = response.status, response.headers
    if method == "HEAD":
        status, fields = _as_head(status, fields)
    return Upstream(
        status=status,
        fields=fields,
        octets=response.content_length if method == "GET" else 0,
        delivery=replace(
            delivery,
            representation=_representation(status, fields) or delivery.representation,
        ),
        read=_Content(arrival).read,
        close=response.close,
    )


def _representation(status: int, fields: CIMultiDictProxy[str]) -> Representation | None:
    """Return what an answer with content, or to a HEAD, tells of the whole."""
    if status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
        return None
    passed = outbound(fields, status=status)
    described = tuple(line for line in passed if line[0] not in _OF_ONE_MESSAGE)
    return Representation(described, _known(dict(passed), fields.get(hdrs.DATE)))


def _known(passed: Mapping[str, str], date: str | None) -> Known:
    said = parse_content_range(passed.get("Content-Range", ""))
    length = passed.get("Content-Length")
    if said is not None:
        complete_length = said.complete_length
    else:
        complete_length = int(length) if length is not None else None
    return Known(
        etag=passed.get("ETag"),
        last_modified=passed.get("Last-Modified"),
        date=date,
        complete_length=complete_length,
    )


def _as_head(status: int, fields: CIMultiDictProxy[str]) -> tuple[int, CIMultiDictProxy[str]]:
    """Return what HEAD would have been told, where the first octet was asked for instead."""
    said = parse_content_range(fields.get(hdrs.CONTENT_RANGE, ""))
    is_first_octet = status == HTTPStatus.PARTIAL_CONTENT
    is_empty = status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    if said is None or not (is_first_octet or (is_empty and said.complete_length == 0)):
        return status, fields
    changed = CIMultiDict(fields)
    changed.popall(hdrs.CONTENT_RANGE, None)
    changed.popall(hdrs.CONTENT_LENGTH, None)
    if said.complete_length is not None:
        changed[hdrs.CONTENT_LENGTH] = str(said.complete_length)
    return HTTPStatus.OK, CIMultiDictProxy(changed)


class _Content:
    """The content of an answer: what was read of it already, then the rest."""

    def __init__(self, arrival: Arrival) -> None:
        self._head = arrival.head
        self._rest = arrival.response.content

    async def read(self) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        with failures_named():
            return await self._rest.readany()
