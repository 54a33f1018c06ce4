"""The tables of the link check, as of schema version 5.

Rule: this definition is never edited; a change of it is a copy, with a step in ``schema``.
"""

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)


class LinkTables(NamedTuple):
    """The tables by their names."""

    link_check: Table
    link_result: Table


def define(metadata: MetaData) -> LinkTables:
    """Enter the tables among others."""
    return LinkTables(_link_check(metadata), _link_result(metadata))


def _link_check(metadata: MetaData) -> Table:
    """One run over the addresses of a connector, running or over."""
    table = Table(
        "link_check",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("connector", String(63), nullable=False),
        Column("scope", String(16), nullable=False),
        Column("state", String(16), nullable=False),
        Column("started", DateTime(timezone=True), nullable=False),
        Column("beat", DateTime(timezone=True), nullable=False),
        Column("ended", DateTime(timezone=True)),
        Column("expected", Integer, nullable=False),
        Column("checked", Integer, nullable=False),
        Column("problems", Integer, nullable=False),
        Column("reason", Text),
        sqlite_autoincrement=True,
    )
    Index("link_check_by_connector", table.c.connector, table.c.id)
    return table


def _link_result(metadata: MetaData) -> Table:
    """What came of the last try of one address; ``line`` is its id in the table ``address``."""
    table = Table(
        "link_result",
        metadata,
        Column("line", Integer, primary_key=True, autoincrement=False),
        Column("connector", String(63), nullable=False),
        Column("check_id", Integer, nullable=False),
        Column("status", Integer, nullable=False),
        Column("is_ok", Boolean, nullable=False),
        Column("media_type", Text),
        Column("size", BigInteger),
        Column("problem", Text),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("checked", DateTime(timezone=True), nullable=False),
    )
    at = table.c
    Index("link_result_by_outcome", at.connector, at.is_ok, at.status, at.line)
    return table
