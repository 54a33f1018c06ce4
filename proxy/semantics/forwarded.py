"""Who asks, and how, when front proxies stand between: Forwarded, X-Forwarded-* and Host.

Rule 1: a field counts only if the operator has named it as one that trusted proxies write: these
pass every other field on as the client sent it. Rule 2: a word counts only if a trusted peer wrote
it; each hop's line was written by the hop to its right, so the walk goes from the right and ends at
the first address that is not trusted. Rule 3: what cannot be read ends the walk. Rule 4: what is
not believed changes nothing; that it claims https is reported, since an operator who forgot to name
a proxy, or the field that it writes, would redirect in a loop.

RFC 7239; X-Forwarded-* as front proxies commonly write them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from multidict import MultiMapping

from proxy.semantics.field_lines import TOKEN, combined

Scheme = Literal["http", "https"]
Network = IPv4Network | IPv6Network

# Longer chains do not exist; the right end is the one that counts.
_MAX_VALUE_CHARACTERS = 2048
_MAX_HOPS = 32

FORWARDED = "forwarded"
_X_PROTO = "x-forwarded-proto"
X_FORWARDED = ("x-forwarded-for", _X_PROTO, "x-forwarded-host")

# Forwarded is read backwards, each pattern matching at the start of the reversed value: an open
# quote further left must not swallow the nearest element. Every repetition is possessive or ends
# at a character that it cannot match, so that the time is linear in the length.
_PAIR = rf'("(?:.\\|[^"\\])*"|{TOKEN})=({TOKEN})'
_PAIRS = re.compile(_PAIR)
_NEAREST = re.compile(rf"[ \t]*+({_PAIR}(?:[ \t]*+;[ \t]*+{_PAIR})*+)[ \t]*+(?:,|\Z)")

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.\-]{1,254})(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")
_NODE_PORT = r"(?::[0-9]{1,5}|:_[A-Za-z0-9._\-]+)?"
_NODE = re.compile(rf"\[([0-9A-Fa-f:.]+)\]{_NODE_PORT}|([0-9.]+){_NODE_PORT}|([0-9A-Fa-f:.]+)")
_MAX_NAME_CHARACTERS = 253
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True, eq=False)  # itself the key of what is remembered of it
class TrustedProxies:
    """Whose word counts, and by which fields.

    Attributes:
        networks: Of the proxies.
        fields: Those that the proxies write, in lower case: ``forwarded`` alone, or some of
            ``X_FORWARDED``.
    """

    networks: Sequence[Network] = ()
    fields: Sequence[str] = X_FORWARDED

    def has(self, address: str) -> bool:
        """Tell whether an address is that of a trusted proxy."""
        return bool(self.networks) and _is_trusted(self, address)


@dataclass(frozen=True, slots=True)
class Effective:
    """A request as it was made, seen past the trusted proxies.

    Attributes:
        client: The address nearest to the user agent that can be believed.
        scheme: How the user agent asked.
        host: The host it asked, as ``valid_host`` gives it, or None.
        unbelieved_https: A field that does not count says https of a plain request: the client
            lies, or ``TDC_TRUSTED_PROXIES`` and ``TDC_FORWARDED`` should name who wrote it.
    """

    client: str
    scheme: Scheme
    host: str | None
    unbelieved_https: bool = False


@dataclass(frozen=True, slots=True)
class _Hop:
    """What one proxy wrote of the request it received."""

    node: str | None
    scheme: str | None = None
    host: str | None = None


def effective(
    peer: str, *, scheme: Scheme, fields: MultiMapping[str], trusted: TrustedProxies
) -> Effective:
    """Return who made a request and how, as far as trusted proxies tell.

    Args:
        peer: The address at the other end of the connection; what is no address is not trusted.
        scheme: That of the connection itself.
        fields: The request's field section.
        trusted: The proxies whose word counts.
    """
    named = trusted.fields if trusted.networks and _is_trusted(trusted, peer) else ()
    values = tuple(map(partial(_nearest, fields), named))
    found = _seen(trusted, peer, scheme, tuple(fields.getall("Host", ())), values)
    is_claimed = FORWARDED in fields or _X_PROTO in fields
    if is_claimed and found.scheme == "http" and _claims_https(fields, beside=named):
        return replace(found, unbelieved_https=True)
    return found


@lru_cache(maxsize=1024)  # a front asks for few hosts, and for one client several times in a row
def _seen(
    trusted: TrustedProxies, peer: str, scheme: Scheme, hosts: Sequence[str], values: Sequence[str]
) -> Effective:
    """Return a request as it was made, by its Host lines and the fields that count, if any do."""
    host = valid_host(hosts[0].strip(" \t")) if len(hosts) == 1 else None
    found = Effective(_plain(peer), scheme, host)
    if not values:
        return found
    told = dict(zip(trusted.fields, values, strict=True))
    hops = _forwarded(told[FORWARDED]) if FORWARDED in told else _x_forwarded(told)
    return _walk(hops, own=found, trusted=trusted)


@lru_cache(maxsize=1024)
def _is_trusted(trusted: TrustedProxies, address: str) -> bool:
    parsed = _address(address)
    return parsed is not None and any(parsed in network for network in trusted.networks)


@lru_cache(maxsize=256)  # asked twice of every request, mostly for the same few
def valid_host(value: str) -> str | None:
    """Return the host that a Host field names, or None where it names none.

    Args:
        value: Such as ``Media.Example.com:8080``. IDNA stays as it came; an IPv6 address keeps its
            brackets; one dot at the end is dropped.

    Returns:
        The name or address in lower case, without port.

    RFC 9110, 7.2; RFC 3986, 3.2.2.
    """
    found = _HOST.fullmatch(value)
    if found is None or int(found[2] or 0) > _MAX_PORT:
        return None
    if found[1].startswith("["):
        address = _address(found[1][1:-1])
        return f"[{address}]" if isinstance(address, IPv6Address) else None
    name = found[1].lower().removesuffix(".")
    labels = name.split(".")
    is_name = len(name) <= _MAX_NAME_CHARACTERS and all(map(_LABEL.fullmatch, labels))
    return name if is_name else None


def _walk(hops: Sequence[_Hop], *, own: Effective, trusted: TrustedProxies) -> Effective:
    found = own
    for hop in hops:  # the nearest first
        node = _node(hop.node)
        found = Effective(
            found.client if node is None else node,
            _scheme(hop.scheme) or found.scheme,
            valid_host(hop.host or "") or found.host,
        )
        if node is None or not trusted.has(node):
            break
    return found


def _nearest(fields: MultiMapping[str], name: str) -> str:
    return (combined(fields, name) or "")[-_MAX_VALUE_CHARACTERS:] if name in fields else ""


def _forwarded(value: str) -> list[_Hop]:
    hops: list[_Hop] = []
    rest = value[::-1]
    at = 0
    while len(hops) < _MAX_HOPS and (found := _NEAREST.match(rest, at)):
        pairs = {
            name[::-1].lower(): _unquoted(text[::-1]) for text, name in _PAIRS.findall(found[1])
        }
        hops.append(_Hop(pairs.get("for"), pairs.get("proto"), pairs.get("host")))
        at = found.end()
    return hops


def _x_forwarded(told: Mapping[str, str]) -> list[_Hop]:
    nodes, schemes, hosts = (_from_the_right(told.get(name, "")) for name in X_FORWARDED)
    # A proxy that keeps one value for the whole chain wrote it for the nearest hop too.
    return [
        _Hop(node, _nth(schemes, index), _nth(hosts, index))
        for index, node in enumerate(nodes or [None])
    ]


def _from_the_right(value: str) -> list[str]:
    items = value.split(",") if value else []
    return [item.strip(" \t") for item in reversed(items[-_MAX_HOPS:])]


def _nth(items: Sequence[str], index: int) -> str | None:
    return items[index] if index < len(items) else None


def _node(text: str | None) -> str | None:
    found = None if text is None else _NODE.fullmatch(text)
    if found is None:
        return None
    address = _address(next(group for group in found.groups() if group))
    return None if address is None else str(address)


def _scheme(text: str | None) -> Scheme | None:
    match (text or "").lower():
        case "https":
            return "https"
        case "http":
            return "http"
        case _:
            return None


@lru_cache(maxsize=1024)  # asked several times of every request, mostly for the same ones
def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=1024)
def _plain(peer: str) -> str:
    address = _address(peer)
    return peer if address is None else str(address)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _claims_https(fields: MultiMapping[str], *, beside: Sequence[str]) -> bool:
    hops: list[_Hop] = []
    if FORWARDED not in beside:
        hops += _forwarded(_nearest(fields, FORWARDED))
    if _X_PROTO not in beside:
        hops += _x_forwarded({_X_PROTO: _nearest(fields, _X_PROTO)})
    return any(_scheme(hop.scheme) == "https" for hop in hops)
