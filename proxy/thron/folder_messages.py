"""The questions of set-up: which folders there are, and which custom metadata; pure."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from proxy.thron.envelope import open_envelope
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.folder import (
    Category,
    Classification,
    MetadataDefinition,
    read_category,
    read_classification,
    read_definition,
)
from proxy.thron.listing import LARGEST_PAGE, Listing, read_listing


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
    """Ask for up to 50 folders anywhere below this one, with counts.

    Args:
        client_id: The tenant.
        category_id: The folder above.
        search_for: Words that the names hold; empty for all.
        offset: How many have been listed before.

    docs/thron.md 5.
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
