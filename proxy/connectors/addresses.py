"""Public path <-> address, both ways, for serving, the console and exports; pure.

    /{connector}/{content_id}[/{file_name}]
    /{connector}/{language}/{pretty_id}[/{file_name}]
    /{connector}/{metadata_value}[/{file_name}]

Rule 1: the raw request target is split first and decoded once, so ``%2F`` stays in its segment.
Rule 2: what no address can look like is a MalformedPath, before any connector is looked up.
Rule 3: whatever ``public_url`` gives, ``parse`` takes back to the same address.
"""

import re
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import quote, unquote_to_bytes

from pydantic import Field

from proxy.connectors.addressability import (
    CONTROL,
    LONGEST_SEGMENT,
    RESERVED_SEGMENTS,
    is_language,
)
from proxy.connectors.identifiers import is_addressable, strategy
from proxy.connectors.model import Connector, Connectors, Disposition
from proxy.errors import MalformedPath, UnknownAddress

LONGEST_PATH = 8192
"""Octets of the raw path: at least 8000 are to be supported (RFC 9110, 4.1)."""

# What needs no percent-encoding (RFC 3986, 2.3): most segments, and an export has 100,000 of them.
_PLAIN = re.compile(rf"[A-Za-z0-9._~-]{{1,{LONGEST_SEGMENT}}}")
# No octets of a path (RFC 3986, 3.3), and the percent sign of a broken encoding (2.1).
_PROHIBITED = re.compile(rb"[\x00-\x20\x7f#]|%(?![0-9A-Fa-f]{2})")
_ABSOLUTE_FORM = re.compile(r"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_BASE = re.compile(r"(https?)://(\[[^\]]*\]|[^/:]*)(:[0-9]+)?(/.*)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The variable part of a public URL for one content in one connector.

    Attributes:
        connector: The connector's slug, also where it answers on its own host.
        language: Lower case, with Identifier.PRETTY_ID; else None.
        value: The identifier's value, decoded; a metadata value in NFC.
        cache_key: Of the address in the resolver's caches, such as ``media/en/strada-film``.
    """

    connector: str
    language: str | None
    value: str
    cache_key: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Neither slug nor language can hold a slash: what follows the second one is the value.
        key = f"{self.connector}/{self.language or ''}/{self.value}"
        object.__setattr__(self, "cache_key", key)


@dataclass(frozen=True, slots=True)
class PublicPath:
    """A request target, understood.

    Attributes:
        connector: Enabled.
        address: What is asked for.
        file_name: The cosmetic last segment, decoded, or None. It may hold anything but control
            characters, slashes too: a name to show, never a path.
    """

    connector: Connector
    address: Address
    file_name: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an illustrative address."""

    text: str
    name: Annotated[
        str | None, Field(description="language, content or file_name for what varies")
    ] = None


def parse(raw_path: str, *, host: str | None, connectors: Connectors) -> PublicPath:
    """Return what a request target asks for.

    Args:
        raw_path: The request target as received, in origin-form or absolute-form, with or
            without a query (RFC 9112, 3.2); octets that are no UTF-8 as lone surrogates.
        host: The Host field's value, or what a trusted proxy says; the authority of an
            absolute-form target goes before it (RFC 9112, 3.2.2).
        connectors: Where slugs and hosts are looked up.

    Raises:
        MalformedPath: No address looks like that: a dot segment, a control character, broken
            percent-encoding, no UTF-8, too long.
        UnknownAddress: No enabled connector of that slug or host, or what follows cannot be an
            address of it.
    """
    path, host = _origin_form(raw_path, host)
    segments = _segments(path)
    if segments[0] in RESERVED_SEGMENTS:
        raise UnknownAddress
    own = connectors.of_host(host) if host else None
    if own is not None:
        return _understood(own, segments)
    connector = connectors.of_slug(segments[0])
    if connector is None or connector.host is not None:
        raise UnknownAddress
    return _understood(connector, segments[1:])


def parse_url(url: str, *, base: str, connectors: Connectors) -> PublicPath:
    """Return what a public URL asks for, as an operator copies it from anywhere.

    Args:
        url: Whole, or from its path on.
        base: Of public URLs; a front proxy may take a path of it away.
        connectors: As for ``parse``.

    Raises:
        MalformedPath, UnknownAddress: As ``parse``.
    """
    target = url.strip().partition("#")[0]
    base = base.rstrip("/")
    if target.startswith(f"{base}/"):
        root = _BASE.fullmatch(base)
        path = root[4] if root is not None and root[4] else ""
        target = base.removesuffix(path) + target.removeprefix(base)
    return parse(target, host=None, connectors=connectors)


def disposition_override(raw_query: str) -> Disposition | None:
    """Return what ``?download`` or ``?inline`` asks for; the first of them, None without any.

    Args:
        raw_query: The query as received, without its question mark. A value after ``=`` and
            every other parameter are of no concern.
    """
    asked = {"download": Disposition.ATTACHMENT, "inline": Disposition.INLINE}
    names = (parameter.partition("=")[0] for parameter in raw_query.split("&"))
    return next((asked[name] for name in names if name in asked), None)


def public_url(
    base: str,
    connector: Connector,
    *,
    language: str | None,
    value: str,
    file_name: str | None = None,
) -> str:
    """Return the public URL of a content.

    Args:
        base: Where the public listener is reached, such as ``https://dl.example.com``. A
            connector with a host of its own takes the scheme and the port from it, no more.
        connector: Gives slug or host, and the kind of identifier.
        language: Of a prettyId, in any case; ignored for other identifiers.
        value: The identifier's value, decoded.
        file_name: A name to end with; control characters are dropped, slashes
            replaced, and it is cut to fit.

    Raises:
        ValueError: The value, or the language, is not addressable.
    """
    return PublicUrls(base, connector).of(language=language, value=value, file_name=file_name)


class PublicUrls:
    """Makes many public URLs of one connector, as ``public_url`` does: what all have, once."""

    def __init__(self, base: str, connector: Connector) -> None:
        self._connector = connector
        self._root = _root(base, connector)
        self._by = strategy(connector)

    def of(self, *, language: str | None, value: str, file_name: str | None = None) -> str:
        """Return the public URL of a content."""
        if not is_addressable(self._connector, value):
            raise ValueError("This value is not addressable.")
        url = self._root
        if self._by.has_language:
            if language is None or not is_language(language):
                raise ValueError("A prettyId is addressed under its language.")
            url = f"{url}/{language.lower()}"
        segment = self._by.compared(value)
        url = f"{url}/{segment if _PLAIN.fullmatch(segment) else quote(segment, safe='')}"
        name = _cosmetic(file_name) if file_name else ""
        return f"{url}/{name}" if name else url


def illustrative(base: str, connector: Connector) -> tuple[Part, ...]:
    """Return a connector's URL pattern with its variable parts marked, to be shown in set-up.

    Joined, the texts read like ``https://dl.example.com/brochures/{language}/{prettyID}/{file
    name}``; the file name may be left out of any address.
    """
    by = strategy(connector)
    parts = [Part(f"{_root(base, connector)}/")]
    if by.has_language:
        parts += [Part("{language}", "language"), Part("/")]
    parts += [
        Part(f"{{{by.placeholder(connector)}}}", "content"),
        Part("/"),
        Part("{file name}", "file_name"),
    ]
    return tuple(parts)


def _origin_form(target: str, host: str | None) -> tuple[str, str | None]:
    absolute = _ABSOLUTE_FORM.fullmatch(target)
    if absolute is None:
        return target.partition("?")[0], host
    authority = absolute[1].rpartition("@")[2]
    if not authority:
        raise MalformedPath
    return absolute[2].partition("?")[0] or "/", authority


def _segments(path: str) -> list[str]:
    try:
        # Some clients send UTF-8 unencoded; aiohttp keeps broken octets as lone surrogates.
        octets = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as exc:
        raise MalformedPath from exc
    if not octets.startswith(b"/") or len(octets) > LONGEST_PATH or _PROHIBITED.search(octets):
        raise MalformedPath
    return [_decoded(segment) for segment in octets[1:].split(b"/")]


def _decoded(segment: bytes) -> str:
    octets = unquote_to_bytes(segment)
    try:
        decoded = octets.decode()
    except UnicodeDecodeError as exc:
        raise MalformedPath from exc
    if decoded in {".", ".."} or CONTROL.search(decoded) or len(octets) > LONGEST_SEGMENT:
        raise MalformedPath
    return decoded


def _understood(connector: Connector, segments: list[str]) -> PublicPath:
    by, language, rest = strategy(connector), None, segments
    if by.has_language:
        if not segments or not is_language(segments[0]):
            raise UnknownAddress
        language, rest = segments[0].lower(), segments[1:]
    if not connector.enabled or not rest or len(rest) > 2:  # noqa: PLR2004 - value and file name
        raise UnknownAddress
    value = by.compared(rest[0])
    if not is_addressable(connector, value):
        raise UnknownAddress
    file_name = rest[1] if len(rest) > 1 else ""
    return PublicPath(connector, Address(connector.slug, language, value), file_name or None)


def _root(base: str, connector: Connector) -> str:
    if connector.host is None:
        return f"{base.rstrip('/')}/{connector.slug}"
    parts = _BASE.fullmatch(base)
    if parts is None:
        raise ValueError("The base of public URLs is no http or https URL.")
    return f"{parts[1]}://{connector.host}{parts[3] or ''}"


def _cosmetic(file_name: str) -> str:
    """Return a file name as the last segment of a URL; empty: it cannot be one."""
    if _PLAIN.fullmatch(file_name):
        return "" if file_name in {".", ".."} else file_name
    name = re.sub(r"[/\\]", "_", CONTROL.sub("", file_name))
    name = name.encode("utf-8", "ignore")[:LONGEST_SEGMENT].decode("utf-8", "ignore")
    return "" if name in {".", ".."} else quote(name, safe="")
