"""Request id, access record, and how an error becomes an answer."""

import asyncio
import math
import time
from collections.abc import Callable

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import MultiMapping

from proxy.errors import GatewayError, MalformedPath, ReaderTooSlow, UnknownAddress
from proxy.semantics import forwarded, freshness
from proxy.semantics.cors import exposure
from proxy.semantics.forwarded import TrustedProxies
from proxy.semantics.freshness import Freshness
from proxy.semantics.status_fields import ProxyStatus
from proxy.telemetry.access_record import RECORD, AccessRecord, new_request_id
from proxy.telemetry.live import Traffic
from proxy.telemetry.metrics import Metrics

log = structlog.get_logger("proxy.access")

PSEUDONYM = "thron-connector"


_WRITTEN = (
    "status",
    "octets",
    "resumed",
    "ended_by",
    "error",
    "reason",
    "connector",
    "content_id",
    "resolution",
    "selected_range",
    "first_byte_s",
    "client",
    "scheme",
)

# So many peers are warned of by name; a hostile crowd must not grow the set for ever.
MAX_WARNED = 100
# In a row from one address: no crowd of clients looks like that, and few single ones.
_IN_A_ROW = 100
# What proxies write, whatever their kind (RFC 7239; RFC 9110, 7.6.3).
_WRITTEN_BY_PROXIES = ("X-Forwarded-For", "Forwarded", "Via")

NAME_THE_PROXY = (
    "name the proxy in TDC_TRUSTED_PROXIES, and in TDC_FORWARDED the fields that it writes: until"
    " then all clients are one address to limits and log, and none is known to use HTTPS"
)

STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set once what still runs is cut by us."""


class FrontDetector:
    """Tells whether all requests come through a proxy in front that is not named as trusted."""

    def __init__(self) -> None:
        self._peer = ""
        self._in_a_row = 0
        self._is_found = False

    def is_found(self, peer: str, fields: MultiMapping[str]) -> bool:
        """Look at one more request; tell once that its peer seems to be a proxy.

        Args:
            peer: The address at the other end of the connection, which is not trusted.
            fields: The request's field section.
        """
        if self._is_found:
            return False
        is_forwarded = any(name in fields for name in _WRITTEN_BY_PROXIES)
        self._in_a_row = self._in_a_row + 1 if is_forwarded and peer == self._peer else 0
        self._peer = peer
        self._is_found = self._in_a_row >= _IN_A_ROW
        return self._is_found


def observe(
    *,
    metrics: Metrics,
    traffic: Traffic,
    trusted: TrustedProxies,
    negative_ttl_s: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> Middleware:
    """Return the outermost middleware of the public listener.

    Args:
        metrics: Where answers are counted.
        traffic: Where people see them come and go.
        trusted: The proxies in front.
        negative_ttl_s: How long a 404 may be stored by caches, in seconds.
        monotonic: Seconds that no change of the clock moves.
    """
    untrusted: set[str] = set()
    detector = FrontDetector()

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        record = request[RECORD] = _record(request, trusted, untrusted, monotonic)
        peer = request.remote or ""
        is_probe = record.path.startswith("/-/")  # of a load balancer, on a way of its own
        if not is_probe and not trusted.has(peer) and detector.is_found(peer, request.headers):
            log.warning("unnamed proxy in front", peer=peer, fix=NAME_THE_PROXY)
        with structlog.contextvars.bound_contextvars(request_id=record.request_id):
            traffic.begin(record)
            try:
                response = await _answered(request, handler, record, negative_ttl_s)
                record.status = response.status
                return response
            finally:
                record.ended = monotonic()
                traffic.end(record)
                metrics.count(record)
                _write(record)

    return middleware


async def stamp(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer bears; a signal of aiohttp, as the header section is about to go."""
    response.headers["Server"] = PSEUDONYM
    response.headers["Via"] = f"1.1 {PSEUDONYM}"
    record = request.get(RECORD)
    if record is not None:
        response.headers["X-Request-Id"] = record.request_id


async def _answered(
    request: web.Request, handler: Handler, record: AccessRecord, negative_ttl_s: float
) -> web.StreamResponse:
    error: GatewayError
    try:
        return await handler(request)
    except GatewayError as exc:
        error = exc
        record.error, record.reason = exc.proxy_status or type(exc).__name__, str(exc)
        if record.headers_sent:
            record.ended_by = "client" if isinstance(exc, ReaderTooSlow) else "origin"
    except web.HTTPException:  # of aiohttp's router: the target is ``*``, or an authority
        error = MalformedPath()
        record.error = type(error).__name__
    except (asyncio.CancelledError, ConnectionError):
        # aiohttp cancels for a client that has left, and for a gateway that stops.
        stopping = request.app.get(STOPPING)
        is_cut = stopping is not None and stopping.is_set()
        record.ended_by = "gateway" if is_cut else "client"
        raise
    except Exception as exc:
        error = GatewayError()
        record.ended_by, record.error = "gateway", type(exc).__name__
        log.exception("bug", path=request.path)
    if record.headers_sent:
        # Past prepare only a broken connection tells the client that the content is not whole.
        if request.transport is not None:
            request.transport.abort()
        raise error
    return _error_response(error, request, record, negative_ttl_s)


def _record(
    request: web.Request,
    trusted: TrustedProxies,
    untrusted: set[str],
    monotonic: Callable[[], float],
) -> AccessRecord:
    peer = request.remote or ""
    effective = forwarded.effective(
        peer,
        scheme="https" if request.secure else "http",
        fields=request.headers,
        trusted=trusted,
    )
    news = peer not in untrusted and len(untrusted) < MAX_WARNED
    if effective.unbelieved_https and news:
        untrusted.add(peer)
        log.warning(
            "https claimed but not believed",
            peer=peer,
            fix=f"if this is your proxy, {NAME_THE_PROXY}",
        )
    return AccessRecord(
        request_id=new_request_id(),
        client=effective.client,
        scheme=effective.scheme,
        host=effective.host,
        began=monotonic(),
        monotonic=monotonic,
        method=request.method,
        path=request.raw_path.partition("?")[0],
    )


def _error_response(
    error: GatewayError, request: web.Request, record: AccessRecord, negative_ttl_s: float
) -> web.Response:
    response = web.Response(
        status=error.status,
        text="" if request.method == "HEAD" else f"{error.public}\n{record.request_id}\n",
    )
    fields = response.headers
    # A page of another origin that asks by script is to learn the status, not "failed to fetch".
    fields.extend(exposure(content_type=response.content_type))
    fields.extend(_freshness_of(error, negative_ttl_s).as_fields())
    if error.proxy_status is not None:
        fields["Proxy-Status"] = str(ProxyStatus(PSEUDONYM, error=error.proxy_status))
    if error.retry_after_s is not None:
        fields["Retry-After"] = str(math.ceil(error.retry_after_s))
    return response


def _freshness_of(error: GatewayError, negative_ttl_s: float) -> Freshness:
    if isinstance(error, UnknownAddress):
        return freshness.of_absence(max_age_s=int(negative_ttl_s))
    # Not that of a content which THRON or its origin refuses: an outage begins with the same 404s,
    # and a condition or range of the client's may be the reason, by which caches do not key.
    return freshness.OF_FAILURE


def _write(record: AccessRecord) -> None:
    facts = {name: value for name in _WRITTEN if (value := getattr(record, name)) not in {None, ""}}
    log.info(
        "download",
        method=record.method,
        path=record.path,
        duration_s=round(record.lasted_s, 6),
        **facts,
    )
