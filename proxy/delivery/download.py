"""One request on the public listener, from its address to the last octet."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web
from multidict import CIMultiDict

from proxy.connectors import addresses as paths
from proxy.connectors.addresses import PublicPath
from proxy.connectors.model import Connector, Connectors, Disposition
from proxy.delivery.admission import Admission
from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.min_rate import MinRate, MinRateGuard
from proxy.delivery.relay import finish, pump
from proxy.delivery.resolution import Resolution
from proxy.delivery.resolver import Resolved
from proxy.delivery.response_headers import ResponseContext, response_headers
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.upstream import Upstream
from proxy.errors import NotConfigured, OriginAnswerInvalid, OriginGone, OriginRefused
from proxy.semantics import freshness
from proxy.semantics.codings import is_acceptable
from proxy.semantics.cors import METHODS, exposure, preflight
from proxy.semantics.evaluation import (
    Described,
    Forward,
    NotModified,
    PreconditionFailed,
    RangeNotSatisfiable,
    decide,
)
from proxy.semantics.field_lines import combined
from proxy.semantics.headers import is_loop, outbound
from proxy.telemetry.access_record import RECORD, AccessRecord
from proxy.telemetry.middleware import PSEUDONYM
from proxy.tenant import Tenant

_WITH_CONTENT = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
# What a client may read where a condition or a range of its own is refused.
_REFUSALS = {
    HTTPStatus.PRECONDITION_FAILED: "The content is another version than was asked for.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The content has no such range.",
}


@dataclass(frozen=True, slots=True)
class PublicBases:
    """Where the public listener is reached, for the URLs that answers hold.

    Attributes:
        plain: Base of the printed URLs, such as ``http://dl.example.com``.
        secure: Base of the same by https.
    """

    plain: str
    secure: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of this gateway one download, and all of them, may take.

    Attributes:
        admission: Of all downloads.
        retry_policy: For an upstream that breaks.
        read_gap_s: How long an upstream may be silent, in seconds.
        min_rate: What a client must take.
    """

    admission: Admission
    retry_policy: RetryPolicy
    read_gap_s: float
    min_rate: MinRate


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request, and what it is answered with.

    Attributes:
        request: For a content.
        path: What it names.
        tenant: The one that was connected when it came; a change of credentials breaks nothing.
        guard: Watches how fast the client takes the answer.
    """

    request: web.Request
    path: PublicPath
    tenant: Tenant
    guard: MinRateGuard


class Downloads:
    """Answers the public listener."""

    def __init__(
        self,
        *,
        connectors: Callable[[], Connectors],
        tenant: Callable[[], Tenant | None],
        limits: Limits,
        bases: PublicBases,
        stale_if_error_s: float,
    ) -> None:
        """Make what answers for the connectors and the tenant that there are at each request.

        Args:
            connectors: Those that are served.
            tenant: Whose contents they have; None in the set-up state.
            limits: Of one download, and of all.
            bases: For the URLs in answers.
            stale_if_error_s: How long caches may go on while we fail, in seconds.
        """
        self._connectors = connectors
        self._tenant = tenant
        self._limits = limits
        self._bases = bases
        self._stale_if_error_s = stale_if_error_s

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one request.

        Raises:
            GatewayError: There is no content to answer with; the middleware says so to the
                client, or breaks the connection off if the answer has begun.
        """
        tenant = self._tenant()
        if tenant is None:
            raise NotConfigured
        record = request[RECORD]
        if request.method == "OPTIONS":
            return web.Response(status=204, headers=preflight())
        if request.method not in METHODS:
            return _not_allowed(record)
        if is_loop(request.headers.get("Via"), PSEUDONYM):
            raise OriginAnswerInvalid(
                "asked by a connector, perhaps by this one: see TDC_API_URL and TDC_CDN_URL",
                proxy_status="proxy_loop_detected",
            )
        connectors = self._connectors()
        if connectors.is_new:
            raise NotConfigured("there has never been a connector: has the database been lost?")
        path = paths.parse(request.raw_path, host=record.host, connectors=connectors)
        record.connector = path.connector.slug
        if path.connector.force_https and record.scheme == "http":
            return self._to_https(request, path)
        with self._limits.admission.under_way():
            # Whoever waits for a look-up takes no place from those whose content is known.
            resolved = await tenant.resolver.resolve(
                path.connector, path.address, client=record.client
            )
            guard = MinRateGuard(self._limits.min_rate, now=time.monotonic)
            async with self._limits.admission.admitted(record.client, guard):
                return await self._download(_Asked(request, path, tenant, guard), resolved)

    async def _download(self, asked: _Asked, resolved: Resolved) -> web.StreamResponse:
        request, record = asked.request, asked.request[RECORD]
        delivery = resolved.resolution.delivery
        record.content_id = delivery.content_id
        record.resolution = resolved.forwarded or "hit"
        context = self._response_context(request, asked.path, resolved)
        representation = delivery.representation
        known = representation.known if representation is not None else None
        decided = decide(request.headers, method=request.method, known=known)
        if isinstance(decided, Forward):
            return await self._relayed(asked, resolved.resolution, context, decided.fields)
        described = representation.fields if representation is not None else ()
        status, passed = _own_answer(decided, described)
        return await _send_without_content(request, status, passed, context)

    async def _relayed(
        self, asked: _Asked, resolution: Resolution, context: ResponseContext, fields: Fields
    ) -> web.StreamResponse:
        request, guard = asked.request, asked.guard
        async with _opened(asked, resolution, request.method, fields) as upstream:
            _require_decodable(upstream, request)
            passed = outbound(upstream.fields, status=upstream.status)
            if request.method == "HEAD" or upstream.status not in _WITH_CONTENT:
                return await _send_without_content(request, upstream.status, passed, context)
            response = await _prepared(request, upstream.status, passed, context)
            client = ClientStream(request, response)
            await pump(
                upstream,
                client,
                reopen=lambda rest: _reopened(asked, rest),
                retry_policy=self._limits.retry_policy,
                read_gap_s=self._limits.read_gap_s,
                guard=guard,
                record=request[RECORD],
            )
            await finish(client, guard=guard)
            return response

    def _response_context(
        self, request: web.Request, path: PublicPath, resolved: Resolved
    ) -> ResponseContext:
        resolution, connector = resolved.resolution, path.connector
        asked = paths.disposition_override(request.raw_path.partition("?")[2])
        canonical = None
        if (current := resolution.current) is not None:
            base = self._bases.secure if connector.force_https else self._bases.plain
            canonical = paths.public_url(
                base, connector, language=current.language, value=current.value
            )
        return ResponseContext(
            connector=connector,
            content_id=resolution.delivery.content_id,
            source_name=resolution.delivery.file_name,
            asked_name=path.file_name,
            disposition=asked or connector.disposition,
            canonical=canonical,
            forwarded=resolved.forwarded,
            ttl_s=resolved.ttl_s,
            stale_if_error_s=self._stale_if_error_s,
            is_hsts=request[RECORD].scheme == "https"
            and _is_https_only(connector, self._connectors()),
        )

    def _to_https(self, request: web.Request, path: PublicPath) -> web.Response:
        location = paths.public_url(
            self._bases.secure,
            path.connector,
            language=path.address.language,
            value=path.address.value,
            file_name=path.file_name,
        )
        asked = paths.disposition_override(request.raw_path.partition("?")[2])
        if asked is not None:
            location += "?download" if asked is Disposition.ATTACHMENT else "?inline"
        # As long as the operator lets a content be stored: browsers keep a bare 301 for ever. And
        # a redirect, too, must let pages of other origins embed what it leads to.
        lasting = freshness.of_absence(max_age_s=path.connector.max_age_s)
        lines = [("Location", location), *lasting.as_fields(), *exposure(content_type=None)]
        return web.Response(status=301, headers=CIMultiDict(lines))


@asynccontextmanager
async def _opened(
    asked: _Asked, resolution: Resolution, method: str, fields: Fields
) -> AsyncIterator[Upstream]:
    """Open a delivery; where the origin does not know it, verify the resolution once."""
    tenant, address = asked.tenant, asked.path.address
    async with AsyncExitStack() as stack:
        try:
            upstream = await stack.enter_async_context(
                tenant.origins.open(resolution.delivery, method=method, fields=fields)
            )
        except (OriginGone, OriginRefused):
            # Whatever its age: else an address that is asked for now and then would be built
            # of the revoked pkey again and again, until the next login.
            is_outdated = await tenant.delivery_builder.is_outdated(resolution.delivery)
            if tenant.resolver.is_recent(resolution) and not is_outdated:
                raise
            resolution = await tenant.resolver.verified(resolution, address)
            upstream = await stack.enter_async_context(
                tenant.origins.open(resolution.delivery, method=method, fields=fields)
            )
        tenant.delivery_builder.note_delivery(resolution.delivery, upstream.delivery)
        await tenant.resolver.complete(resolution, address, upstream.delivery)
        yield upstream


@asynccontextmanager
async def _reopened(asked: _Asked, fields: Fields) -> AsyncIterator[Upstream]:
    resolved = await asked.tenant.resolver.resolve(asked.path.connector, asked.path.address)
    async with _opened(asked, resolved.resolution, "GET", fields) as upstream:
        yield upstream


def _own_answer(
    decided: Described | NotModified | PreconditionFailed | RangeNotSatisfiable,
    described: Sequence[tuple[str, str]],
) -> tuple[int, Sequence[tuple[str, str]]]:
    """Return status and header lines of an answer that needs no origin."""
    match decided:
        case Described(complete_length):
            return 200, [*described, ("Content-Length", str(complete_length))]
        case NotModified():
            return 304, [line for line in described if line[0] in {"ETag", "Last-Modified"}]
        case PreconditionFailed():
            return 412, []
        case RangeNotSatisfiable(content_range):
            return 416, [("Content-Range", content_range)]


def _require_decodable(upstream: Upstream, request: web.Request) -> None:
    """Let pass what the client can make the content of.

    Raises:
        OriginAnswerInvalid: It is coded, though that was not asked for.
    """
    is_decodable = upstream.status not in _WITH_CONTENT or is_acceptable(
        upstream.fields,
        status=upstream.status,
        accept_encoding=combined(request.headers, "Accept-Encoding"),
    )
    if not is_decodable:
        raise OriginAnswerInvalid(
            "the origin codes the content, and the client does not accept it so",
            proxy_status="http_response_content_coding",
        )


async def _prepared(
    request: web.Request, status: int, passed: Sequence[tuple[str, str]], context: ResponseContext
) -> web.StreamResponse:
    """Send the header section, after which an error can only break the connection off."""
    record = request[RECORD]
    lines = response_headers(status, passed, context=context, pseudonym=PSEUDONYM)
    response = web.StreamResponse(status=status, headers=CIMultiDict(lines))
    record.status = status
    record.selected_range = response.headers.get("Content-Range")
    if request.method == "HEAD" or status not in _WITH_CONTENT:
        record.expected = 0
    elif (length := response.headers.get("Content-Length")) is not None:
        record.expected = int(length)
    await response.prepare(request)
    record.headers_sent = True
    return response


async def _send_without_content(
    request: web.Request, status: int, passed: Sequence[tuple[str, str]], context: ResponseContext
) -> web.StreamResponse:
    """Send an answer without content; a refusal says why."""
    words = _REFUSALS.get(HTTPStatus(status))
    text = _error_text(words, request[RECORD]).encode() if words is not None else b""
    if text:
        passed = [*passed, ("Content-Length", str(len(text)))]
    response = await _prepared(request, status, passed, context)
    await response.write_eof(text if request.method != "HEAD" else b"")
    return response


def _not_allowed(record: AccessRecord) -> web.Response:
    # A 405 could be stored without a word (RFC 9110, 15.5.6).
    lines = [*preflight(), *freshness.OF_FAILURE.as_fields()]
    text = _error_text(f"Only {', '.join(METHODS)} are answered here.", record)
    return web.Response(status=405, text=text, headers=CIMultiDict(lines))


def _error_text(words: str, record: AccessRecord) -> str:
    return f"{words}\n{record.request_id}\n"


def _is_https_only(connector: Connector, connectors: Connectors) -> bool:
    """Tell whether every connector of this one's host forces HTTPS."""
    return all(
        each.force_https for each in connectors.all if each.enabled and each.host == connector.host
    )
