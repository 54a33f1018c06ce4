"""Cache-Status (RFC 9211) and Proxy-Status (RFC 9209): who answered, and who is to blame.

Both are lists of Structured Fields (RFC 9651) whose members are a name with parameters. Neither
ever carries a cache key, a next hop or free details: those would show THRON's hosts, pkeys and
signed targets.
"""

import re
from dataclasses import dataclass
from typing import Literal, get_args

ForwardReason = Literal[
    "bypass", "method", "uri-miss", "vary-miss", "miss", "request", "stale", "partial"
]

# RFC 9209, 2.3; those that concern a gateway whose next hop is an HTTP server.
ErrorType = Literal[
    "dns_timeout",
    "dns_error",
    "destination_not_found",
    "destination_unavailable",
    "destination_ip_prohibited",
    "destination_ip_unroutable",
    "connection_refused",
    "connection_terminated",
    "connection_timeout",
    "connection_read_timeout",
    "connection_write_timeout",
    "connection_limit_reached",
    "tls_protocol_error",
    "tls_certificate_error",
    "tls_alert_received",
    "http_request_error",
    "http_request_denied",
    "http_response_incomplete",
    "http_response_header_section_size",
    "http_response_header_size",
    "http_response_body_size",
    "http_response_trailer_section_size",
    "http_response_trailer_size",
    "http_response_transfer_coding",
    "http_response_content_coding",
    "http_response_timeout",
    "http_upgrade_failed",
    "http_protocol_error",
    "proxy_internal_response",
    "proxy_internal_error",
    "proxy_configuration_error",
    "proxy_loop_detected",
]
ERROR_TYPES: frozenset[str] = frozenset(get_args(ErrorType))
FORWARD_REASONS: frozenset[str] = frozenset(get_args(ForwardReason))

# A token of RFC 9651, 3.3.4.
_NAME = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]*")
_MAX_INTEGER = 10**15 - 1
_STATUS_CODES = range(100, 600)


@dataclass(frozen=True, slots=True)
class CacheStatus:
    """How one cache handled one request: either a hit, or forwarded for a reason.

    Attributes:
        cache: The cache's name, such as ``thron-connector``.
        hit: Answered without going forward.
        fwd: Why it went forward; None with a hit.
        fwd_status: The status code that came back.
        ttl_s: The freshness that is left, in seconds; negative when stale.
        stored: Whether the answer was kept.
        collapsed: Whether the request was answered by another's forward request.

    Raises:
        ValueError: A name or figure that cannot stand in the field, or a hit that went forward.

    RFC 9211, 2.
    """

    cache: str
    hit: bool = False
    fwd: ForwardReason | None = None
    fwd_status: int | None = None
    ttl_s: int | None = None
    stored: bool = False
    collapsed: bool = False

    def __post_init__(self) -> None:
        _check_name(self.cache)
        _check_status(self.fwd_status)
        if self.hit and self.fwd is not None:
            raise ValueError("a hit is not forwarded (RFC 9211, 2.1 and 2.2)")
        if self.fwd is not None and self.fwd not in FORWARD_REASONS:
            raise ValueError(f"not a reason of RFC 9211, 2.2: {self.fwd!r}")

    def __str__(self) -> str:
        ttl_s = None if self.ttl_s is None else max(-_MAX_INTEGER, min(self.ttl_s, _MAX_INTEGER))
        return _member(
            self.cache,
            hit=self.hit,
            fwd=self.fwd,
            fwd_status=self.fwd_status,
            stored=self.stored,
            collapsed=self.collapsed,
            ttl=ttl_s,
        )


@dataclass(frozen=True, slots=True)
class ProxyStatus:
    """How this gateway handled one response: the error it met, and the status it received.

    Attributes:
        proxy: The gateway's name.
        error: The error type (RFC 9209, 2.3); None where the response is the origin's own.
        received_status: The status code the next hop answered with, if it answered.

    Raises:
        ValueError: A name, type or status that cannot stand in the field.

    RFC 9209, 2.
    """

    proxy: str
    error: str | None = None
    received_status: int | None = None

    def __post_init__(self) -> None:
        _check_name(self.proxy)
        _check_status(self.received_status)
        if self.error is not None and self.error not in ERROR_TYPES:
            raise ValueError(f"not an error type of RFC 9209, 2.3: {self.error!r}")

    def __str__(self) -> str:
        return _member(self.proxy, error=self.error, received_status=self.received_status)


def _member(name: str, **parameters: str | int | None) -> str:
    given = (_parameter(key.replace("_", "-"), value) for key, value in parameters.items())
    return "".join([name, *given])


def _parameter(key: str, value: str | int | None) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return f"; {key}"
        case _:
            return f"; {key}={value}"


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name) is None:
        raise ValueError(f"not a token of RFC 9651: {name!r}")


def _check_status(status: int | None) -> None:
    if status is not None and status not in _STATUS_CODES:
        raise ValueError(f"not a status code: {status}")
