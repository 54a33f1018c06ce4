"""One request on the public listener, from its address to the last octet."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from http import HTTPStatus

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, MultiMapping

from proxy.connectors import addresses as paths
from proxy.connectors.addresses import PublicPath
from proxy.connectors.model import Connectors, Disposition
from proxy.connectors.store import ConnectorWatch
from proxy.delivery.admission import Admission
from proxy.delivery.client_stream import ClientStream
from proxy.delivery.http_client import Fields
from proxy.delivery.relay import pump
from proxy.delivery.resolution import Resolution
from proxy.delivery.resolver import Resolved
from proxy.delivery.response_headers import Lines, ResponseContext, head, varying_lines
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.transfer import MinRate, Transfer
from proxy.delivery.upstream import Upstream
from proxy.errors import (
    MalformedPath,
    NotConfigured,
    OriginAnswerInvalid,
    OriginGone,
    OriginRefused,
)
from proxy.semantics import freshness
from proxy.semantics.codings import is_acceptable
from proxy.semantics.cors import METHODS, exposure, preflight
from proxy.semantics.evaluation import (
    Answer,
    Described,
    Forward,
    NotModified,
    PreconditionFailed,
    RangeNotSatisfiable,
    decide,
)
from proxy.semantics.field_lines import combined
from proxy.semantics.headers import is_loop
from proxy.server.probes import PROBES, public_probe
from proxy.settings import Pump
from proxy.telemetry.access_record import RECORD, AccessRecord
from proxy.telemetry.middleware import PSEUDONYM
from proxy.tenant import Tenant, TenantConnection

_WITH_ADDRESS = frozenset({"GET", "HEAD"})
_WITH_CONTENT = frozenset({HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT})
# What a client may read where a condition or a range of its own is refused.
_REFUSALS: Mapping[int, str] = {
    HTTPStatus.PRECONDITION_FAILED: "The content is another version than was asked for.",
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: "The content has no such range.",
}
# Of one revision of the connectors; some kilobytes each at worst.
_REMEMBERED_PATHS = 2048


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
        pump: What carries octets.
    """

    admission: Admission
    retry_policy: RetryPolicy
    read_gap_s: float
    min_rate: MinRate
    pump: Pump = Pump.AUTO


@dataclass(slots=True)
class _Asked:
    """One request for a content, and what it is answered with.

    Attributes:
        fields: Its field section.
        query: Of its target.
        record: Of it.
        path: What it names.
        tenant: The one that was connected when it came; a change of credentials breaks nothing.
    """

    fields: MultiMapping[str]
    query: str
    record: AccessRecord
    path: PublicPath
    tenant: Tenant


@dataclass(frozen=True, slots=True)
class _Part:
    """What differs from part to part of one content."""

    content_length: int | None = None
    content_range: str | None = None


_NO_PART = _Part()


class _Served:
    """The connectors of one revision, and what is worked out of them once."""

    def __init__(self, connectors: Connectors) -> None:
        self.connectors = connectors
        self.parse = lru_cache(maxsize=_REMEMBERED_PATHS)(self._parse)
        self.is_https_only = cache(self._is_https_only)

    def _parse(self, path: str, host: str | None) -> PublicPath:
        return paths.parse(path, host=host, connectors=self.connectors)

    def _is_https_only(self, host: str | None) -> bool:
        """Tell whether every connector of a host forces HTTPS; None is the common one."""
        return all(
            each.force_https for each in self.connectors.all if each.enabled and each.host == host
        )


class Downloads:
    """Answers the public listener: downloads, and probes beside them."""

    def __init__(
        self,
        *,
        watch: ConnectorWatch,
        connection: TenantConnection,
        not_ready: Callable[[], Sequence[str]],
        limits: Limits,
        bases: PublicBases,
        stale_if_error_s: float,
        purges_caches: bool = False,
    ) -> None:
        """Make what answers for the connectors and the tenant that there are at each request.

        Args:
            watch: Has those connectors.
            connection: Has that tenant; none in the set-up state.
            not_ready: Why nothing new should come here, for probes.
            limits: Of one download, and of all.
            bases: For the URLs in answers.
            stale_if_error_s: How long caches may go on while we fail, in seconds.
            purges_caches: Whether caches in front are told of changes.
        """
        self._watch = watch
        self._served = _Served(watch.connectors)
        self._connection = connection
        self._not_ready = not_ready
        self._limits = limits
        self._bases = bases
        self._stale_if_error_s = stale_if_error_s
        self._purges_caches = purges_caches

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request.

        Raises:
            GatewayError: There is no content to answer with; the middleware says so to the
                client, or breaks the connection off if the answer has begun.
        """
        if request.raw_path.startswith(PROBES):
            probe = public_probe(request, self._not_ready)
            if probe is not None:
                return probe
        tenant = self._connection.tenant
        if tenant is None:
            raise NotConfigured
        record = request[RECORD]
        if request.method not in _WITH_ADDRESS:
            return _answer_to_method(request, record)
        asked = self._asked(request.raw_path, request.headers, record, tenant)
        path = asked.path
        if path.connector.force_https and record.scheme == "http":
            return self._to_https(asked)
        resolved = tenant.resolver.fresh(path.connector, path.address)
        if resolved is None:
            # Whoever waits for a look-up takes no place from those whose content is known.
            with self._limits.admission.pending():
                resolved = await tenant.resolver.resolve(
                    path.connector, path.address, client=record.client
                )
        delivery = resolved.resolution.delivery
        record.content_id = delivery.content_id
        record.resolution = resolved.forwarded or "hit"
        representation = delivery.representation
        known = representation.known if representation is not None else None
        decided = decide(asked.fields, method=record.method, known=known)
        if not isinstance(decided, Forward):
            return await self._answer_as_decided(request, asked, resolved, decided)
        transfer = Transfer(record, self._limits.min_rate, now=time.monotonic)
        place = await self._limits.admission.enter(record.client, transfer)
        try:
            return await self._relayed(request, asked, resolved, decided.fields, transfer)
        finally:
            self._limits.admission.leave(place)

    def answer_at_once(self, message: RawRequestMessage, record: AccessRecord) -> bytes | None:
        """Return the whole answer to a GET or HEAD that waits for nothing, as octets.

        That is a 304, or what is known of a content that HEAD asks for. None for all else, and
        where ``answer`` would do more than answer: it says the same, and takes longer.

        Raises:
            GatewayError: As ``answer``.
        """
        tenant = self._connection.tenant
        if tenant is None:
            return None
        asked = self._asked(message.path, message.headers, record, tenant)
        connector = asked.path.connector
        if connector.force_https and record.scheme == "http":
            return None
        resolved = tenant.resolver.fresh(connector, asked.path.address)
        if resolved is None or (of := resolved.resolution.delivery.representation) is None:
            return None
        match decide(asked.fields, method=record.method, known=of.known):
            case NotModified():
                status, described, part = 304, of.validators, _NO_PART
            case Described(complete_length):
                status, described, part = 200, of.fields, _Part(complete_length)
            case _:
                return None
        record.content_id = resolved.resolution.delivery.content_id
        record.resolution, record.status, record.expected = "hit", status, 0
        section = self._section(asked, resolved, status, described, part)
        return head(status, section, request_id=record.request_id, now=time.time())

    def _asked(
        self, target: str, fields: MultiMapping[str], record: AccessRecord, tenant: Tenant
    ) -> _Asked:
        """Return what a GET or HEAD asks for.

        Raises:
            GatewayError: Nothing that there is.
        """
        if "Via" in fields and is_loop(combined(fields, "Via"), PSEUDONYM):
            raise OriginAnswerInvalid(
                "asked by a connector, perhaps by this one: see TDC_API_URL and TDC_CDN_URL",
                proxy_status="proxy_loop_detected",
            )
        served = self._served
        if served.connectors is not (connectors := self._watch.connectors):
            served = self._served = _Served(connectors)
        if served.connectors.is_new:
            raise NotConfigured("there has never been a connector: has the database been lost?")
        raw_path, _, query = target.partition("?")
        path = served.parse(raw_path, record.host)
        record.connector = path.connector.slug
        return _Asked(fields, query, record, path, tenant)

    async def _answer_as_decided(
        self, request: web.BaseRequest, asked: _Asked, resolved: Resolved, decided: Answer
    ) -> ClientStream:
        """Send what needs no origin."""
        representation = resolved.resolution.delivery.representation
        without_content = partial(self._without_content, request, asked, resolved)
        match decided:
            case Described(complete_length) if representation is not None:
                return await without_content(200, representation.fields, _Part(complete_length))
            case NotModified() if representation is not None:
                return await without_content(304, representation.validators)
            case PreconditionFailed():
                return await without_content(412)
            case RangeNotSatisfiable(content_range):
                return await without_content(416, (), _Part(content_range=content_range))
            case never:
                raise AssertionError(never)  # nothing is decided of what is not known

    async def _relayed(
        self,
        request: web.BaseRequest,
        asked: _Asked,
        resolved: Resolved,
        fields: Fields,
        transfer: Transfer,
    ) -> ClientStream:
        record = asked.record
        upstream, resolution = await _opened(asked, resolved.resolution, record.method, fields)
        with closing(upstream):
            if resolution is not resolved.resolution:
                resolved = replace(resolved, resolution=resolution)
                record.content_id = resolution.delivery.content_id
            if "Content-Encoding" in upstream.fields:
                _require_decodable(upstream, asked.fields)
            described = upstream.passed.whole
            part = _Part(upstream.passed.content_length, upstream.passed.content_range)
            if record.method == "HEAD" or upstream.status not in _WITH_CONTENT:
                return await self._without_content(
                    request, asked, resolved, upstream.status, described, part
                )
            record.expected = part.content_length
            section = self._section(asked, resolved, upstream.status, described, part)
            client = ClientStream(  # an error can only break the connection off from now on
                request,
                upstream.status,
                section,
                record=record,
                has_content=True,
                is_last=self._limits.admission.is_closing,
            )
            await pump(
                transfer,
                upstream,
                client,
                reopen=lambda rest: _reopened(asked, rest),
                retry_policy=self._limits.retry_policy,
                read_gap_s=self._limits.read_gap_s,
                kind=self._limits.pump,
            )
            if not client.end():
                await transfer.emptied()
            return client

    async def _without_content(
        self,
        request: web.BaseRequest,
        asked: _Asked,
        resolved: Resolved,
        status: int,
        described: Lines = (),
        part: _Part | None = None,
    ) -> ClientStream:
        """Send an answer without content of the file; a refusal says why."""
        text = b""
        if (words := _REFUSALS.get(status)) is not None:
            text = _error_text(words, asked.record).encode()
            part = _Part(len(text), part.content_range if part is not None else None)
            text = text if asked.record.method != "HEAD" else b""
        asked.record.expected = 0
        section = self._section(asked, resolved, status, described, part or _NO_PART)
        client = ClientStream(
            request,
            status,
            section,
            record=asked.record,
            has_content=bool(text),
            is_last=self._limits.admission.is_closing,
        )
        if text:
            await client.write(text)
        if not client.end():
            await client.emptied()
        return client

    def _section(
        self, asked: _Asked, resolved: Resolved, status: int, described: Lines, part: _Part
    ) -> bytes:
        """Return the header lines of an answer, without those that every answer bears."""
        record, connector, resolution = asked.record, asked.path.connector, resolved.resolution
        section = resolution.sections.of(status, described, partial(self._context, resolution))
        name = section.file_name
        if name is not None and asked.path.file_name is not None:
            name = asked.path.file_name
        override = paths.disposition_override(asked.query) if asked.query else None
        varying = varying_lines(
            name,
            override or connector.disposition,
            forwarded=resolved.forwarded,
            ttl_s=resolved.ttl_s,
            is_hsts=record.scheme == "https" and self._served.is_https_only(connector.host),
        )
        if part.content_length is not None:
            varying += f"Content-Length: {part.content_length}\r\n"
        if part.content_range is not None:
            varying += f"Content-Range: {part.content_range}\r\n"
            record.selected_range = part.content_range
        return section.octets + varying.encode()

    def _context(self, resolution: Resolution) -> ResponseContext:
        connector, canonical = resolution.connector, None
        if (current := resolution.current) is not None:  # it was asked for by a former prettyID
            base = self._bases.secure if connector.force_https else self._bases.plain
            canonical = paths.public_url(
                base, connector, language=current.language, value=current.value
            )
        return ResponseContext(
            connector=connector,
            content_id=resolution.delivery.content_id,
            source_name=resolution.delivery.file_name,
            canonical=canonical,
            stale_if_error_s=self._stale_if_error_s,
            purges_caches=self._purges_caches,
        )

    def _to_https(self, asked: _Asked) -> web.Response:
        path = asked.path
        location = paths.public_url(
            self._bases.secure,
            path.connector,
            language=path.address.language,
            value=path.address.value,
            file_name=path.file_name,
        )
        override = paths.disposition_override(asked.query)
        if override is not None:
            location += "?download" if override is Disposition.ATTACHMENT else "?inline"
        # As long as the operator lets a content be stored: browsers keep a bare 301 for ever. And
        # a redirect, too, must let pages of other origins embed what it leads to.
        lasting = freshness.of_absence(max_age_s=path.connector.max_age_s)
        lines = [("Location", location), *lasting.as_fields(), *exposure(content_type=None)]
        lines += freshness.tag_fields(freshness.cache_tags(path.connector.slug))
        return web.Response(status=301, headers=CIMultiDict(lines))


async def _opened(
    asked: _Asked, resolution: Resolution, method: str, fields: Fields
) -> tuple[Upstream, Resolution]:
    """Open a delivery; where the origin does not know it, verify the resolution once.

    The resolution that was opened comes with it: the address may be another content's by now.
    """
    tenant, address = asked.tenant, asked.path.address
    try:
        upstream = await tenant.origins.open(resolution.delivery, method=method, fields=fields)
    except (OriginGone, OriginRefused):
        # Whatever its age: else an address that is asked for now and then would be built
        # of the revoked pkey again and again, until the next login.
        is_outdated = await tenant.delivery_builder.is_outdated(resolution.delivery)
        if tenant.resolver.is_recent(resolution) and not is_outdated:
            raise
        resolution = await tenant.resolver.verified(resolution, address)
        upstream = await tenant.origins.open(resolution.delivery, method=method, fields=fields)
    if upstream.delivery is not resolution.delivery:
        try:
            tenant.delivery_builder.note_delivery(resolution.delivery, upstream.delivery)
            await tenant.resolver.complete(resolution, address, upstream.delivery)
        except BaseException:
            upstream.close()
            raise
    return upstream, resolution


async def _reopened(asked: _Asked, fields: Fields) -> Upstream:
    resolved = await asked.tenant.resolver.resolve(asked.path.connector, asked.path.address)
    upstream, _ = await _opened(asked, resolved.resolution, "GET", fields)
    return upstream


def _require_decodable(upstream: Upstream, fields: MultiMapping[str]) -> None:
    """Let pass what the client can make the content of.

    Raises:
        OriginAnswerInvalid: It is coded, though that was not asked for.
    """
    is_decodable = upstream.status not in _WITH_CONTENT or is_acceptable(
        upstream.fields,
        status=upstream.status,
        accept_encoding=combined(fields, "Accept-Encoding"),
    )
    if not is_decodable:
        raise OriginAnswerInvalid(
            "the origin codes the content, and the client does not accept it so",
            proxy_status="http_response_content_coding",
        )


def _answer_to_method(request: web.BaseRequest, record: AccessRecord) -> web.Response:
    """Answer a method that asks for no content."""
    if not request.raw_path.lower().startswith(("/", "http:", "https:")):
        raise MalformedPath  # ``*``, or an authority
    if request.method == "OPTIONS":
        return web.Response(status=204, headers=CIMultiDict(preflight()))
    # A 405 could be stored without a word (RFC 9110, 15.5.6).
    lines = [*preflight(), *freshness.OF_FAILURE.as_fields()]
    text = _error_text(f"Only {', '.join(METHODS)} are answered here.", record)
    return web.Response(status=405, text=text, headers=CIMultiDict(lines))


def _error_text(words: str, record: AccessRecord) -> str:
    return f"{words}\n{record.request_id}\n"
