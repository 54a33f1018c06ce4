"""Which hosts content may come from: checked by name, and again by resolved address."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from proxy.errors import OriginProhibited

# NAT64 (RFC 6052, 2.1), and the IPv4-compatible addresses of old (RFC 4291, 2.5.5.1).
_IPV4_AT_THE_END = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))


class OriginHosts:
    """The allowed hosts of TDC_ORIGIN_HOSTS and those of the THRON URLs in the settings.

    A pattern such as ``*.thron.com`` allows https to public addresses. A host that is named in
    full, with or without a port, is the operator's own word: plain http and private addresses too.
    """

    def __init__(self, patterns: Sequence[str], *, named_urls: Sequence[str] = ()) -> None:
        self._suffixes = tuple(pattern[1:] for pattern in patterns if pattern.startswith("*."))
        self._named = {pattern for pattern in patterns if not pattern.startswith("*.")}
        self._named |= {URL(url).authority.lower() for url in named_urls}
        self._named_hosts = {_host(authority) for authority in self._named}

    def check(self, url: URL) -> None:
        """Let a URL pass, or refuse it.

        Raises:
            OriginProhibited: For another scheme, a host that is not allowed, plain http or a
                private address literal where only a pattern allows the host.
        """
        host = (url.host or "").lower()
        if url.scheme not in {"http", "https"} or url.user is not None:
            raise OriginProhibited(f"{url.scheme}: is no scheme to fetch content by")
        if self._is_named(host, url.port):
            return
        if not host.endswith(self._suffixes) or not self._suffixes:
            raise OriginProhibited(f"{host} is not allowed; name it in TDC_ORIGIN_HOSTS")
        if url.scheme != "https":
            raise OriginProhibited(f"plain http to {host}; name it in full in TDC_ORIGIN_HOSTS")

    def check_address(self, host: str, address: str) -> None:
        """Let a resolved address pass, or refuse it.

        Raises:
            OriginProhibited: For an address that is not public, unless the host is named.
        """
        if host.lower() not in self._named_hosts and not is_public(address):
            raise OriginProhibited(
                f"{host} is at a private address; name it in full in TDC_ORIGIN_HOSTS"
            )

    def _is_named(self, host: str, port: int | None) -> bool:
        bracketed = f"[{host}]" if ":" in host else host
        return not self._named.isdisjoint({bracketed, f"{bracketed}:{port}"})


class GuardedResolver(AbstractResolver):
    """DNS as always, but a name that leads to a prohibited address leads nowhere."""

    def __init__(self, hosts: OriginHosts) -> None:
        self._hosts = hosts
        self._resolver = DefaultResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Return the addresses of a host.

        Raises:
            OriginProhibited: If one of them is not allowed: a name with both public and private
                addresses is not to be trusted (DNS rebinding).
            OSError: If the name does not resolve.
        """
        results = await self._resolver.resolve(host, port, family)
        for result in results:
            self._hosts.check_address(host, result["host"])
        return results

    async def close(self) -> None:
        """Release the resolver beneath."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Return whether an address is globally reachable (IANA special-purpose registries)."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if any(ip in network for network in _IPV4_AT_THE_END):
            embedded = IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            return embedded.is_global and not embedded.is_multicast
    return ip.is_global and not ip.is_multicast


def _host(authority: str) -> str:
    host, colon, port = authority.rpartition(":")
    return (host if colon and port.isdecimal() else authority).strip("[]")
