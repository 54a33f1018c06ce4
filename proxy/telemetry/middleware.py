"""Request id, access record, and how an error becomes an answer."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from multidict import MultiMapping, istr

from proxy.errors import GatewayError, ReaderTooSlow, UnknownAddress
from proxy.semantics import forwarded, freshness, trace_context
from proxy.semantics.cors import exposure
from proxy.semantics.field_lines import combined
from proxy.semantics.forwarded import Scheme, TrustedProxies
from proxy.semantics.freshness import Freshness
from proxy.semantics.status_fields import ProxyStatus
from proxy.telemetry.access_record import (
    LONGEST_PATH,
    RECORD,
    AccessRecord,
    is_request_id,
    log_access,
    new_request_id,
    shown_path,
)
from proxy.telemetry.live import Traffic

log = structlog.get_logger("proxy.access")

PSEUDONYM = "thron-connector"

# So many peers are warned of by name; a hostile crowd must not grow the set for ever.
MAX_WARNED = 100
# In a row from one address: no crowd of clients looks like that, and few single ones.
_IN_A_ROW = 100

NAME_THE_PROXY = (
    "name the proxy in TDC_TRUSTED_PROXIES, and in TDC_FORWARDED the fields that it writes: until"
    " then all clients are one address to limits and log, and none is known to use HTTPS"
)

# What proxies write, whatever their kind (RFC 7239; RFC 9110, 7.6.3).
_OF_PROXIES = (istr("X-Forwarded-For"), istr("Via"), istr("Forwarded"))
_REQUEST_ID = istr("X-Request-Id")
_TRACEPARENT = istr("traceparent")

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class FrontDetector:
    """Tells whether all requests come through a proxy in front that is not named as trusted.

    Attributes:
        in_a_row: The last requests that seem to have come through the same one.
    """

    def __init__(self) -> None:
        self._peer = ""
        self.in_a_row = 0
        self._is_found = False

    def is_found(self, peer: str, fields: MultiMapping[str]) -> bool:
        """Look at one more request; tell once that its peer seems to be a proxy.

        Args:
            peer: The address at the other end of the connection, which is not trusted.
            fields: The request's field section.
        """
        if self._is_found:
            return False
        is_forwarded = any(map(fields.__contains__, _OF_PROXIES))
        self.in_a_row = self.in_a_row + 1 if is_forwarded and peer == self._peer else 0
        self._peer = peer
        self._is_found = self.in_a_row >= _IN_A_ROW
        return self._is_found


AtOnce = Callable[[RawRequestMessage, AccessRecord], bytes | None]


class Observer:
    """The public listener's handler around another one: every request is observed, once."""

    def __init__(
        self,
        handler: Handler,
        *,
        at_once: AtOnce | None = None,
        traffic: Traffic,
        trusted: TrustedProxies,
        negative_ttl_s: float,
        stopping: asyncio.Event,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Observe what two ways of answering do.

        Args:
            handler: Answers any request; its errors become answers.
            at_once: Answers some requests without waiting, if given, and fills their record in.
            traffic: Where they are counted, and people see them come and go.
            trusted: The proxies in front.
            negative_ttl_s: How long a 404 may be stored by caches, in seconds.
            stopping: Set once what still runs is cut by us.
            monotonic: Seconds that no change of the clock moves.
        """
        self._handler = handler
        self._at_once = at_once
        self._traffic = traffic
        self._trusted = trusted
        self._negative_ttl_s = negative_ttl_s
        self._stopping = stopping
        self._monotonic = monotonic
        self._untrusted: set[str] = set()
        self._detector = FrontDetector()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request, whatever it takes."""
        peer = request.remote or ""
        scheme: Scheme = "https" if request.secure else "http"
        record = self._record(request.method, request.raw_path, request.headers, peer, scheme)
        request[RECORD] = record
        # aiohttp answers each request in a task of its own, whose context ends with it.
        structlog.contextvars.bind_contextvars(request_id=record.request_id)
        self._traffic.begin(record)
        try:
            response = await self._handler(request)
            record.status = response.status
        except (Exception, asyncio.CancelledError) as exc:
            answer = self._answer_to(exc, request, record)
            if answer is None:
                raise
            response, record.status = answer, answer.status
        finally:
            self._end(record, peer, request.headers)
        if not response.prepared:
            response.headers["Server"] = PSEUDONYM
            response.headers["Via"] = f"1.1 {PSEUDONYM}"
            response.headers["X-Request-Id"] = record.request_id
        return response

    def _answer_to(
        self, exc: BaseException, request: web.BaseRequest, record: AccessRecord
    ) -> web.Response | None:
        """Return the answer that tells of an error; None where nobody waits for one any more.

        An answer that has begun is broken off: nothing else tells every client that it is not
        whole.

        Raises:
            GatewayError: In place of a bug whose answer has begun: it has been logged.
        """
        match exc:
            case GatewayError():
                record.error, record.reason = exc.proxy_status or type(exc).__name__, str(exc)
                if not record.headers_sent:
                    return _error_response(exc, request, record, self._negative_ttl_s)
                record.ended_by = "client" if isinstance(exc, ReaderTooSlow) else "origin"
            case asyncio.CancelledError() | ConnectionError():
                # aiohttp cancels for a client that has left, and for a gateway that stops.
                record.ended_by = "gateway" if self._stopping.is_set() else "client"
                if not record.headers_sent:
                    return None
            case _:
                record.ended_by, record.error = "gateway", type(exc).__name__
                log.exception("bug", path=record.path)  # noqa: LOG004 - it is being handled
                if not record.headers_sent:
                    return _error_response(GatewayError(), request, record, self._negative_ttl_s)
                _abort(request)
                raise GatewayError from exc
        _abort(request)
        return None

    def answer_at_once(self, message: RawRequestMessage, peer: str, scheme: Scheme) -> bytes | None:
        """Return a whole answer as octets where that needs no waiting, else None.

        What is not answered here has not been observed: ``answer`` does it.

        Args:
            message: The request.
            peer: The address at the other end of the connection.
            scheme: That of the connection.
        """
        if self._at_once is None:
            return None
        record = self._record(message.method, message.path, message.headers, peer, scheme)
        try:
            octets = self._at_once(message, record)
        except Exception:  # noqa: BLE001 - ``answer`` meets it again, and says so
            return None
        if octets is not None:
            self._end(record, peer, message.headers)
        return octets

    def _record(
        self, method: str, target: str, fields: MultiMapping[str], peer: str, scheme: Scheme
    ) -> AccessRecord:
        effective = forwarded.effective(peer, scheme=scheme, fields=fields, trusted=self._trusted)
        news = effective.unbelieved_https and peer not in self._untrusted
        if news and len(self._untrusted) < MAX_WARNED:
            self._untrusted.add(peer)
            log.warning(
                "https claimed but not believed",
                peer=peer,
                fix=f"if this is your proxy, {NAME_THE_PROXY}",
            )
        path = target.partition("?")[0]
        if len(path) > LONGEST_PATH or not path.startswith("/") or "#" in path:
            path = shown_path(path)
        record = AccessRecord(
            request_id=(_REQUEST_ID in fields and self._given_id(peer, fields)) or new_request_id(),
            client=effective.client,
            scheme=effective.scheme,
            host=effective.host,
            began=self._monotonic(),
            monotonic=self._monotonic,
            method=method,
            path=path,
        )
        if _TRACEPARENT in fields:
            trace = trace_context.parse(combined(fields, _TRACEPARENT) or "")
            if trace is not None:
                record.trace_id, record.parent_id = trace
        return record

    def _given_id(self, peer: str, fields: MultiMapping[str]) -> str | None:
        """Return the id that a request has, if a trusted proxy has given it one."""
        given = combined(fields, _REQUEST_ID) or ""
        return given if self._trusted.has(peer) and is_request_id(given) else None

    def _end(self, record: AccessRecord, peer: str, fields: MultiMapping[str]) -> None:
        record.duration_s = self._monotonic() - record.began
        self._traffic.end(record)
        log_access(record)
        if not self._detector.in_a_row and not any(map(fields.__contains__, _OF_PROXIES)):
            return  # as most of what comes straight from clients
        is_probe = record.path.startswith("/-/")  # of a load balancer, on a way of its own
        if is_probe or self._trusted.has(peer) or not self._detector.is_found(peer, fields):
            return
        log.warning("unnamed proxy in front", peer=peer, fix=NAME_THE_PROXY)


def _abort(request: web.BaseRequest) -> None:
    """Break off an answer that has begun: nothing else tells every client that it is not whole."""
    if request.transport is not None:
        request.transport.abort()


def _error_response(
    error: GatewayError, request: web.BaseRequest, record: AccessRecord, negative_ttl_s: float
) -> web.Response:
    response = web.Response(
        status=error.status,
        text="" if request.method == "HEAD" else f"{error.public}\n{record.request_id}\n",
    )
    fields = response.headers
    # A page of another origin that asks by script is to learn the status, not "failed to fetch".
    fields.extend(exposure(content_type=response.content_type))
    fields.extend(_freshness_of(error, negative_ttl_s).as_fields())
    if isinstance(error, UnknownAddress):
        fields.extend(freshness.tag_fields(freshness.cache_tags(record.connector)))
    if error.proxy_status is not None or error.received_status is not None:
        status = ProxyStatus(PSEUDONYM, error.proxy_status, error.received_status)
        fields["Proxy-Status"] = str(status)
    if error.retry_after_s is not None:
        fields["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


def _freshness_of(error: GatewayError, negative_ttl_s: float) -> Freshness:
    if isinstance(error, UnknownAddress):
        return freshness.of_absence(max_age_s=int(negative_ttl_s))
    # Not that of a content which THRON or its origin refuses: an outage begins with the same 404s,
    # and a condition or range of the client's may be the reason, by which caches do not key.
    return freshness.OF_FAILURE
