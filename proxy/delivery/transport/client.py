"""The client of the bytes: HTTP/1.1, nothing added but Host, idle connections used again.

It has no limit of connections: the admission of downloads is that. What a burst leaves idle is
bounded, else it would stay with us and with the origins.
"""

import asyncio
import re
import ssl
from collections.abc import Mapping
from functools import lru_cache
from itertools import chain
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from yarl import URL

from proxy.delivery.http_client import Fields, Observers
from proxy.delivery.transport.connecting import Dialer
from proxy.delivery.transport.connection import READS, Authority, OriginConnection, Response
from proxy.errors import OriginAnswerInvalid, OriginTimeout, OriginUnreachable
from proxy.text import Text

# As many as Go's net/http keeps (DefaultTransport.MaxIdleConns), for as long as CDNs keep theirs.
MOST_IDLE = 100
_KEEP_ALIVE_S = 75.0
# One timer looks after every request that waits and every connection that is idle.
_SWEEP_S = 0.1
# Targets that are asked for again and again.
_REMEMBERED_URLS = 512
# Characters of the fields of a request that is remembered.
_SHORT = 1024

# Would end the request line, or a field line, early (RFC 9112, 3.2 and 11.1).
_SPLITS_TARGET = re.compile(r"[\x00-\x20\x7f]")
_SPLITS_FIELD = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class Http1Client:
    """Sends GET, HEAD and small forms."""

    def __init__(
        self,
        resolver: AbstractResolver,
        *,
        tls: ssl.SSLContext,
        connect_timeout_s: float,
        most_idle: int = MOST_IDLE,
        connected: Observers | None = None,
    ) -> None:
        """Make a client without connections.

        Args:
            resolver: Refuses names at addresses that are not allowed.
            tls: Whom to trust.
            connect_timeout_s: For DNS, connection and TLS together.
            most_idle: How many idle connections are kept, to all hosts.
            connected: Gives what observes the seconds that new connections took.
        """
        self._dialer = Dialer(resolver, tls=tls, connect_timeout_s=connect_timeout_s)
        self._most_idle = most_idle
        self._connected = connected
        self._scratch = memoryview(bytearray(READS))
        self._open: set[OriginConnection] = set()
        self._idle_since: dict[OriginConnection, float] = {}  # the longest first
        self._deadlines: dict[OriginConnection, float] = {}
        self._sweeper: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._open):
            connection.abort()
        await asyncio.sleep(0)  # for the transports to close their sockets
        await self._dialer.aclose()

    async def request(
        self,
        method: str,
        url: URL,
        *,
        fields: Fields,
        form: Mapping[str, str] | None = None,
        first_byte_timeout_s: float,
    ) -> Response:
        """Return the answer of one request, as ``HttpClient.request``."""
        message = _message(method, url, tuple(fields), form)
        authority = _authority(url)
        loop = asyncio.get_running_loop()
        # A form could be taken twice; nobody can tell whether it was before the connection closed.
        connection = self._take_idle(authority) if form is None else None
        while True:
            is_new = connection is None
            if connection is None:
                connection = await self._connect(authority)
            self._deadlines[connection] = until = loop.time() + first_byte_timeout_s
            if self._sweeper is None:
                self._sweeper = loop.call_later(_SWEEP_S, self._sweep, loop)
            try:
                return await connection.ask(method, url, message)
            except OriginUnreachable:
                # An origin may close an idle connection just as we use it (RFC 9112, 9.3.1).
                if is_new or connection.is_answering:
                    raise
            finally:
                # After a short answer the connection may be another request's already.
                if self._deadlines.get(connection) == until:
                    del self._deadlines[connection]
            connection = None

    async def _connect(self, authority: Authority) -> OriginConnection:
        now = asyncio.get_running_loop().time
        began = now()
        connection = await self._dialer.connect(
            authority,
            lambda: OriginConnection(authority, self._scratch, idle=self._keep, lost=self._forget),
        )
        if self._connected is not None:
            self._connected(authority.host, authority.port)(now() - began)
        self._open.add(connection)
        return connection

    def _take_idle(self, authority: Authority) -> OriginConnection | None:
        """Return the connection to a host that became idle last, as the likeliest to be open."""
        while True:
            for connection in reversed(self._idle_since):
                if connection.authority == authority:
                    break
            else:
                return None
            del self._idle_since[connection]
            if connection.is_quiet():
                return connection
            connection.abort()

    def _keep(self, connection: OriginConnection) -> None:
        loop = asyncio.get_running_loop()
        self._idle_since[connection] = loop.time()
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP_S, self._sweep, loop)
        if len(self._idle_since) > self._most_idle:
            self._close_idle(next(iter(self._idle_since)))

    def _close_idle(self, connection: OriginConnection) -> None:
        del self._idle_since[connection]
        connection.abort()

    def _forget(self, connection: OriginConnection) -> None:
        self._open.discard(connection)
        self._idle_since.pop(connection, None)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in [each for each, until in self._deadlines.items() if until <= now]:
            del self._deadlines[connection]
            connection.fail(OriginTimeout(Text("no answer in time")))
        while self._idle_since:
            oldest, since = next(iter(self._idle_since.items()))
            if now - since < _KEEP_ALIVE_S:
                break
            self._close_idle(oldest)
        self._sweeper = None
        if self._deadlines or self._idle_since:
            self._sweeper = loop.call_later(_SWEEP_S, self._sweep, loop)


@lru_cache(maxsize=_REMEMBERED_URLS)
def _authority(url: URL) -> Authority:
    return Authority(url.raw_host or "", url.port or 0, is_tls=url.scheme == "https")


def _message(
    method: str, url: URL, fields: tuple[tuple[str, str], ...], form: Mapping[str, str] | None
) -> bytes:
    """Return a request as it is sent: the target byte-exact, Host, and the fields given.

    Raises:
        OriginAnswerInvalid: The URL, which an origin or THRON has given, is none.
        ValueError: A field cannot be sent.
    """
    content = b""
    if form is not None:
        content = urlencode(form).encode()
        fields = (*fields, (hdrs.CONTENT_LENGTH, str(len(content))))
    # Of a client's conditions, which may be a megabyte, nothing long is remembered.
    is_short = sum(map(len, chain.from_iterable(fields))) <= _SHORT
    lines = (_field_lines if is_short else _field_lines.__wrapped__)(fields)
    return b"".join((_begin(method, url), lines, b"\r\n", content))


@lru_cache(maxsize=_REMEMBERED_URLS)
def _begin(method: str, url: URL) -> bytes:
    """Return the request line and Host."""
    target = url.raw_path_qs
    if _SPLITS_TARGET.search(target):
        raise OriginAnswerInvalid("a URL that cannot be asked for")
    try:
        line = f"{method} {target} HTTP/1.1\r\n".encode()
    except UnicodeEncodeError as exc:
        raise OriginAnswerInvalid("a URL that cannot be asked for") from exc
    return line + _field_lines(((hdrs.HOST, url.host_port_subcomponent or ""),))


@lru_cache(maxsize=256)  # few: a client's range and conditions are mostly the same, or none
def _field_lines(fields: tuple[tuple[str, str], ...]) -> bytes:
    if any(_SPLITS_FIELD.search(name) or _SPLITS_FIELD.search(value) for name, value in fields):
        raise ValueError("a field that would be two")
    section = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return section.encode("utf-8", "surrogateescape")
