"""How connectors differ from those there are, and where two stand in each other's way; pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from proxy.connectors.model import Connector, ConnectorSpec
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
