"""A folder of THRON (a category, in its words) and the definitions of custom metadata."""

from dataclasses import dataclass
from typing import Any

from proxy.thron.content import PrettyId, Title, read_pretty_ids, read_titles
from proxy.thron.json_fields import Members, as_text, flag, items, members, number, text


@dataclass(frozen=True, slots=True)
class Category:
    """One folder (docs/thron.md 5).

    Attributes:
        id: THRON's category id.
        names: One per language; empty for system folders.
        parent_id: None for a root, or if the answer does not say.
        ancestor_ids: In THRON's order, from the root.
        pretty_ids: Readable ids, which services accept in place of the id.
        children: Sub-folders, where the answer was asked to hold them.
        contents: How many contents are linked to it, where the answer says.
        subfolders: How many sub-folders it has, where the answer says.
    """

    id: str
    names: tuple[Title, ...] = ()
    parent_id: str | None = None
    ancestor_ids: tuple[str, ...] = ()
    pretty_ids: tuple[PrettyId, ...] = ()
    children: tuple["Category", ...] = ()
    contents: int | None = None
    subfolders: int | None = None


@dataclass(frozen=True, slots=True)
class Classification:
    """A set of metadata definitions (docs/thron.md 6).

    Attributes:
        id: THRON's classification id.
        names: One per language.
        active: False if it is switched off or lies in the trash.
    """

    id: str
    names: tuple[Title, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True)
class MetadataDefinition:
    """One custom metadata as THRON defines it (docs/thron.md 6).

    Attributes:
        key: What contents carry its values under.
        metadata_type: ``KEY``, ``STRING``, ``NUMERIC_INTEGER``, ``ALTERNATIVE_M`` ...
        classification_id: The classification that it was listed for.
        names: One per language.
        visible: Whether THRON shows it.
        removed: Whether it lies in THRON's trash.
        for_contents: Whether contents may carry it (others are for users and contacts).
    """

    key: str
    metadata_type: str
    classification_id: str | None = None
    names: tuple[Title, ...] = ()
    visible: bool = True
    removed: bool = False
    for_contents: bool = True


# Deeper than any tree of folders; an answer nested further is cut there, not followed.
_DEEPEST = 50


def read_category(item: Any, *, depth: int = 0) -> Category | None:
    """Return a folder from a bare record or a list item around it, or None if it has no id."""
    outer = members(item)
    record = members(outer.get("category")) or outer
    category_id = text(record, "id")
    if not category_id:
        return None
    return Category(
        id=category_id,
        names=read_titles(record),
        parent_id=text(record, "upCategoryId") or None,
        ancestor_ids=tuple(filter(None, map(as_text, items(record, "ancestorIds")))),
        pretty_ids=read_pretty_ids(record),
        children=_read_children(record, depth=depth + 1),
        contents=number(outer, "numberOfContents"),
        subfolders=number(outer, "numberOfSubCategories"),
    )


def read_classification(item: Any) -> Classification | None:
    """Return a classification, or None if it has no id."""
    record = members(item)
    classification_id = text(record, "id")
    if not classification_id:
        return None
    active = flag(record, "active", default=True) and not flag(record, "removed", default=False)
    return Classification(classification_id, read_titles(record), active=active)


def read_definition(item: Any, *, classification_id: str | None) -> MetadataDefinition | None:
    """Return a metadata definition, or None if it has no key."""
    record = members(item)
    key = text(record, "key")
    if not key:
        return None
    return MetadataDefinition(
        key=key,
        metadata_type=(text(record, "metadataType") or "").upper(),
        classification_id=text(record, "classificationId") or classification_id,
        names=read_titles(record),
        visible=flag(record, "visible", default=True),
        removed=flag(record, "removed", default=False),
        for_contents=_is_for_contents(members(record.get("constraints"))),
    )


def _read_children(record: Members, *, depth: int) -> tuple[Category, ...]:
    if depth > _DEEPEST:
        return ()
    found = (read_category(each, depth=depth) for each in items(record, "linkedCategories"))
    return tuple(child for child in found if child is not None)


def _is_for_contents(constraints: Members) -> bool:
    applicable = items(constraints, "applicableTo")
    return not applicable or "CONTENT" in applicable
