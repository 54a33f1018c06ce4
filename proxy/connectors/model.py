"""The connector, one installation on one THRON folder, and its rules; pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from proxy.connectors.addressability import (
    Addressability,
    addressability,
    is_id,
    is_language,
    normalised,
)
from proxy.thron.messages import Content, ContentType, Publication, publication

ALL_CONTENT_TYPES = frozenset(ContentType)

RESERVED_SEGMENTS = frozenset({"-", "robots.txt", "favicon.ico", ".well-known"})
"""First segments that belong to the gateway: no slug, and no value on a connector's own host."""

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class Identifier(StrEnum):
    """What names a content in an address."""

    CONTENT_ID = "content_id"
    PRETTY_ID = "pretty_id"
    METADATA = "metadata"


class DeliveryMode(StrEnum):
    """Which bytes are served: the source file, or the rendition on the CDN."""

    ORIGINAL = "original"
    PUBLISHED = "published"


class Disposition(StrEnum):
    """What a browser does with the content (RFC 6266, 4.2)."""

    ATTACHMENT = "attachment"
    INLINE = "inline"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """One installation on one folder; ``connector_form`` is where its values are checked.

    Attributes:
        slug: Its name, and the first segment of its addresses: ``[a-z0-9][a-z0-9-]{0,62}``.
        folder: The folder as the operator wrote it, an id or a prettyId.
        folder_id: THRON's id of that folder; empty until resolved.
        identifier: What names a content in an address.
        metadata: The key of the metadata, with Identifier.METADATA only.
        classification_id: Defines that key; None until resolved, and for legacy metadata.
        enabled: Whether anything is served at all.
        subfolders: Whether contents of folders below are served too.
        content_types: The types served.
        force_https: Whether plain requests are redirected.
        delivery: Which bytes are served.
        disposition: What browsers do where the query does not say.
        only_published: Whether contents that THRON does not publish are left out; they have no
            renditions, so False goes with DeliveryMode.ORIGINAL alone.
        max_age_s: Freshness lifetime told to caches, in seconds.
        robots: The X-Robots-Tag field, or empty.
        host: A host of its own, lower case; there the addresses have no slug.
    """

    slug: str
    folder: str
    folder_id: str = ""
    identifier: Identifier
    metadata: str | None = None
    classification_id: str | None = None
    enabled: bool = True
    subfolders: bool = True
    content_types: frozenset[ContentType] = ALL_CONTENT_TYPES
    force_https: bool = False
    delivery: DeliveryMode = DeliveryMode.ORIGINAL
    disposition: Disposition = Disposition.ATTACHMENT
    only_published: bool = True
    max_age_s: int = 300
    robots: str = ""
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Connectors:
    """Every connector at one revision.

    Attributes:
        revision: Grows with every change; equal revisions mean equal connectors.
        all: Ordered by slug.
        is_new: Whether there has never been any, so that the database may just have been made, in
            place of one that was lost: then no address can be said to lead nowhere.
    """

    revision: int
    all: tuple[Connector, ...]
    is_new: bool = field(default=False, compare=False)
    _by_slug: dict[str, Connector] = field(init=False, repr=False, compare=False)
    _by_host: dict[str, Connector] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_slug", {each.slug: each for each in self.all})
        hosts = {each.host.lower(): each for each in self.all if each.host}
        object.__setattr__(self, "_by_host", hosts)

    def of_slug(self, slug: str) -> Connector | None:
        """Return the connector of a slug, whether or not it has a host of its own."""
        return self._by_slug.get(slug)

    def of_host(self, host: str) -> Connector | None:
        """Return the connector whose own host this is.

        Args:
            host: A Host field value (RFC 9110, 7.2): any case, with or without a port.
        """
        return self._by_host.get(_host_name(host)) if self._by_host else None


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One address that a content lays claim to in a connector.

    Attributes:
        language: Lower case, with Identifier.PRETTY_ID; else None.
        value: The identifier's value as addresses compare it.
        is_shortened: Whether the language is ``en`` where THRON has ``en_US``. Such a claim gives
            way to every other, and counts only where a single content makes it.
    """

    language: str | None
    value: str
    is_shortened: bool = field(default=False, compare=False)


def is_servable(connector: Connector, content: Content, *, was_published: bool = False) -> bool:
    """Tell whether a content of the connector's folder is of its types, and published if need be.

    Args:
        connector: Gives the types, and whether only what is published is served.
        content: As THRON has it now.
        was_published: As ``publication`` has it.
    """
    if not is_of_types(connector, content):
        return False
    found = publication(content.status, content.channels, was_published=was_published)
    return not connector.only_published or found is Publication.PUBLISHED


def is_unfinished(connector: Connector, content: Content) -> bool:
    """Tell whether a content has no rendition yet that the connector could deliver, and may soon.

    An original is there all the time, so that a connector of originals has nothing to wait for.
    """
    return (
        connector.delivery is DeliveryMode.PUBLISHED
        and is_of_types(connector, content)
        and publication(content.status, content.channels) is Publication.IN_PROGRESS
    )


def is_of_types(connector: Connector, content: Content) -> bool:
    """Tell whether a content is of the connector's types."""
    return content.content_type.upper() in connector.content_types


def claims(connector: Connector, content: Content) -> tuple[Claim, ...]:
    """Return the addresses that a content claims, each once, in THRON's order.

    What is not addressable is left out: an empty value, a prettyId without a language. A prettyId
    of ``en_US`` claims under ``en`` too, unless the content has one for ``en`` itself. Values of a
    metadata claim in every language; those of a classification other than the connector's do not
    (docs/thron.md, 4.6).
    """
    match connector.identifier:
        case Identifier.CONTENT_ID:
            found = [Claim(None, content.id)] if is_addressable(connector, content.id) else []
        case Identifier.PRETTY_ID:
            found = [
                Claim(each.language.lower(), each.value)
                for each in content.pretty_ids
                if is_language(each.language) and is_addressable(connector, each.value)
            ]
            found += _shortened(found)
        case Identifier.METADATA:
            found = [Claim(None, value) for value in _metadata_values(connector, content)]
    return tuple(dict.fromkeys(found))


def is_addressable(connector: Connector, value: str) -> bool:
    """Tell whether a value of the connector's identifier can stand in its addresses."""
    by_pretty_id = connector.identifier is Identifier.PRETTY_ID
    if connector.host and not by_pretty_id and value in RESERVED_SEGMENTS:
        return False  # there it would be the first segment
    if connector.identifier is not Identifier.METADATA:
        return is_id(value)
    return addressability(normalised(value)) is not Addressability.NONE


def winner(connector: Connector, claim: Claim, contents: Iterable[Content]) -> Content | None:
    """Return which of several servable contents an address belongs to; None if none claims it.

    Of those that claim it the smallest (creation date, id), for ever the same whoever asks; a
    content whose creation date is missing comes after those that have one. A claim under a
    shortened language counts only without any other.
    """
    found = [
        (own, content) for content in contents for own in claims(connector, content) if own == claim
    ]
    proper = [content for own, content in found if not own.is_shortened]
    if proper or len(found) != 1:
        return min(proper, key=_seniority, default=None)
    return found[0][1]


def _seniority(content: Content) -> tuple[datetime, str]:
    return (content.creation_date or _END_OF_TIME, content.id)


def _shortened(found: Iterable[Claim]) -> list[Claim]:
    """Return the claims under the languages alone, where those are given with a region."""
    own = {claim.language for claim in found}
    short = [
        (re.split("[-_]", claim.language or "", maxsplit=1)[0], claim.value) for claim in found
    ]
    return [
        Claim(language, value, is_shortened=True)
        for language, value in short
        if language not in own
    ]


def _metadata_values(connector: Connector, content: Content) -> Iterable[str]:
    for each in content.metadata:
        same_key = each.key == connector.metadata
        same_place = connector.classification_id in {None, each.classification_id}
        if same_key and same_place and is_addressable(connector, each.value):
            yield normalised(each.value)


def _host_name(host: str) -> str:
    name, colon, port = host.strip().rpartition(":")
    if not colon or not (port.isdigit() or not port):
        name = host.strip()
    return name.lower().removesuffix(".")
