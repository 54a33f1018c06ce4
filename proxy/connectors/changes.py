"""A change of connectors: what differs, who conflicts, what breaks or becomes public; pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import orjson
from pydantic import Field

from proxy.connectors.folder_statistics import FolderStatistics
from proxy.connectors.identifiers import naming_of
from proxy.connectors.model import Connector, ConnectorSpec
from proxy.connectors.values import TYPE_NAMES, TypeWord
from proxy.text import Text


@dataclass(frozen=True, slots=True)
class Changes:
    """Which connectors of a document are new, which differ, which are as they were; by slug."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def compare(known: Mapping[str, Connector], wanted: Sequence[Connector]) -> Changes:
    """Return what applying connectors to known ones would do.

    Args:
        known: By slug.
        wanted: With their folders resolved; known ones that are not among them stay.
    """
    return Changes(
        created=tuple(each.slug for each in wanted if each.slug not in known),
        changed=tuple(
            each.slug for each in wanted if each.slug in known and known[each.slug] != each
        ),
        unchanged=tuple(each.slug for each in wanted if known.get(each.slug) == each),
    )


@dataclass(frozen=True, slots=True)
class Conflict:
    """A slug, or a host, that more than one connector would have.

    Attributes:
        text: A sentence.
        slugs: Of the connectors that want a host; of one alone where it stands there twice.
    """

    text: str
    slugs: tuple[str, ...]


def conflicts(known: Mapping[str, Connector], wanted: Sequence[Connector]) -> tuple[Conflict, ...]:
    """Return why connectors cannot stand side by side: one slug or one host for two of them."""
    slugs = [each.slug for each in wanted]
    found = [
        Conflict(f"connector {slug}: this slug is there twice.", (slug,))
        for slug in sorted({each for each in slugs if slugs.count(each) > 1})
    ]
    after = {**known, **{each.slug: each for each in wanted}}
    holders: dict[str, list[str]] = {}
    for each in after.values():
        if each.host:
            holders.setdefault(each.host, []).append(each.slug)
    found += [
        Conflict(
            f"host {host}: {' and '.join(sorted(slugs))} want it; a host answers for one"
            " connector.",
            tuple(sorted(slugs)),
        )
        for host, slugs in holders.items()
        if len(slugs) > 1
    ]
    return tuple(found)


def conflicting_keys(
    connector: Connector, others: Mapping[str, Connector], *, is_new: bool
) -> tuple[tuple[str, Text], ...]:
    """Return the keys by which a connector stands in the way of others, and why.

    Args:
        connector: As it would be.
        others: Those that there are, by slug.
        is_new: Whether its slug must not be among them.
    """
    found: list[tuple[str, Text]] = []
    if is_new and connector.slug in others:
        found.append(("slug", Text("There is already a connector with this name. Choose another.")))
    found += [
        ("host", Text("The connector {slug} already has this host. Choose another.", slug=slug))
        for each in conflicts(others, [connector])
        for slug in each.slugs
        if slug != connector.slug
    ]
    return tuple(found)


def differences(old: Connector | None, new: Connector | None) -> dict[str, Any]:
    """Return what is different, as plain values: ``{"max_age_s": {"old": 300, "new": 60}}``."""
    before, after = _plain(old), _plain(new)
    return {
        key: {"old": before.get(key), "new": after.get(key)}
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    }


def state_of(connector: ConnectorSpec) -> str:
    """Return what tells a connector from what it becomes once somebody changes it.

    Every process gives the same: a set is sorted, for its own order is another in each.
    """
    plain = orjson.dumps(_plain(connector), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(plain).hexdigest()[:16]


def _plain(connector: ConnectorSpec | None) -> dict[str, Any]:
    if connector is None:
        return {}
    return {**dict(connector), "content_types": sorted(connector.content_types)}


class Reason(StrEnum):
    """Why a URL would stop working, in the order in which it is judged."""

    REMOVED = "removed"
    DISABLED = "disabled"
    HOST = "host"
    IDENTIFIER = "identifier"
    METADATA = "metadata"
    TYPE = "type"
    UNPUBLISHED = "unpublished"
    FOLDER = "folder"


def break_reasons(old: Connector | None, new: Connector | None) -> tuple[Reason, ...]:
    """Return why public URLs of a connector would stop working; nothing if none would.

    Args:
        old: As it is now, if there is one; what is disabled has no working URLs.
        new: As it would be, of the same slug; None: removed.
    """
    if old is None or not old.enabled:
        return ()
    if new is None:
        return (Reason.REMOVED,)
    if not new.enabled:
        return (Reason.DISABLED,)
    same_identifier = old.identifier is new.identifier
    found = {
        Reason.HOST: old.host != new.host,
        Reason.IDENTIFIER: not same_identifier,
        Reason.METADATA: same_identifier and naming_of(old) != naming_of(new),
        Reason.TYPE: bool(old.content_types - new.content_types),
        Reason.UNPUBLISHED: new.only_published and not old.only_published,
        Reason.FOLDER: _folder(old) != _folder(new) or (old.subfolders and not new.subfolders),
    }
    return tuple(reason for reason, is_so in found.items() if is_so)


def breaks(old: Connector | None, new: Connector) -> tuple[str, ...]:
    """Return the same in sentences."""
    if old is None:
        return ()
    lost = old.content_types - new.content_types
    types = ", ".join(TYPE_NAMES[word].lower() for word in TypeWord if word.content_type in lost)
    one, other = old.host or "the common one", new.host or "the common one"
    folder = (
        f"The folder would change from {old.folder} to {new.folder}: URLs of contents outside the"
        " new one would stop working."
        if _folder(old) != _folder(new)
        else "URLs of contents in folders below would stop working."
    )
    sentences = {
        Reason.DISABLED: "The connector would be disabled: none of its URLs would work.",
        Reason.HOST: f"The host would change from {one} to {other}: URLs on the old one would stop"
        " working.",
        Reason.IDENTIFIER: f"The identifier would change from {old.identifier} to"
        f" {new.identifier}: every URL would change.",
        Reason.METADATA: f"The metadata would change from {old.metadata} to {new.metadata}: every"
        " URL would change.",
        Reason.TYPE: f"URLs of {types} would stop working.",
        Reason.UNPUBLISHED: "URLs of contents that THRON does not publish would stop working.",
        Reason.FOLDER: folder,
    }
    return tuple(sentences[reason] for reason in break_reasons(old, new))


def _folder(connector: Connector) -> str:
    return connector.folder_id or connector.folder


def break_reason(
    old: Connector,
    new: Connector | None,
    *,
    content_id: str,
    content_type: str,
    is_published: bool,
    holds: Callable[[str], bool],
) -> Reason | None:
    """Return why the URLs of one content would stop working; None if they would not.

    Args:
        old: Enabled.
        new: Resolved, of the same slug; None: it would be removed.
        content_id: Of a content that is served.
        content_type: Its type.
        is_published: Whether THRON publishes it.
        holds: Whether the new folder holds a content.
    """
    for why in break_reasons(old, new):
        match why:
            case Reason.TYPE:
                is_so = new is not None and content_type not in new.content_types
            case Reason.UNPUBLISHED:
                is_so = not is_published
            case Reason.FOLDER:
                is_so = not holds(content_id)
            case _:
                is_so = True
        if is_so:
            return why
    return None


@dataclass(frozen=True, slots=True)
class BrokenUrl:
    """A URL that works now, and would stop working.

    Attributes:
        number: Of its row in the catalogue; they are listed in this order.
    """

    number: Annotated[int, Field(exclude=True)]
    url: str
    title: str
    content_type: str
    reason: Reason
    new_url: Annotated[
        str | None, Field(description="that takes its place; null: none, or none known yet")
    ] = None


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many URLs stop working for one reason."""

    reason: Reason
    urls: int


MARK = 1000


@dataclass(frozen=True, slots=True)
class BrokenUrls:
    """URLs that work now, and would stop working."""

    total: int = 0
    by_reason: tuple[ReasonCount, ...] = ()
    sample: Annotated[tuple[BrokenUrl, ...], Field(description="the first of them")] = ()
    # The number of each MARK-th of them: from there a page deep in the list is read.
    marks: Annotated[tuple[int, ...], Field(exclude=True)] = field(default=(), repr=False)


NONE_BROKEN = BrokenUrls()


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change of a connector does to its URLs and contents.

    Attributes:
        old: As it is; None: there is none yet.
        new: As it would be, resolved; None: removed.
        folder_name: The folder's name in THRON, where it was asked.
        changed: The keys that would differ.
        broken: URLs that would stop working.
        is_exact: Whether those were told from the whole of the new folder.
        is_wider: Whether contents could become public that are not now.
        statistics: Of the new folder; None where nothing had to be counted.
    """

    old: Connector | None
    new: Connector | None
    folder_name: str = ""
    changed: frozenset[str] = frozenset()
    broken: BrokenUrls = NONE_BROKEN
    is_exact: bool = True
    is_wider: bool = False
    statistics: FolderStatistics | None = None

    @property
    def contents(self) -> int:
        """How many contents have an address afterwards, as far as they were counted."""
        if self.new is None or self.statistics is None:
            return 0
        return self.statistics.figures_of(self.new).have

    @property
    def is_at_least(self) -> bool:
        """Whether there may be more of them."""
        return (
            self.new is not None
            and self.statistics is not None
            and self.statistics.is_at_least(self.new)
        )

    @property
    def public(self) -> int | None:
        """The number of contents, where some of them could become public; else None."""
        return self.contents if self.is_wider else None

    @property
    def is_harmless(self) -> bool:
        """Whether nothing breaks and nothing more becomes public."""
        return not self.broken.total and self.public is None and self.is_exact


def reaches_further(old: Connector | None, new: Connector | None) -> bool:
    """Tell whether contents could become public that are not now."""
    if new is None or not new.enabled:
        return False
    if old is None or not old.enabled or old.folder_id != new.folder_id:
        return True
    return (
        bool(new.content_types - old.content_types)
        or (new.subfolders and not old.subfolders)
        or (old.only_published and not new.only_published)
        or naming_of(new) != naming_of(old)
    )


def resolved(old: Connector, wanted: Connector) -> Connector | None:
    """Return a connector with what THRON resolved for it before; None if it has to be asked."""
    same_folder = wanted.folder in {old.folder, old.folder_id}
    if not same_folder or not old.folder_id:
        return None
    if (wanted.identifier, wanted.metadata) != (old.identifier, old.metadata):
        return None
    return wanted.model_copy(
        update={
            "folder": old.folder,
            "folder_id": old.folder_id,
            "classification_id": old.classification_id,
        }
    )
