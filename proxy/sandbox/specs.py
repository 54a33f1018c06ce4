"""What a simulated tenant holds at its start: folders, contents, metadata definitions.

The words are THRON's (docs/thron.md 3, 5, 6). Languages are upper-case ISO 639-1 codes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from proxy.sandbox.blob import Blob


@dataclass(frozen=True, slots=True)
class FolderSpec:
    """A folder, which THRON calls a category (docs/thron.md 5).

    Attributes:
        id: The folder's id.
        parent_id: The folder above; None at the top of the tenant.
        names: Language to name.
        pretty_ids: (language, value) pairs.
    """

    id: str
    parent_id: str | None
    names: Mapping[str, str]
    pretty_ids: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ContentSpec:
    """A content with its source file and renditions (docs/thron.md 3).

    Attributes:
        id: The xcontentId, a UUID.
        content_type: VIDEO, AUDIO, IMAGE, OTHER, PLAYLIST, URL or PAGELET.
        titles: Language to title.
        descriptions: Language to description.
        pretty_ids: (language, value) pairs.
        external_ids: (key, value) pairs.
        imetadata: (classification id or "", key, language or None, value).
        legacy_metadatas: (name, language or None, value).
        folder_ids: The folders that it is linked to; may be none.
        file_name: The name of the source file as it was uploaded.
        media_type: The media type of the source.
        source: The source file.
        renditions: Channel (or ``std`` for images) to published bytes.
        status: PUBLISHED, DRAFT, PUBLISH_IN_PROGRESS and so on.
        channels: The channels in which it is available.
        shareable: Whether the sandbox's app holds the share right on it.
    """

    id: str
    content_type: str
    creation_date: datetime
    last_update: datetime
    titles: Mapping[str, str]
    file_name: str
    media_type: str
    source: Blob = field(repr=False)
    descriptions: Mapping[str, str] = field(default_factory=dict)
    pretty_ids: tuple[tuple[str, str], ...] = ()
    external_ids: tuple[tuple[str, str], ...] = ()
    imetadata: tuple[tuple[str, str, str | None, str], ...] = ()
    legacy_metadatas: tuple[tuple[str, str | None, str], ...] = ()
    folder_ids: tuple[str, ...] = ()
    renditions: Mapping[str, Blob] = field(default_factory=dict, repr=False)
    status: str = "PUBLISHED"
    channels: tuple[str, ...] = ()
    shareable: bool = True


@dataclass(frozen=True, slots=True)
class ClassificationSpec:
    """A family of tags and metadata definitions (docs/thron.md 6).

    Attributes:
        classification_type: TARGET, TOPIC or CUSTOM.
        names: Language to label.
    """

    id: str
    classification_type: str
    names: Mapping[str, str]
    active: bool = True
    removed: bool = False


@dataclass(frozen=True, slots=True)
class DefinitionSpec:
    """A custom-metadata definition (docs/thron.md 6).

    Attributes:
        classification_id: None for a definition that no classification holds.
        key: Unique over all classifications.
        metadata_type: KEY, STRING, NUMERIC_INTEGER, ALTERNATIVE_M and so on.
        names: Language to label.
        applicable_to: CONTENT, USER, CONTACT.
    """

    id: str
    classification_id: str | None
    key: str
    metadata_type: str
    names: Mapping[str, str]
    visible: bool = True
    removed: bool = False
    applicable_to: tuple[str, ...] = ("CONTENT",)


@dataclass(frozen=True, slots=True)
class Library:
    """Everything a simulated tenant starts with.

    Attributes:
        root_folder_id: The folder on which the sandbox's application is installed; folders
            outside it are there to be invisible.
        contents: May make its members when they are asked for (100,000 generated ones do not fit
            in memory as values): iterate, do not copy.
    """

    root_folder_id: str
    folders: tuple[FolderSpec, ...]
    contents: Sequence[ContentSpec]
    classifications: tuple[ClassificationSpec, ...] = ()
    definitions: tuple[DefinitionSpec, ...] = ()
