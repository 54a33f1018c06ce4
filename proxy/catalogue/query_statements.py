"""The queries of the summary table, in SQL that SQLite and PostgreSQL both have."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, ScalarSelect, Select, case, exists, func, select, tuple_

from proxy.catalogue import schema
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_entries import folded, shape
from proxy.catalogue.url_rows import Line, Selection, Sort
from proxy.connectors import rows
from proxy.connectors.model import Connector
from proxy.thron.messages import (
    Content,
    MetadataValue,
    PrettyId,
    Publication,
    Title,
    publication,
)

_ADDRESS = schema.address.c
_CONTENT = schema.content.c

_ORDERS: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    Sort.TITLE: (_ADDRESS.title_key, _ADDRESS.id),
    Sort.TYPE: (_ADDRESS.content_type, _ADDRESS.title_key, _ADDRESS.id),
    Sort.LANGUAGE: (_ADDRESS.language, _ADDRESS.title_key, _ADDRESS.id),
    Sort.IDENTIFIER: (_ADDRESS.value, _ADDRESS.language, _ADDRESS.id),
    Sort.STATUS: (_ADDRESS.status, _ADDRESS.title_key, _ADDRESS.id),
    Sort.UPDATED: (_ADDRESS.updated_s, _ADDRESS.id),
}


def is_present(connector: Connector) -> ColumnElement[bool]:
    """Return the condition that what is catalogued is of the connector as it is now."""
    table = schema.catalogued.c
    return exists(
        select(table.connector).where(
            table.connector == connector.slug, table.shape == shape(connector)
        )
    )


def conditions(connector: Connector, selection: Selection) -> list[ColumnElement[bool]]:
    """Return the conditions that the lines of a selection fulfil."""
    found = [_ADDRESS.connector == connector.slug, is_present(connector)]
    if selection.statuses:
        found.append(_ADDRESS.status.in_(sorted(selection.statuses)))
    else:
        found.append(_ADDRESS.status != AddressStatus.REMOVED.value)
    if selection.types:
        found.append(_ADDRESS.content_type.in_(sorted(selection.types)))
    if selection.languages:
        found.append(_ADDRESS.language.in_(sorted(selection.languages)))
    if selection.numbers:
        found.append(_ADDRESS.id.in_(sorted(selection.numbers)))
    if selection.content_id is not None:
        found.append(_ADDRESS.content_id == selection.content_id)
    words = folded(selection.search).split()
    return [*found, *([_ADDRESS.id.in_(_hits(connector, words))] if words else [])]


def _hits(connector: Connector, words: Sequence[str]) -> Select[Any]:
    """Return the query of the lines that have all words: the index for it holds all it reads."""
    return select(_ADDRESS.id).where(
        _ADDRESS.connector == connector.slug,
        *(_ADDRESS.search.contains(word, autoescape=True) for word in words),
    )


def lines(connector: Connector, selection: Selection) -> Select[Any]:
    """Return the query of the lines of a selection, in no order yet."""
    is_hidden = _ADDRESS.status == AddressStatus.UNPUBLISHED.value
    return select(
        schema.address,
        of_content(_CONTENT.file_name).label("file_name"),
        case((is_hidden, of_content(_CONTENT.status))).label("word"),
        case((is_hidden, of_content(_CONTENT.channels))).label("channels"),
    ).where(*conditions(connector, selection))


def of_content(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    """Return a column of the content that a line is of."""
    return (
        select(column)
        .where(_CONTENT.connector == _ADDRESS.connector, _CONTENT.id == _ADDRESS.content_id)
        .scalar_subquery()
    )


def ordered(query: Select[Any], sort: Sort, *, descending: bool) -> Select[Any]:
    """Return a query with its order; no two lines are equal in it."""
    order = _ORDERS[sort]
    return query.order_by(*(each.desc() if descending else each.asc() for each in order))


def after(query: Select[Any], last: Row[Any], sort: Sort, *, descending: bool) -> Select[Any]:
    """Return a query for the lines that come after one."""
    order = _ORDERS[sort]
    here = tuple_(*order)
    there = tuple_(*(getattr(last, each.key or "") for each in order))
    return query.where(here < there if descending else here > there)


def colliding(connector: Connector) -> Select[Any]:
    """Return the query of the addresses that several contents claim, in order.

    What it sorts by stands in no index, so that the few lines of that status are what it reads.
    """
    value = func.coalesce(_ADDRESS.value, "").label("value")
    language = func.coalesce(_ADDRESS.language, "").label("language")
    status = AddressStatus.COLLISION.value
    query = select(value, language).where(
        _ADDRESS.connector == connector.slug, _ADDRESS.status == status, is_present(connector)
    )
    return query.distinct().order_by(value, language)


def count(connector: Connector, selection: Selection) -> Select[int]:
    """Return the query of how many lines a selection has."""
    return select(func.count()).select_from(schema.address).where(*conditions(connector, selection))


def read_line(row: Row[Any]) -> Line:
    """Return a line of a row of ``lines``."""
    return Line(
        number=row.id,
        content_id=row.content_id,
        content_type=row.content_type,
        title=row.title,
        language=row.language or None,
        value=row.value or None,
        is_addressable=row.is_addressable,
        status=AddressStatus(row.status),
        serves=row.serves,
        since=rows.instant(row.since),
        updated=datetime.fromtimestamp(row.updated_s, UTC) if row.updated_s else None,
        file_name=row.file_name,
        hidden=_hidden(row),
        is_shortened=row.is_shortened,
    )


def _hidden(row: Row[Any]) -> Publication | None:
    if row.status != AddressStatus.UNPUBLISHED.value:
        return None
    found = publication(row.word, (row.channels or "").split())
    return None if found is Publication.PUBLISHED else found


def read_content(connector: Connector, row: Any, claimed: Sequence[tuple[str, str]]) -> Content:
    """Return the content of a row, with the addresses that are current.

    Args:
        connector: Whose addresses they are.
        row: Of the table ``content``.
        claimed: Languages and values of its current addresses.
    """
    by_name = connector.identifier == "pretty_id"
    by_metadata = connector.identifier == "metadata"
    key, classification_id = connector.metadata or "", connector.classification_id
    return Content(
        id=row.id,
        content_type=row.content_type,
        creation_date=rows.instant(row.created) if row.created else None,
        last_update=rows.instant(row.updated) if row.updated else None,
        titles=tuple(Title(language, text) for language, text in row.titles),
        pretty_ids=tuple(PrettyId(*each) for each in claimed if by_name),
        metadata=tuple(
            MetadataValue(key, value, None, classification_id)
            for _, value in claimed
            if by_metadata
        ),
        file_name=row.file_name,
        channels=tuple(row.channels.split()),
        status=row.status,
    )
