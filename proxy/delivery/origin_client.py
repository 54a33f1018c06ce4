"""The client of origins: each hop checked, redirects followed by hand, failing hosts left alone."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from aiohttp import hdrs
from yarl import URL

from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.http_client import Fields, HttpClient, HttpResponse, Observers
from proxy.delivery.origin_hosts import OriginHosts
from proxy.errors import (
    OriginAnswerInvalid,
    OriginError,
    OriginUnreachable,
)
from proxy.text import Text

# docs/thron.md 7.7: 307 is documented, the others exist in the same server library.
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_BREAKERS = 1000
# Targets that are asked for again and again; what is allowed does not change for a client.
_REMEMBERED_URLS = 512
# What says that the origin itself has failed; 501 does not: it is how some refuse HEAD.
FAILURES = frozenset(range(500, 1000)) - {501}
# What an origin, or a balancer before it, says of itself rather than of one content.
_OF_THE_HOST = frozenset({502, 503, 504})
# Failures before a request could be sent, by their names below: they too are of the host.
_TO_CONNECT = frozenset(
    {
        "connection_timeout",
        "dns_error",
        "tls_certificate_error",
        "tls_protocol_error",
        "connection_refused",
    }
)
# A delivery URL takes one hop; five leave room for a tenant's own domains.
_MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class OriginResponse:
    """An answer that is no redirect.

    Attributes:
        response: Its header section is read, its content is not.
        url: Where it came from, byte-exact; secret where it is signed.
        is_redirected: Whether that is another URL than the one asked first.
    """

    response: HttpResponse
    url: str
    is_redirected: bool


class OriginClient:
    """Sends requests to allowed hosts only."""

    def __init__(
        self,
        http: HttpClient,
        hosts: OriginHosts,
        *,
        first_byte_timeout_s: float,
        now: Callable[[], float],
        heard: Callable[[HttpResponse], None] | None = None,
        answered: Observers | None = None,
    ) -> None:
        """Make a client that knows no breaker yet.

        Args:
            http: Sends what has been allowed.
            hosts: Decides where requests may go, at every hop.
            first_byte_timeout_s: From the request to the header section of the answer.
            now: Monotonic seconds, for the breakers.
            heard: Is told of every answer, before its content is read.
            answered: Gives what observes the seconds from requests to their answers.
        """
        self._http = http
        self._hosts = hosts
        self._first_byte_timeout_s = first_byte_timeout_s
        self._now = now
        self._heard = heard
        self._answered = answered
        self._breakers: dict[str, CircuitBreaker] = {}  # of hosts that failed last
        self._allowed = lru_cache(maxsize=_REMEMBERED_URLS)(self._parsed_and_checked)

    async def send(
        self,
        method: str,
        url: str,
        *,
        fields: Fields,
        content_id: str = "",
        form: Mapping[str, str] | None = None,
        is_from_api: bool = False,
    ) -> HttpResponse:
        """Return the answer of one hop, whatever its status.

        All contents of a tenant share one host. So it is judged by failures to connect and by
        502, 503 and 504 of several contents; a 500, a reset, silence after the connection or what
        is no HTTP may be one content's alone (docs/thron.md 7.1).

        Args:
            method: GET, HEAD or POST.
            url: Byte-exact.
            fields: What goes along.
            content_id: What is asked for; without one, the path says it.
            form: The content of a POST.
            is_from_api: Whether THRON's API has redirected there, which may be any public host.

        Raises:
            OriginProhibited: The host, the scheme or the address is not allowed.
            OriginUnreachable: No connection, or one that broke before the answer; or the host is
                left alone for now.
            OriginTimeout: No connection or no answer in time.
            OriginAnswerInvalid: The answer is no HTTP.
        """
        target, observe = self._allowed(url, is_from_api=is_from_api)
        breaker = self._breakers.get(target.authority)
        if breaker is not None and (wait_s := breaker.retry_in_s(self._now())) > 0:
            raise OriginUnreachable(
                Text("left alone after failures of several contents"),
                proxy_status="destination_unavailable",
                retry_after_s=wait_s,
            )
        about = content_id or target.raw_path
        began = time.monotonic()
        try:
            response = await self._http.request(
                method,
                target,
                fields=fields,
                form=form,
                first_byte_timeout_s=self._first_byte_timeout_s,
            )
        except BaseException as exc:  # a client that leaves, too, gives its turn to the next
            is_of_host = isinstance(exc, OriginError) and exc.proxy_status in _TO_CONNECT
            self._note_failure(target, about=about, problem=str(exc) if is_of_host else None)
            raise
        if observe is not None:
            observe(time.monotonic() - began)
        if self._heard is not None:
            self._heard(response)
        if response.status in FAILURES:
            is_of_host = response.status in _OF_THE_HOST
            problem = f"status {response.status}" if is_of_host else None
            self._note_failure(target, about=about, problem=problem)
        else:
            self._breakers.pop(target.authority, None)  # the host answers
        return response

    def _parsed_and_checked(
        self, url: str, *, is_from_api: bool
    ) -> tuple[URL, Callable[[float], None] | None]:
        target = _parsed(url)
        if is_from_api:
            self._hosts.check_redirect_of_api(target)
        else:
            self._hosts.check(target)
        if self._answered is None:
            return target, None
        return target, self._answered(target.raw_host or "", target.port or 0)

    def _note_failure(self, target: URL, *, about: str, problem: str | None) -> None:
        """Note a failure of a host, or one that says nothing of it where there is no problem."""
        if problem is None:
            if (breaker := self._breakers.get(target.authority)) is not None:
                breaker.undecided(self._now())
            return
        if len(self._breakers) > _MOST_BREAKERS:
            self._breakers.clear()  # a pattern allows any number of hosts; memory does not
        breaker = self._breakers.setdefault(target.authority, CircuitBreaker())
        breaker.failed(self._now(), about=about, problem=problem)

    async def follow(
        self,
        method: str,
        url: str,
        *,
        fields: Fields,
        content_id: str = "",
        is_from_api: bool = False,
    ) -> OriginResponse:
        """Return the answer behind a URL, through at most five redirects.

        The same fields go along at every hop (docs/thron.md 7.7); none of them is secret. That
        THRON's API has named the URL says nothing of where that redirects to.

        Raises:
            OriginAnswerInvalid: A redirect to nowhere, or too many of them.
            OriginError: As ``send``.
        """
        here = url
        for _ in range(_MOST_REDIRECTS + 1):
            response = await self.send(
                method,
                here,
                fields=fields,
                content_id=content_id,
                is_from_api=is_from_api and here is url,
            )
            if response.status not in REDIRECTS:
                return OriginResponse(response, here, is_redirected=here is not url)
            here = location_of(response)
        raise OriginAnswerInvalid(Text("too many redirects"), proxy_status="proxy_loop_detected")


def location_of(response: HttpResponse) -> str:
    """Close a redirect, and return where it leads, byte-exact.

    Raises:
        OriginAnswerInvalid: It has no usable Location.
    """
    response.close()
    location = response.fields.get(hdrs.LOCATION, "")
    if not location:
        raise OriginAnswerInvalid("a redirect without a Location")
    if location.startswith(("https://", "http://")):
        return location  # not parsed and printed again: that could break its signature
    return str(response.url.join(_parsed(location)))


def _parsed(url: str) -> URL:
    try:
        return URL(url, encoded=True)
    except ValueError as exc:
        raise OriginAnswerInvalid("a URL that cannot be parsed") from exc
