"""Folders of THRON (categories, in its words) and definitions of custom metadata; pure.

For each: what is known of it, the question that asks for it, and how an answer is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

from proxy.thron.content import PrettyId, Title, read_pretty_ids, read_titles
from proxy.thron.envelope import open_envelope
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.json_fields import as_text, flag, items, members, number, text
from proxy.thron.listing import LARGEST_PAGE, Listing, read_listing


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


def category(
    client_id: str, category_id: str, *, cascade: bool = False
) -> Question[Category | None]:
    """Ask for a folder by id or prettyId, with its sub-tree if ``cascade``; None if unknown.

    docs/thron.md 5.
    """
    query = (
        ("clientId", client_id),
        ("categoryId", category_id),
        ("cascade", "true" if cascade else "false"),
    )
    path = "/api/xcontents/resources/category/getCategory"
    return Question(Request("GET", path, query=query), _read_category)


def categories_below(
    client_id: str, category_id: str, *, search_for: str = "", offset: int = 0
) -> Question[Listing[Category]]:
    """Ask for up to 50 folders anywhere below this one, with counts, after ``offset`` others.

    With ``search_for`` those only whose names hold its words. docs/thron.md 5.
    """
    properties: dict[str, Any] = {"childOf": category_id}
    if search_for:
        properties["textSearch"] = search_for
    return _counted(client_id, properties, offset=offset)


def counted_category(client_id: str, category_id: str) -> Question[Listing[Category]]:
    """Ask for one folder with the number of the contents that are linked to it.

    docs/thron.md 5.
    """
    return _counted(client_id, {"categoryIds": [category_id]}, offset=0)


def _counted(
    client_id: str, properties: dict[str, Any], *, offset: int
) -> Question[Listing[Category]]:
    body = {
        "client": {"clientId": client_id},
        "properties": properties,
        "categoryFieldOption": {
            "returnNumberOfContents": True,
            "returnNumberOfSubCategories": True,
            "returnTotalResults": True,
        },
        "offset": offset,
        "numberOfResult": LARGEST_PAGE,
        "orderBy": "categoryName_A",
    }
    path = "/api/xcontents/resources/category/findByProperties2"
    return Question(
        Request("POST", path, json=body),
        partial(read_listing, expected="categories", read=read_category),
    )


def classifications(client_id: str) -> Question[Listing[Classification]]:
    """Ask for the classifications in use; a tenant has at most five.

    docs/thron.md 6.
    """
    path = f"/api/xintelligence/resources/classification/list/{quote(client_id, safe='')}"
    body = {"criteria": {"active": True}, "limit": LARGEST_PAGE, "offset": 0}
    return Question(
        Request("POST", path, json=body),
        partial(read_listing, expected="items", read=read_classification),
    )


def metadata_definitions(
    client_id: str,
    classification_id: str,
    *,
    keys: Sequence[str] = (),
    offset: int = 0,
) -> Question[Listing[MetadataDefinition]]:
    """Ask for up to 50 definitions of a classification, or for those with these keys.

    docs/thron.md 6.
    """
    path = "/api/xintelligence/resources/imetadatadefinition/list/{}/{}".format(
        quote(client_id, safe=""), quote(classification_id, safe="")
    )
    criteria = {"keys": list(keys)} if keys else {}
    body = {"criteria": criteria, "limit": LARGEST_PAGE, "offset": offset}
    read = partial(read_definition, classification_id=classification_id)
    return Question(
        Request("POST", path, json=body), partial(read_listing, expected="items", read=read)
    )


def _read_category(reply: Reply) -> Category | None:
    envelope = open_envelope(reply, expected="category")
    return None if envelope is None else read_category(envelope.get("category"))


# Deeper than any tree of folders; an answer nested further is cut there, not followed.
_DEEPEST = 50


def read_category(item: Any, *, depth: int = 0) -> Category | None:
    """Return a folder from a bare record or a list item around it, or None if it has no id."""
    outer = members(item)
    record = members(outer.get("category")) or outer
    category_id = text(record, "id")
    if not category_id:
        return None
    linked = items(record, "linkedCategories") if depth < _DEEPEST else ()
    children = [read_category(each, depth=depth + 1) for each in linked]
    return Category(
        id=category_id,
        names=read_titles(record),
        parent_id=text(record, "upCategoryId") or None,
        ancestor_ids=tuple(filter(None, map(as_text, items(record, "ancestorIds")))),
        pretty_ids=read_pretty_ids(record),
        children=tuple(child for child in children if child is not None),
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
    applicable = items(members(record.get("constraints")), "applicableTo")
    return MetadataDefinition(
        key=key,
        metadata_type=(text(record, "metadataType") or "").upper(),
        classification_id=text(record, "classificationId") or classification_id,
        names=read_titles(record),
        visible=flag(record, "visible", default=True),
        removed=flag(record, "removed", default=False),
        for_contents=not applicable or "CONTENT" in applicable,
    )
