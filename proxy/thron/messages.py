"""Requests to THRON's API and the values read from its replies; pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One API request, without host and without token.

    Attributes:
        method: GET or POST.
        path: Path with its client id, such as ``/api/xcontents/resources/content/search/acme``.
        query: Query parameters, not yet encoded.
        form: Form fields; a login's hold the app key.
        json: Body of a JSON service, or None.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it was received.

    Attributes:
        status: Status code.
        media_type: Lower case, without parameters; empty if there was no Content-Type.
        body: The whole content; a login's holds the token.
        retry_after_s: The Retry-After field in seconds, or None.
    """

    status: int
    media_type: str
    body: bytes = field(repr=False)
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A request, and how its reply is deciphered.

    Attributes:
        request: What is sent.
        decipher: Gives the value of a reply, or raises a ThronError.
    """

    request: Request
    decipher: Callable[[Reply], T]


class ContentType(StrEnum):
    """The four types that a connector serves; OTHER are documents (docs/thron.md, 3.1)."""

    VIDEO = "VIDEO"
    IMAGE = "IMAGE"
    AUDIO = "AUDIO"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Title:
    """The name of a content in one language (upper case as THRON gives it, or empty)."""

    language: str
    text: str


@dataclass(frozen=True, slots=True)
class PrettyId:
    """A readable id of a content, under the language it was given for."""

    language: str
    value: str


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """One value of one custom metadata.

    Attributes:
        key: The metadata's key (its name, for legacy metadata).
        value: As text, whatever its type in THRON.
        language: The language of this value, or None where it has none.
        classification_id: The classification that defines the key; None for legacy metadata.
    """

    key: str
    value: str
    language: str | None = None
    classification_id: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What is known of one content (docs/thron.md, 3.1 and 3.2).

    Attributes:
        id: THRON's content id (``xcontentId``).
        content_type: A ContentType, or a type that is never served, such as ``PLAYLIST``.
        creation_date: Aware, UTC; None if missing or unreadable.
        last_update: The same; the last change of the record, not surely of the file.
        titles: One per language.
        pretty_ids: One per language.
        metadata: Every value of every custom metadata that the answer held.
        file_name: Name of the source file.
        channels: Channels with a rendition.
        status: Publishing status, such as ``PUBLISHED``; None if the answer held none.
        category_ids: Folders that the content is linked to, where the answer says.
    """

    id: str
    content_type: str
    creation_date: datetime | None = None
    last_update: datetime | None = None
    titles: tuple[Title, ...] = ()
    pretty_ids: tuple[PrettyId, ...] = ()
    metadata: tuple[MetadataValue, ...] = ()
    file_name: str | None = None
    channels: tuple[str, ...] = ()
    status: str | None = None
    category_ids: tuple[str, ...] = ()
