"""Connectors as rows of the database, both ways; pure.

A row has a column for each field of Connector, by its name. What a column cannot hold is written
as text: a word of an enumeration, and several of them with spaces between.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, get_args, get_origin

from proxy.connectors.model import Connector


def columns(connector: Connector) -> dict[str, Any]:
    """Return a connector as the columns of its row, by the names of its fields."""
    return {name: _stored(value) for name, value in connector}


def connector(row: Mapping[str, Any]) -> Connector:
    """Return the connector of a row, read by the column's names.

    Nothing is checked: a row that a stricter version would refuse is served as it always was,
    rather than in the way of all the others.
    """
    fields = Connector.model_fields
    return Connector.model_construct(
        **{name: _read(fields[name].annotation, value) for name, value in row.items()}
    )


def _stored(value: object) -> object:
    if isinstance(value, frozenset):
        return " ".join(sorted(value))
    return value.value if isinstance(value, StrEnum) else value


def _read(annotation: Any, value: Any) -> Any:
    """Return a column's value as the field of an annotation holds it."""
    if get_origin(annotation) is frozenset:
        [word] = get_args(annotation)
        return frozenset(map(word, value.split()))
    return annotation(value) if _is_word(annotation) else value


def _is_word(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, StrEnum)


def instant(value: datetime) -> datetime:
    """Return a time as aware UTC; SQLite keeps no zone, and UTC is what was written."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
