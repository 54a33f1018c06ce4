"""A content of the simulated tenant at one moment, and its file versions (docs/thron.md 3)."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxy.sandbox.blob import Blob
from proxy.sandbox.specs import ContentSpec

PUBLISHED = "PUBLISHED"
# The states in which something of a content is out (docs/thron.md 3.1).
OUT = frozenset({PUBLISHED, "PUBLISHED_IN_SOME_CHANNELS"})
# The same of one channel.
_PUBLIC = frozenset({PUBLISHED, "PUBLISHED_THUMBNAIL"})
# The word for a content of which one channel is in one of these states; the first that fits.
_UNFINISHED = (
    ("ERROR", {"PACKAGED_ERROR", "PACKAGED_THUMBNAIL_ERROR", "PUBLISHED_ERROR"}),
    ("INGESTION_IN_PROGRESS", {"INGESTION_INPROGRESS", "PACKAGING_INPROGRESS"}),
    ("PUBLISH_IN_PROGRESS", {"PUBLISHING_INPROGRESS"}),
    ("UNPUBLISHING_IN_PROGRESS", {"UNPUBLISHING_INPROGRESS"}),
    ("READY", {"PACKAGED"}),
)


@dataclass(frozen=True, slots=True)
class Version:
    """One source file of a content with what was published from it.

    Attributes:
        number: Counts from 1.
        renditions: Channel (``std`` for images) to published bytes.
        created_s: Unix seconds.
    """

    content_id: str
    number: int
    file_name: str
    media_type: str
    source: Blob = field(repr=False)
    renditions: Mapping[str, Blob] = field(repr=False)
    created: datetime

    @property
    def id(self) -> str:
        """The versionId, shaped like a UUID: each version has its own, so static names change."""
        seed = f"version {self.number} of {self.content_id}".encode()
        digest = hashlib.sha256(seed).hexdigest()
        return f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"

    @property
    def extension(self) -> str:
        """The source file's extension without its dot; empty where there is none."""
        stem, _, extension = self.file_name.rpartition(".")
        return extension if stem and extension.isalnum() else ""


@dataclass(frozen=True, slots=True)
class SimulatedContent:
    """A content's record, immutable: every change makes the next one.

    Attributes:
        record_version: Grows with each save of the record.
        versions: File versions, oldest first; never empty.
        channels: Those that are out.
        unfinished: Other channels, each with its state.
        trashed: Unlinked from all folders and without ACLs, yet delivered (docs/thron.md 3.4).
    """

    id: str
    content_type: str
    creation_date: datetime
    last_update: datetime
    titles: Mapping[str, str]
    descriptions: Mapping[str, str]
    pretty_ids: tuple[tuple[str, str], ...]
    external_ids: tuple[tuple[str, str], ...]
    imetadata: tuple[tuple[str, str, str | None, str], ...]
    legacy_metadatas: tuple[tuple[str, str | None, str], ...]
    folder_ids: tuple[str, ...]
    status: str
    channels: tuple[str, ...]
    shareable: bool
    versions: tuple[Version, ...]
    record_version: int = 1
    trashed: bool = False
    unfinished: tuple[tuple[str, str], ...] = ()

    @property
    def is_out(self) -> bool:
        """Whether something of it is delivered."""
        return self.status in OUT or (self.status != "DRAFT" and bool(self.channels))

    @property
    def version(self) -> Version:
        """The newest file version."""
        return self.versions[-1]

    @property
    def title(self) -> str:
        """The English title, else the first one, else nothing."""
        return self.titles.get("EN") or next(iter(self.titles.values()), "")

    def published_version(self, *, now: float, lag_s: float) -> Version:
        """Return the version whose renditions are out: a new one takes ``lag_s`` to get there."""
        ready = [v for v in self.versions[1:] if v.created.timestamp() + lag_s <= now]
        return ready[-1] if ready else self.versions[0]


def first(spec: ContentSpec) -> SimulatedContent:
    """Return a content as the library describes it."""
    version = Version(
        content_id=spec.id,
        number=1,
        file_name=spec.file_name,
        media_type=spec.media_type,
        source=spec.source,
        renditions=spec.renditions,
        created=spec.creation_date,
    )
    return SimulatedContent(
        id=spec.id,
        content_type=spec.content_type,
        creation_date=spec.creation_date,
        last_update=spec.last_update,
        titles=spec.titles,
        descriptions=spec.descriptions,
        pretty_ids=spec.pretty_ids,
        external_ids=spec.external_ids,
        imetadata=spec.imetadata,
        legacy_metadatas=spec.legacy_metadatas,
        folder_ids=spec.folder_ids,
        status=spec.status,
        channels=spec.channels,
        shareable=spec.shareable,
        versions=(version,),
        trashed=not spec.folder_ids,
    )


def derived_status(states: Iterable[str]) -> str:
    """Return the status of a content whose channels are in these states (docs/thron.md 3.1).

    One channel that is not finished has the word, whatever the others are.
    """
    found = set(states)
    for word, marks in _UNFINISHED:
        if found & marks:
            return word
    return PUBLISHED if found & _PUBLIC else "DRAFT"


def public_channels(states: Mapping[str, str]) -> tuple[str, ...]:
    """Return those of some channels that are out."""
    return tuple(channel for channel, state in states.items() if state in _PUBLIC)


def static_name(version: Version, *, channel: str, extension: str, edit: str = "") -> str:
    """Return the generated name of a published file: ``{6}_{source name}_{6}.{extension}``.

    Videos carry a bitrate behind their source's extension (docs/thron.md 7.2). The same version,
    channel and image edit always give the same name; anything else another.
    """
    seed = hashlib.sha256(f"{version.id} {channel} {extension} {edit}".encode()).digest()
    letters = "".join("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[octet % 36] for octet in seed[:12])
    stem = version.file_name.rpartition(".")[0] or version.file_name
    stem = re.sub(r"[^A-Za-z0-9.-]+", "_", stem).strip("_")[:80] or "file"
    bitrate = f".{extension}-2000" if version.media_type.startswith("video/") else ""
    return f"{letters[:6]}_{stem}{bitrate}_{letters[6:]}" + (f".{extension}" if extension else "")


def aware(seconds: float) -> datetime:
    """Return unix seconds as an aware time."""
    return datetime.fromtimestamp(seconds, UTC)
