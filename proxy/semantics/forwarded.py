"""Who asks, and how, when front proxies stand between: Forwarded, X-Forwarded-* and Host.

Rule 1: a word counts only if a trusted peer wrote it; each hop's line was written by the hop to its
right, so the walk goes from the right and ends at the first address that is not trusted. Rule 2:
what cannot be read ends the walk. Rule 3: an untrusted peer's words change nothing; that it claims
https is reported, since an operator who forgot to trust a proxy would redirect in a loop.

RFC 7239; X-Forwarded-* as front proxies commonly write them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from multidict import MultiMapping

from proxy.semantics.field_lines import TOKEN, combined

Scheme = Literal["http", "https"]
Network = IPv4Network | IPv6Network

# Longer chains do not exist; the right end is the one that counts.
_MAX_VALUE_CHARACTERS = 2048
_MAX_HOPS = 32

_PAIR = rf'({TOKEN})=({TOKEN}|"(?:[^"\\]|\\.)*")'
_PAIRS = re.compile(_PAIR)
# One element at the end of what is left: an open quote further left must not swallow it.
_LAST_ELEMENT = re.compile(rf"(?:^|,)[ \t]*({_PAIR}(?:[ \t]*;[ \t]*{_PAIR})*)[ \t]*$")

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.\-]{1,254})(?::([0-9]{0,5}))?")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_\-]{0,61}[a-z0-9_])?")
_NODE_PORT = r"(?::[0-9]{1,5}|:_[A-Za-z0-9._\-]+)?"
_NODE = re.compile(rf"\[([0-9A-Fa-f:.]+)\]{_NODE_PORT}|([0-9.]+){_NODE_PORT}|([0-9A-Fa-f:.]+)")
_MAX_NAME_CHARACTERS = 253
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class Effective:
    """A request as it was made, seen past the trusted proxies.

    Attributes:
        client: The address nearest to the user agent that can be believed.
        scheme: How the user agent asked.
        host: The host it asked, as ``valid_host`` gives it, or None.
        claimed_https_untrusted: An untrusted peer says https of a plain request: either it lies,
            or it is a proxy that ``TDC_TRUSTED_PROXIES`` should name.
    """

    client: str
    scheme: Scheme
    host: str | None
    claimed_https_untrusted: bool = False


@dataclass(frozen=True, slots=True)
class _Hop:
    """What one proxy wrote of the request it received."""

    node: str | None
    scheme: str | None = None
    host: str | None = None


def effective(
    peer: str, *, scheme: Scheme, fields: MultiMapping[str], trusted: Sequence[Network]
) -> Effective:
    """Return who made a request and how, as far as trusted proxies tell.

    Where a request bears both Forwarded and X-Forwarded-For and they name different clients, one of
    them came from outside: the client is then the peer itself, and for scheme and host the
    X-Forwarded-* fields, which more proxies write, go first.

    Args:
        peer: The address at the other end of the connection; what is no address is not trusted.
        scheme: That of the connection itself.
        fields: The request's field section.
        trusted: Networks of the proxies whose word counts.
    """
    host = valid_host(combined(fields, "Host") or "")
    own = Effective(_plain(peer), scheme, host)
    if not _is_trusted(peer, trusted):
        claimed = scheme == "http" and _claims_https(fields)
        return Effective(own.client, scheme, host, claimed_https_untrusted=claimed)
    standard = _walk(_forwarded(fields), own=own, trusted=trusted)
    common = _walk(_x_forwarded(fields), own=own, trusted=trusted)
    if standard is None or common is None:
        return standard or common or own
    return standard if standard == common else _disputed(standard, common, own=own)


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


def _walk(
    hops: Sequence[_Hop] | None, *, own: Effective, trusted: Sequence[Network]
) -> Effective | None:
    if hops is None:
        return None
    found = own
    for hop in hops:  # the nearest first
        node = _node(hop.node)
        found = Effective(
            found.client if node is None else node,
            _scheme(hop.scheme) or found.scheme,
            valid_host(hop.host or "") or found.host,
        )
        if node is None or not _is_trusted(node, trusted):
            break
    return found


def _disputed(standard: Effective, common: Effective, *, own: Effective) -> Effective:
    client = own.client if standard.client != common.client else standard.client
    scheme = standard.scheme if common.scheme == own.scheme else common.scheme
    host = standard.host if common.host == own.host else common.host
    return Effective(client, scheme, host)


def _forwarded(fields: MultiMapping[str]) -> list[_Hop] | None:
    value = combined(fields, "Forwarded")
    if value is None:
        return None
    hops: list[_Hop] = []
    rest = value[-_MAX_VALUE_CHARACTERS:]
    while len(hops) < _MAX_HOPS and (found := _LAST_ELEMENT.search(rest)):
        pairs = {name.lower(): _unquoted(text) for name, text in _PAIRS.findall(found[1])}
        hops.append(_Hop(pairs.get("for"), pairs.get("proto"), pairs.get("host")))
        rest = rest[: found.start()]
    return hops


def _x_forwarded(fields: MultiMapping[str]) -> list[_Hop] | None:
    nodes, schemes, hosts = (
        _from_the_right(combined(fields, f"X-Forwarded-{name}"))
        for name in ("For", "Proto", "Host")
    )
    if not (nodes or schemes or hosts):
        return None
    # A proxy that keeps one value for the whole chain wrote it for the nearest hop too.
    return [
        _Hop(node, _nth(schemes, index), _nth(hosts, index))
        for index, node in enumerate(nodes or [None])
    ]


def _from_the_right(value: str | None) -> list[str]:
    if value is None:
        return []
    items = value[-_MAX_VALUE_CHARACTERS:].split(",")
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


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _plain(peer: str) -> str:
    address = _address(peer)
    return peer if address is None else str(address)


def _is_trusted(node: str, trusted: Sequence[Network]) -> bool:
    address = _address(node)
    return address is not None and any(address in network for network in trusted)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def _claims_https(fields: MultiMapping[str]) -> bool:
    hops = [*(_forwarded(fields) or []), *(_x_forwarded(fields) or [])]
    return any(_scheme(hop.scheme) == "https" for hop in hops)
