"""A content of THRON, read from any of the forms in which its services give it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from proxy.thron.json_fields import Members, as_text, date, items, members, text


class ContentType(StrEnum):
    """The four types that a connector serves; OTHER are documents (docs/thron.md 3.1)."""

    VIDEO = "VIDEO"
    IMAGE = "IMAGE"
    AUDIO = "AUDIO"
    OTHER = "OTHER"


class Publication(StrEnum):
    """Whether THRON delivers a content, and where it does not, why (docs/thron.md 3.1).

    Attributes:
        PUBLISHED: It is delivered.
        DRAFT: Its status is DRAFT.
        IN_PROGRESS: No channel is public yet, and the status says that one is being prepared.
        NO_CHANNEL: No channel is public, and nothing says that one will be.
    """

    PUBLISHED = "published"
    DRAFT = "draft"
    IN_PROGRESS = "in_progress"
    NO_CHANNEL = "no_channel"


# States of docs/thron.md 3.1. While a new version is on its way, or failed on it, what was
# published before stays published; READY and UNPUBLISHING... are also how a content leaves.
_PUBLISHED = frozenset({"PUBLISHED", "PUBLISHED_IN_SOME_CHANNELS"})
_NEW_VERSION = frozenset({"PUBLISH_IN_PROGRESS", "INGESTION_IN_PROGRESS", "ERROR"})
_UNFINISHED = ("READY", "ERROR", "_INPROGRESS", "_IN_PROGRESS")


@dataclass(frozen=True, slots=True)
class Title:
    """The name of a content in one language (as THRON gives it, mostly upper case, or empty)."""

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
    """What is known of one content (docs/thron.md 3.1 and 3.2).

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


def publication(
    status: str | None, channels: Iterable[str], *, was_published: bool = False
) -> Publication:
    """Return whether THRON delivers a content.

    The public channels decide before the status: READY, ERROR and the words of progress say that
    one channel is not finished, while others may be public. What was published when it was last
    read stays so while a new version is on its way and THRON lists no channel. docs/thron.md 3.1.
    """
    word, public = (status or "").upper(), tuple(channels)
    if word == "DRAFT":
        return Publication.DRAFT
    if word in _PUBLISHED or not all(is_streaming(each) for each in public):
        return Publication.PUBLISHED
    if word.endswith(_UNFINISHED):
        is_kept = was_published and word in _NEW_VERSION
        return Publication.PUBLISHED if public or is_kept else Publication.IN_PROGRESS
    return Publication.NO_CHANNEL


def is_streaming(channel: str) -> bool:
    """Tell whether a channel gives no file (docs/thron.md 3.1)."""
    return "STREAM" in channel.upper()


def read_content(item: Any) -> Content | None:
    """Return the content of one list item, or None if it is broken (no id or no type).

    It may be a search item with ``details`` (docs/thron.md 3.2), a record in a wrapper
    (``{content, source, linkedCategories}``, 4.3 and 4.4), or a bare record (3.1).
    """
    outer = members(item)
    record = members(outer.get("content")) or outer
    # A later layer counts before an earlier one, and null never.
    layers = (outer, record, members(record.get("details")))
    facts = {name: value for layer in layers for name, value in layer.items() if value is not None}
    content_id, content_type = text(record, "id"), text(record, "contentType")
    if not content_id or not content_type:
        return None
    status = text(facts, "publishingStatus") or text(members(facts.get("weebo")), "status")
    return Content(
        id=content_id,
        content_type=content_type.upper(),
        creation_date=date(facts, "creationDate"),
        last_update=date(facts, "lastUpdate"),
        titles=read_titles(facts),
        pretty_ids=read_pretty_ids(facts),
        metadata=tuple(_read_metadata(facts)),
        file_name=text(members(facts.get("source")), "fileName") or None,
        channels=tuple(dict.fromkeys(_read_channels(facts))),
        status=status.upper() if status else None,
    )


def read_titles(facts: Members) -> tuple[Title, ...]:
    """Return the names of a content or folder, in THRON's order."""
    named = (
        (language_of(each), text(members(each), "name", "label"))
        for each in items(facts, "locales", "names")
    )
    return tuple(Title(language or "", name) for language, name in named if name)


def read_pretty_ids(facts: Members) -> tuple[PrettyId, ...]:
    """Return the readable ids of a content or folder."""
    found = (
        (language_of(each), text(members(each), "id") or as_text(each))
        for each in items(facts, "prettyIds")
    )
    return tuple(PrettyId(language or "", value) for language, value in found if value)


def language_of(item: Any) -> str | None:
    """Return a language, which some services call ``locale`` and others ``lang``."""
    return text(members(item), "locale", "lang") or None


def _read_metadata(facts: Members) -> Iterator[MetadataValue]:
    for each in map(members, items(facts, "imetadata", "imetadatas")):
        key, classification_id = text(each, "key"), text(each, "classificationId") or None
        for value in map(as_text, items(each, "value", "values")):  # ALTERNATIVE_M has several
            if key and value is not None:
                yield MetadataValue(key, value, language_of(each), classification_id)
    for each in map(members, items(facts, "metadatas")):
        name, value = text(each, "name"), text(each, "value")
        # Names such as _SOURCE_MIMETYPE_ are THRON's own, not the company's.
        is_system = name is not None and name.startswith("_") and name.endswith("_")
        if name and value is not None and not is_system:
            yield MetadataValue(name, value, language_of(each))


def _read_channels(facts: Members) -> Iterator[str]:
    for each in items(facts, "availableChannels"):
        channel = as_text(each) or text(members(each), "channelType")
        if channel:
            yield channel.upper()
    for each in map(members, items(members(facts.get("weebo")), "weeboChannels")):
        channel = text(each, "channelType")
        if channel and (text(each, "status") or "PUBLISHED").upper() == "PUBLISHED":
            yield channel.upper()
