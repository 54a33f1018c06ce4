"""The lines of a connector's summary table, and selections of them, as values; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field

from proxy.catalogue.collisions import AddressStatus
from proxy.connectors.addressability import Addressability, addressability
from proxy.thron.content import Content, Publication
from proxy.thron.messages import SourceFile


class Sort(StrEnum):
    """What the lines are sorted by; equal ones by title.

    Whichever way it goes, lines whose size, media type or version is not known come last.
    """

    TITLE = "title"
    TYPE = "type"
    LANGUAGE = "language"
    IDENTIFIER = "identifier"
    STATUS = "status"
    SIZE = "size"
    MEDIA_TYPE = "media_type"
    MODIFIED = "modified"
    UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which lines are wanted; an empty criterion narrows nothing.

    Attributes:
        search: Words that a line must all have, in its title, identifier, file name or content
            id; without regard to case and accents.
        types: Content types, upper case as THRON has them.
        languages: Lower case; ``""`` for lines without a language.
        statuses: By default all but AddressStatus.REMOVED.
        numbers: Only these lines, by their number.
        content_id: Only the lines of this content.
    """

    search: str = ""
    types: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    statuses: frozenset[AddressStatus] = frozenset()
    numbers: frozenset[int] = frozenset()
    content_id: str | None = None


class UrlRow(NamedTuple):
    """One line: one address of one content, or the lack of one.

    A tuple, because an export makes 100,000 of them.

    Attributes:
        number: Names the line for as long as it exists.
        content_id: THRON's id of the content.
        content_type: Upper case, as THRON has it.
        title: In the line's language, else the first there is; may be empty.
        language: Lower case, of a prettyID; else None.
        value: The identifier's value, decoded; None where the content has none.
        is_addressable: Whether a public URL can be made of it, working now or not.
        status: How it stands.
        serves: Whether the address leads to this content; of several one only.
        since: When it was seen first, or, of a former one, when it was lost.
        updated: The content's last change in THRON, if THRON has it.
        file_name: Of the source file.
        hidden: With AddressStatus.UNPUBLISHED, why; else None.
        is_shortened: Whether the language is ``en`` where THRON has ``en_US``.
        media_type: Of the file that the content's URLs were last seen to give; None where none
            was seen yet, or it was not told. So are the next two.
        size: Its complete length in octets.
        modified: When this version of it was made.
    """

    number: int
    content_id: str
    content_type: str
    title: str
    language: str | None
    value: str | None
    is_addressable: bool
    status: AddressStatus
    serves: bool
    since: datetime
    updated: datetime | None
    file_name: str | None
    hidden: Publication | None = None
    is_shortened: bool = False
    media_type: str | None = None
    size: int | None = None
    modified: datetime | None = None

    @property
    def is_fragile(self) -> bool:
        """Whether proxies in front that decode ``%2F`` and the like would break the URL."""
        return self.value is not None and addressability(self.value) is Addressability.FRAGILE


@dataclass(frozen=True, slots=True)
class UrlRowPage:
    """Some lines of a selection, and how many it has.

    Attributes:
        offset: How many come before the first of these.
    """

    lines: tuple[UrlRow, ...]
    total: int
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Tally:
    """How many contents and rows a connector has; what was removed is counted apart.

    Attributes:
        by_status: Rows, without AddressStatus.REMOVED; a status without rows is 0.
        by_language: Rows; ``""`` for those without a language.
    """

    contents: int
    lines: int
    removed: Annotated[int, Field(description="rows of contents that are no longer in the folder")]
    by_status: Mapping[AddressStatus, int]
    by_type: Annotated[Mapping[str, int], Field(description="contents")]
    by_language: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Collision:
    """An address that several contents claim.

    Attributes:
        lines: One for each; the first has the address.
    """

    language: str | None
    value: str
    lines: tuple[UrlRow, ...]


@dataclass(frozen=True, slots=True)
class SeenVersion:
    """A version of a source file, and when it was first seen here."""

    file: SourceFile
    first_seen: datetime


@dataclass(frozen=True, slots=True)
class CataloguedContent:
    """One content as the catalogue has it.

    Attributes:
        content: As THRON gave it; of its metadata only what the connector's addresses use.
        is_servable: Whether the connector serves it.
        lines: Its addresses, former ones too.
        first_seen: When the catalogue first had it.
        changed: When something of it last changed here.
        confirmed: When THRON last said that it is in the folder; None if not since a change of
            the connector.
        removed_at: When it was found to have left the folder.
        versions: Of its source file, newest first, as far as they were seen.
    """

    content: Content
    is_servable: bool
    lines: tuple[UrlRow, ...]
    first_seen: datetime
    changed: datetime
    confirmed: datetime | None
    removed_at: datetime | None
    versions: tuple[SeenVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownContent:
    """A content that an address led to by the last listing.

    Attributes:
        content: As it was then.
        is_current: Whether the address was current then; else it is a former prettyID.
        age_s: Seconds since THRON last said that it is in the folder; None for too long.
    """

    content: Content = field(repr=False)
    is_current: bool
    age_s: float | None
