"""The questions for contents: searches, look-ups by id, and a content's source file; pure.

Those for folders and metadata are in ``folder``, those for a login in ``session``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from urllib.parse import quote

from proxy.thron.content import Content, ContentType, read_content
from proxy.thron.envelope import open_envelope
from proxy.thron.exchange import Question, Reply, Request
from proxy.thron.json_fields import date, items, members, number, text
from proxy.thron.listing import LARGEST_PAGE, Listing, read_each, read_listing

# Without these there are no addresses, names and channels.
_NEEDED = (
    "locales",
    "prettyIds",
    "imetadata",
    "source",
    "availableChannels",
)
_WITH_UPDATE = (*_NEEDED, "lastUpdate")
_DETAILS = (*_WITH_UPDATE, "publishingStatus")


class SearchOrder(StrEnum):
    """In which order a search lists; the first of them keeps pages from shifting."""

    CREATED = "creationDate"
    UPDATED_LAST_FIRST = "lastUpdate"


class OrderSyntax(StrEnum):
    """How a search says in which order it lists (docs/thron.md 4.2)."""

    SORT = "sort"
    ORDER_BY = "orderBy"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class SearchForm:
    """What a search asks for beside its criteria.

    Attributes:
        ordering: How the order is named.
        details: Members of each content.
    """

    ordering: OrderSyntax
    details: tuple[str, ...]

    def __str__(self) -> str:
        left_out = [each for each in _DETAILS if each not in self.details]
        return f"order by {self.ordering}, without {', '.join(left_out) or 'nothing'}"


SEARCH_FORMS = (
    SearchForm(OrderSyntax.SORT, _DETAILS),
    SearchForm(OrderSyntax.ORDER_BY, _DETAILS),
    SearchForm(OrderSyntax.NONE, _DETAILS),
    SearchForm(OrderSyntax.ORDER_BY, _WITH_UPDATE),
    SearchForm(OrderSyntax.NONE, _WITH_UPDATE),
    SearchForm(OrderSyntax.NONE, _NEEDED),
)
"""From what serves best to the plainest; ``orderBy`` is what older SDKs asked for."""

_ORDER_BY = {SearchOrder.CREATED: "creationDate_a", SearchOrder.UPDATED_LAST_FIRST: "lastUpdate_d"}


@dataclass(frozen=True, slots=True)
class MetadataCriterion:
    """One exact, case-sensitive value of one custom metadata (docs/thron.md 4.2)."""

    classification_id: str | None
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class SearchCriteria:
    """What a search asks for; each criterion that is given narrows it.

    Attributes:
        ids: Content ids, at most 50.
        content_types: Types wanted.
        folder_id: A category id, or one of its prettyIds.
        cascade: Whether the folder's sub-folders count.
        imetadata: A value of a custom metadata (never of a legacy one).
    """

    ids: tuple[str, ...] = ()
    content_types: frozenset[ContentType] = frozenset()
    folder_id: str | None = None
    cascade: bool = True
    imetadata: MetadataCriterion | None = None


@dataclass(frozen=True, slots=True)
class SearchPage:
    """One page of a search.

    Attributes:
        contents: May be fewer than asked for, or none, on any page but the last too.
        next_page_token: None on the last page.
        estimated_total: An estimate, never to be counted on.
        skipped: Broken items.
    """

    contents: tuple[Content, ...] = ()
    next_page_token: str | None = None
    estimated_total: int | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The original file of a content, in its newest version (docs/thron.md 3.4)."""

    version_id: str | None
    file_name: str | None
    media_type: str | None
    size: int | None
    modified: datetime | None


def search(
    client_id: str,
    criteria: SearchCriteria,
    *,
    page_token: str | None = None,
    page_size: int | None = None,
    order: SearchOrder = SearchOrder.CREATED,
    form: SearchForm = SEARCH_FORMS[0],
) -> Question[SearchPage]:
    """Ask for one page of the contents that fit; a folder that is not there has none.

    ``page_token`` is what the page before gave, None for the first. By default a page has as many
    contents as ids are given, else 50; THRON's own maximum is not known (docs/thron.md 11, row 5).

    docs/thron.md 4.2.
    """
    size = page_size or min(len(criteria.ids) or LARGEST_PAGE, LARGEST_PAGE)
    options: dict[str, Any] = {
        "resultsPageSize": size,
        "returnDetailsFields": list(form.details),
    }
    if form.ordering is OrderSyntax.SORT:
        direction = "asc" if order is SearchOrder.CREATED else "desc"
        options["sort"] = [{order.value: {"order": direction}}]
    elif form.ordering is OrderSyntax.ORDER_BY:
        options["orderBy"] = _ORDER_BY[order]
    body: dict[str, Any] = {
        "criteria": _search_criteria(criteria),
        "responseOptions": options,
    }
    if page_token is not None:
        body["pageToken"] = page_token
    path = f"/api/xcontents/resources/content/search/{quote(client_id, safe='')}"
    return Question(Request("POST", path, json=body), _read_search_page)


def find_by_pretty_id(client_id: str, pretty_id: str) -> Question[tuple[Content, ...]]:
    """Ask for the contents that carry this prettyId in any language, or this content id.

    docs/thron.md 4.4.
    """
    criteria = {"contentIds": [pretty_id]}
    return Question(_find_by_properties(client_id, criteria), _read_found)


def find_by_ids(
    client_id: str, content_ids: Sequence[str], *, offset: int = 0
) -> Question[Listing[Content]]:
    """Ask for up to 50 contents by their ids, wherever they are, legacy metadata and all.

    docs/thron.md 4.4.
    """
    criteria = {"contentIds": list(content_ids)}
    return Question(_find_by_properties(client_id, criteria, offset=offset), _read_contents)


def find_by_legacy_metadata(
    client_id: str, *, name: str, value: str, folder_id: str, cascade: bool, offset: int = 0
) -> Question[tuple[Content, ...]]:
    """Ask for the contents of a folder with this value of a legacy metadata, in any letter case.

    docs/thron.md 4.4.
    """
    # THRON matches a regular expression of Java's, so the value is quoted; a \E of its own apart.
    quoted = value.replace("\\E", "\\E\\\\E\\Q")
    criteria = {
        "linkedCategoryOp": {"linkedCategoryIds": [folder_id], "cascade": cascade},
        "metadatas": [{"name": name, "value": f"^\\Q{quoted}\\E$"}],
    }
    return Question(_find_by_properties(client_id, criteria, offset=offset), _read_found)


def folder_contents(
    client_id: str, *, folder_id: str, cascade: bool, offset: int = 0
) -> Question[Listing[Content]]:
    """Ask for up to 50 contents of a folder, legacy metadata and all.

    docs/thron.md 4.4.
    """
    criteria = {"linkedCategoryOp": {"linkedCategoryIds": [folder_id], "cascade": cascade}}
    return Question(_find_by_properties(client_id, criteria, offset=offset), _read_contents)


def detail_source(client_id: str, content_id: str) -> Question[SourceFile | None]:
    """Ask for the source file of a content; None if there is no such content.

    docs/thron.md 3.4.
    """
    path = "/api/xadmin/resources/content/detailSource/{}/{}".format(
        quote(client_id, safe=""), quote(content_id, safe="")
    )
    return Question(Request("GET", path), _read_source)


def _search_criteria(criteria: SearchCriteria) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if criteria.ids:
        wanted["ids"] = list(criteria.ids)
    if criteria.content_types:
        wanted["contentType"] = sorted(criteria.content_types)
    if criteria.folder_id is not None:
        folder = {"id": criteria.folder_id, "cascade": criteria.cascade}
        wanted["linkedCategories"] = {"haveAtLeastOne": [folder]}
    if criteria.imetadata is not None:
        value = {"key": criteria.imetadata.key, "value": criteria.imetadata.value}
        if criteria.imetadata.classification_id is not None:
            value["classificationId"] = criteria.imetadata.classification_id
        wanted["imetadata"] = {"haveAll": [value]}
    return wanted


def _find_by_properties(client_id: str, criteria: dict[str, Any], *, offset: int = 0) -> Request:
    body = {
        "client": {"clientId": client_id},
        "criteria": criteria,
        "contentFieldOption": {
            "returnImetadata": True,
            "returnSource": True,
            "returnTotalResults": True,
        },
        "offset": offset,
        "numberOfresults": LARGEST_PAGE,  # spelled so in this service (docs/thron.md 4.4)
    }
    return Request("POST", "/api/xcontents/resources/content/findByProperties", json=body)


def _read_search_page(reply: Reply) -> SearchPage:
    envelope = open_envelope(reply, expected="items")
    if envelope is None:
        return SearchPage()
    contents, skipped = read_each(items(envelope, "items"), read_content)
    return SearchPage(
        contents=contents,
        next_page_token=text(envelope, "nextPageToken") or None,
        estimated_total=number(envelope, "estimatedTotalResults"),
        skipped=skipped,
    )


def _read_contents(reply: Reply) -> Listing[Content]:
    return read_listing(reply, expected="contents", read=read_content)


def _read_found(reply: Reply) -> tuple[Content, ...]:
    return _read_contents(reply).items


def _read_source(reply: Reply) -> SourceFile | None:
    envelope = open_envelope(reply, expected="item")
    if envelope is None:
        return None
    version = members(envelope.get("item"))
    file = members(version.get("ref"))
    return SourceFile(
        version_id=text(version, "id") or None,
        file_name=text(file, "name") or None,
        media_type=text(file, "mimetype", "mimeType") or None,
        size=number(file, "size"),
        modified=date(version, "modifiedDate", "createdDate"),
    )
