"""Connectors as rows of the database, both ways; pure."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier
from proxy.thron.messages import ContentType


def columns(connector: Connector) -> dict[str, Any]:
    """Return a connector as the columns of its row, by the names of its fields."""
    plain = {each.name: getattr(connector, each.name) for each in fields(connector)}
    words = ("identifier", "delivery", "disposition")
    return {
        **plain,
        **{name: plain[name].value for name in words},
        "content_types": " ".join(sorted(each.value for each in connector.content_types)),
    }


def connector(row: Mapping[str, Any]) -> Connector:
    """Return the connector of a row, read by the column's names."""
    return Connector(
        **{
            **row,
            "identifier": Identifier(row["identifier"]),
            "delivery": DeliveryMode(row["delivery"]),
            "disposition": Disposition(row["disposition"]),
            "content_types": frozenset(map(ContentType, row["content_types"].split())),
        }
    )


def instant(value: datetime) -> datetime:
    """Return a time as aware UTC; SQLite keeps no zone, and UTC is what was written."""
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
