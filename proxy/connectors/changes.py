"""What a change of connectors does: to the document, and to public URLs that exist; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.connectors.model import Connector, Identifier
from proxy.thron.content import ContentType

_WORDS = {
    ContentType.VIDEO: "videos",
    ContentType.IMAGE: "images",
    ContentType.AUDIO: "audio",
    ContentType.OTHER: "documents",
}


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
        for slug in _repeated(slugs)
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


def differences(old: Connector | None, new: Connector | None) -> dict[str, Any]:
    """Return what is different, as plain values: ``{"max_age_s": {"old": 300, "new": 60}}``."""
    before, after = _plain(old), _plain(new)
    return {
        key: {"old": before.get(key), "new": after.get(key)}
        for key in {**before, **after}
        if before.get(key) != after.get(key)
    }


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


def break_reasons(old: Connector, new: Connector | None) -> tuple[Reason, ...]:
    """Return why public URLs of a connector would stop working; nothing if none would.

    Args:
        old: As it is now; what is disabled has no working URLs.
        new: As it would be, of the same slug; None: removed.
    """
    if not old.enabled:
        return ()
    if new is None:
        return (Reason.REMOVED,)
    if not new.enabled:
        return (Reason.DISABLED,)
    same_identifier = old.identifier is new.identifier
    by_metadata = new.identifier is Identifier.METADATA
    found = {
        Reason.HOST: old.host != new.host,
        Reason.IDENTIFIER: not same_identifier,
        Reason.METADATA: same_identifier and by_metadata and _metadata(old) != _metadata(new),
        Reason.TYPE: bool(old.content_types - new.content_types),
        Reason.UNPUBLISHED: new.only_published and not old.only_published,
        Reason.FOLDER: _folder(old) != _folder(new) or (old.subfolders and not new.subfolders),
    }
    return tuple(reason for reason, is_so in found.items() if is_so)


def breaks(old: Connector, new: Connector) -> tuple[str, ...]:
    """Return the same in sentences."""
    lost = old.content_types - new.content_types
    types = ", ".join(_WORDS[each] for each in ContentType if each in lost)
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


def _metadata(connector: Connector) -> tuple[str | None, str | None]:
    return connector.metadata, connector.classification_id


def _plain(connector: Connector | None) -> dict[str, Any]:
    if connector is None:
        return {}
    return {**dict(connector), "content_types": sorted(connector.content_types)}


def _repeated(words: Sequence[str]) -> list[str]:
    return sorted({word for word in words if words.count(word) > 1})
