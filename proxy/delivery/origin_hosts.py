"""Which hosts content may come from: checked by name, and again by resolved address."""

import re
import socket
from collections.abc import Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import DefaultResolver
from yarl import URL

from proxy.errors import OriginProhibited
from proxy.text import Text

# A host name's label (RFC 1123, 2.1), and the underscore that some names have.
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# RFC 1035, 2.3.4, in its textual form.
_LONGEST_NAME = 253

# All that IANA has given out for global unicast; what lies outside (site-local fec0::/10, NAT64 of
# one's own 64:ff9b:1::/48, IPv4-translated ::ffff:0:0:0/96 ...) is somebody's private affair.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# NAT64 for all the world (RFC 6052, 2.1).
_NAT64 = IPv6Network("64:ff9b::/96")
# What Python 3.11 takes for public: 6to4 relays (RFC 7526), the IANA's protocol assignments (RFC
# 6890), and addresses for documentation (RFC 9637).
_NOT_PUBLIC = (
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.0.0.0/24"),
    IPv6Network("3fff::/20"),
)


class OriginHosts:
    """The allowed hosts of TDC_ORIGIN_HOSTS and those of the THRON URLs in the settings.

    A pattern such as ``*.thron.com`` allows https to public addresses. A host that is named in
    full, with or without a port, is the operator's own word: plain http and private addresses too.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        *,
        named_urls: Sequence[str] = (),
        tenant_urls: Sequence[str] = (),
        is_open_to_api: bool = False,
    ) -> None:
        """Allow hosts.

        Args:
            patterns: As in TDC_ORIGIN_HOSTS.
            named_urls: URLs in the operator's settings, whose hosts he has so named.
            tenant_urls: URLs made of the tenant's name, whose hosts are as those of a pattern.
            is_open_to_api: Whether a redirect of THRON's API may lead to any public https
                address: where the API is asked by https, and names are resolved here.
        """
        self._suffixes = tuple(pattern[1:] for pattern in patterns if pattern.startswith("*."))
        self._named = {pattern for pattern in patterns if not pattern.startswith("*.")}
        self._named |= {URL(url).authority.lower() for url in named_urls}
        self._of_tenant = {URL(url).authority.lower() for url in tenant_urls}
        self._is_open_to_api = is_open_to_api

    def check(self, url: URL) -> None:
        """Let a URL pass, or refuse it.

        Raises:
            OriginProhibited: For another scheme, a host that is not allowed, plain http or an
                address literal where only a pattern allows the host.
        """
        host, port = _host_and_port(url)
        if _is_among(self._named, host, port):
            return
        is_of_pattern = bool(self._suffixes) and host.endswith(self._suffixes) and _is_name(host)
        if not is_of_pattern and not _is_among(self._of_tenant, host, port):
            raise OriginProhibited(
                Text("{host} is not allowed; name it in TDC_ORIGIN_HOSTS", host=host)
            )
        if url.scheme != "https":
            raise OriginProhibited(
                Text("plain http to {host}; name it in full in TDC_ORIGIN_HOSTS", host=host)
            )

    def check_redirect_of_api(self, url: URL) -> None:
        """Let pass where THRON's API redirects to: a storage service, whose buckets have any name.

        Raises:
            OriginProhibited: It is neither an allowed host nor a public one by https.
        """
        host, port = _host_and_port(url)
        if not self._is_open_to_api or _is_among(self._named, host, port):
            self.check(url)
        elif url.scheme != "https" or not (_is_name(host) or _is_public_literal(host)):
            raise OriginProhibited(
                Text(
                    "THRON redirects to {host}, not by https to a public host; if it is "
                    "right, name it in full in TDC_ORIGIN_HOSTS",
                    host=host,
                )
            )

    def check_address(self, host: str, port: int, address: str) -> None:
        """Let a resolved address pass, or refuse it.

        Raises:
            OriginProhibited: For an address that is not public, unless the host is named.
        """
        if not _is_among(self._named, host.lower(), port) and not is_public(address):
            raise OriginProhibited(
                Text(
                    "{host} is at a private address; name it in full in TDC_ORIGIN_HOSTS", host=host
                ),
                proxy_status="destination_ip_prohibited",
            )


class GuardedResolver(AbstractResolver):
    """Resolves names, and refuses those that lead to a prohibited address."""

    def __init__(self, hosts: OriginHosts, resolver: AbstractResolver | None = None) -> None:
        """Guard a resolver, by default this machine's."""
        self._hosts = hosts
        self._resolver = resolver or DefaultResolver()

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
            self._hosts.check_address(host, port, result["host"])
        return results

    async def close(self) -> None:
        """Release the resolver beneath."""
        await self._resolver.close()


def is_public(address: str) -> bool:
    """Return whether an address is globally reachable (IANA special-purpose registries)."""
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64:
            embedded = IPv4Address(int(ip) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(str(embedded))
        if ip not in _GLOBAL_UNICAST:
            return False
    is_special = any(ip in network for network in _NOT_PUBLIC)
    return ip.is_global and not ip.is_multicast and not is_special


def _host_and_port(url: URL) -> tuple[str, int]:
    """Return what a URL connects to.

    Raises:
        OriginProhibited: It is no http URL of a host alone, in ASCII, and perhaps a port.
    """
    if url.scheme not in {"http", "https"}:
        raise OriginProhibited(f"{url.scheme}: is not a scheme that content can be fetched by")
    if "@" in url.raw_authority:
        raise OriginProhibited("a URL with user or password")
    try:
        host, port = (url.host or "").lower(), url.port
    except ValueError as exc:  # yarl reads it this late
        raise OriginProhibited("a URL whose host is not ASCII, or its port none") from exc
    if not host or not port:
        raise OriginProhibited("a URL without a host, or with port 0")
    return host, port


def _is_among(authorities: Collection[str], host: str, port: int) -> bool:
    bracketed = f"[{host}]" if ":" in host else host
    return bracketed in authorities or f"{bracketed}:{port}" in authorities


def _is_name(host: str) -> bool:
    """Tell whether a host is a DNS name, and no address in any spelling (WHATWG URL, 3.5)."""
    *_, last = labels = host.split(".")
    is_number = last.isdecimal() or last.startswith("0x")
    fits = len(host) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)
    return fits and not is_number


def _is_public_literal(host: str) -> bool:
    try:
        return "%" not in host and is_public(host)
    except ValueError:
        return False
