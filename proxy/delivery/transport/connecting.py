"""Connections to origins: names resolved and checked, the next address tried, TLS by name."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import aiohappyeyeballs
from aiohttp.abc import AbstractResolver, ResolveResult

from proxy.delivery.bounded_cache import BoundedCache
from proxy.delivery.singleflight import SingleFlight
from proxy.delivery.transport.connection import Authority, OriginConnection
from proxy.errors import OriginTimeout, OriginUnreachable
from proxy.text import Text

# A CDN moves its names within a minute; a burst of new connections asks once.
_DNS_TTL_S = 10
_MOST_NAMES = 1000
# RFC 8305, 5: the next address is tried beside the first after so long.
_NEXT_ADDRESS_S = 0.25


class Dialer:
    """Makes connections."""

    def __init__(
        self, resolver: AbstractResolver, *, tls: ssl.SSLContext, connect_timeout_s: float
    ) -> None:
        """Make a connector.

        Args:
            resolver: Refuses names at addresses that are not allowed.
            tls: Whom to trust.
            connect_timeout_s: For DNS, all addresses and TLS together.
        """
        self._resolver = resolver
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._addresses: BoundedCache[Sequence[ResolveResult]] = BoundedCache(
            ttl_s=_DNS_TTL_S, max_entries=_MOST_NAMES
        )
        self._resolving: SingleFlight[Authority, Sequence[ResolveResult]] = SingleFlight("resolve")

    async def connect(
        self, authority: Authority, protocol: Callable[[], OriginConnection]
    ) -> OriginConnection:
        """Return a new connection.

        Raises:
            OriginProhibited: The host is at an address that is not allowed.
            OriginTimeout: There was none in time.
            OriginUnreachable: No such host, nobody listens there, or no valid TLS.
        """
        loop = asyncio.get_running_loop()
        with _failures_named():
            async with asyncio.timeout(self._connect_timeout_s):
                # The addresses that were checked are those connected to: a second look at DNS
                # could give others (DNS rebinding).
                sock = await aiohappyeyeballs.start_connection(
                    [_addr_info(each) for each in await self._resolved(authority)],
                    happy_eyeballs_delay=_NEXT_ADDRESS_S,
                    interleave=1,
                    loop=loop,
                )
                _, connection = await loop.create_connection(
                    protocol,
                    sock=sock,
                    ssl=self._tls if authority.is_tls else None,
                    server_hostname=authority.host if authority.is_tls else None,
                )
        return connection

    async def aclose(self) -> None:
        """Let go of the resolver."""
        await self._resolving.aclose()
        await self._resolver.close()

    async def _resolved(self, authority: Authority) -> Sequence[ResolveResult]:
        key = f"{authority.host}:{authority.port}"  # a host may be named with one port alone
        addresses = await self._addresses.get(key)
        if addresses is None:
            addresses = await self._resolving.run(
                authority, lambda: self._resolver.resolve(authority.host, authority.port)
            )
            await self._addresses.set(key, addresses)
        return addresses


def _addr_info(address: ResolveResult) -> aiohappyeyeballs.AddrInfoType:
    host, port = address["host"], address["port"]
    if address["family"] != socket.AF_INET6:
        return address["family"], socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)
    return socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port, 0, 0)


@contextmanager
def _failures_named() -> Iterator[None]:
    """Turn what breaks a connection that is being made into errors of ours (RFC 9209, 2.3)."""
    try:
        yield
    except TimeoutError as exc:
        raise OriginTimeout(
            Text("no connection in time"), proxy_status="connection_timeout"
        ) from exc
    except OSError as exc:
        name, words = "connection_refused", Text("no connection")
        if isinstance(exc, socket.gaierror):
            name, words = "dns_error", Text("no such host")
        elif isinstance(exc, ssl.SSLCertVerificationError):
            name, words = "tls_certificate_error", Text("no valid certificate")
        elif isinstance(exc, ssl.SSLError):
            name, words = "tls_protocol_error", Text("no TLS")
        raise OriginUnreachable(
            Text.joined(" ", [words, f"({type(exc).__name__})"]), proxy_status=name
        ) from exc
