"""The connector, one installation on one THRON folder, and its rules; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from proxy.catalogue.addressability import (
    Addressability,
    addressability,
    is_id,
    is_language,
    normalised,
)
from proxy.thron.messages import Content, ContentType

ALL_CONTENT_TYPES = frozenset(ContentType)

RESERVED_SEGMENTS = frozenset({"-", "robots.txt", "favicon.ico", ".well-known"})
"""First segments that belong to the gateway: no slug, and no value on a connector's own host."""

# States of docs/thron.md, 3.1. In the second line a new version is on its way (3.4): what was
# published before is served as long as a channel of it is there.
_PUBLISHED = frozenset({"PUBLISHED", "PUBLISHED_IN_SOME_CHANNELS"})
_IN_BETWEEN = frozenset({"PUBLISH_IN_PROGRESS", "INGESTION_IN_PROGRESS", "ERROR"})

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
    """

    language: str | None
    value: str


def is_servable(connector: Connector, content: Content, *, was_published: bool = False) -> bool:
    """Tell whether a content of the connector's folder is of its types, and published.

    Args:
        connector: Gives the types.
        content: As THRON has it now.
        was_published: As ``is_published`` has it.
    """
    return _is_of_types(connector, content) and is_published(content, was_published=was_published)


def is_published(content: Content, *, was_published: bool = False) -> bool:
    """Tell whether THRON delivers a content.

    THRON leaves out what is null, so a content without a status counts as published (assumed).

    Args:
        content: As THRON has it now.
        was_published: What this said of it last. While a new version is on its way a content that
            was published stays so; of others a channel must be there. THRON lists none for images.
    """
    status = (content.status or "PUBLISHED").upper()
    return status in _PUBLISHED or (
        status in _IN_BETWEEN and (was_published or bool(content.channels))
    )


def is_in_between(content: Content) -> bool:
    """Tell whether a new version of a content is on its way, or failed on it."""
    return (content.status or "").upper() in _IN_BETWEEN


def claims(connector: Connector, content: Content) -> tuple[Claim, ...]:
    """Return the addresses that a content claims, each once, in THRON's order.

    What is not addressable is left out: an empty value, a prettyId without a language. Values of
    a metadata claim in every language; those of a classification other than the connector's do
    not (docs/thron.md, 4.6).
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


def winner(contents: Iterable[Content]) -> Content | None:
    """Return which of several servable contents an address that all of them claim belongs to.

    The smallest (creation date, id), for ever the same whoever asks; a content whose creation
    date is missing comes after those that have one. None if there are no contents.
    """
    return min(contents, key=_seniority, default=None)


def _seniority(content: Content) -> tuple[datetime, str]:
    return (content.creation_date or _END_OF_TIME, content.id)


def _is_of_types(connector: Connector, content: Content) -> bool:
    return content.content_type.upper() in connector.content_types


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
