"""The tables of the catalogue of contents.

Rule: a column that is added here is added by a step of ``schema`` too, where it is missing.
"""

from typing import NamedTuple

from sqlalchemy import (
    JSON,
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
    false,
)


class ContentTables(NamedTuple):
    """The tables by their names."""

    catalogued: Table
    content: Table
    address: Table
    content_version: Table
    sync_run: Table


def define(metadata: MetaData) -> ContentTables:
    """Enter the tables among others."""
    return ContentTables(
        _catalogued(metadata),
        _content(metadata),
        _address(metadata),
        _content_version(metadata),
        _sync_run(metadata),
    )


def _catalogued(metadata: MetaData) -> Table:
    """What a connector was like when its contents were entered; other contents do not count."""
    return Table(
        "catalogued",
        metadata,
        Column("connector", String(63), primary_key=True),
        Column("client_id", Text, nullable=False),
        Column("shape", String(32), nullable=False),
        Column("naming", String(32), nullable=False),
    )


def _content(metadata: MetaData) -> Table:
    """One row for each content that a connector's folder holds, or held."""
    table = Table(
        "content",
        metadata,
        Column("connector", String(63), primary_key=True),
        Column("id", Text, primary_key=True),
        Column("content_type", String(32), nullable=False),
        Column("titles", JSON, nullable=False),
        Column("file_name", Text),
        Column("status", Text),
        Column("was_published", Boolean, nullable=False),
        Column("is_servable", Boolean, nullable=False),
        Column("channels", Text, nullable=False),
        Column("created", DateTime(timezone=True)),
        Column("updated", DateTime(timezone=True)),
        Column("first_seen", DateTime(timezone=True), nullable=False),
        Column("changed", DateTime(timezone=True), nullable=False),
        Column("removed_at", DateTime(timezone=True)),
        Column("run", Integer, nullable=False),
        Column("confirmed", DateTime(timezone=True)),
        Column("digest", String(32), nullable=False),
    )
    at = table.c
    Index("content_counted", at.connector, at.removed_at, at.content_type, at.run)
    return table


def _address(metadata: MetaData) -> Table:
    """One row of the summary table: an address of a content, or the lack of one.

    What the table is searched, filtered and sorted by stands in the row itself.
    """
    table = Table(
        "address",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("connector", String(63), nullable=False),
        Column("language", Text, nullable=False),
        Column("value", Text, nullable=False),
        Column("content_id", Text, nullable=False),
        Column("is_current", Boolean, nullable=False),
        Column("is_addressable", Boolean, nullable=False),
        Column("since", DateTime(timezone=True), nullable=False),
        Column("status", String(16), nullable=False),
        Column("serves", Boolean, nullable=False),
        Column("content_type", String(32), nullable=False),
        Column("title", Text, nullable=False),
        Column("title_key", Text, nullable=False),
        Column("updated_s", BigInteger, nullable=False),
        Column("search", Text, nullable=False),
        Column("is_shortened", Boolean, nullable=False, server_default=false()),
        sqlite_autoincrement=True,
    )
    at = table.c
    Index("address_by_value", at.connector, at.value, at.language, at.content_id, unique=True)
    Index("address_by_content", at.connector, at.content_id)
    Index("address_by_title", at.connector, at.title_key, at.id)
    Index("address_by_update", at.connector, at.updated_s, at.id)
    Index("address_by_type", at.connector, at.content_type, at.title_key, at.id)
    Index("address_by_language", at.connector, at.language, at.title_key, at.id)
    Index("address_by_status", at.connector, at.status, at.title_key, at.id)
    # The next two are for counting and for searching: all that those look at stands in them.
    Index("address_counted", at.connector, at.status, at.content_type, at.language)
    Index("address_sought", at.connector, at.search)
    return table


def _content_version(metadata: MetaData) -> Table:
    """The versions of source files that were seen, whatever the connector."""
    return Table(
        "content_version",
        metadata,
        Column("content_id", Text, primary_key=True),
        Column("version_id", Text, primary_key=True),
        Column("file_name", Text),
        Column("media_type", Text),
        Column("size", BigInteger),
        Column("modified", DateTime(timezone=True)),
        Column("first_seen", DateTime(timezone=True), nullable=False),
    )


def _sync_run(metadata: MetaData) -> Table:
    """One listing of a connector's folder, asked for, running or over."""
    table = Table(
        "sync_run",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("connector", String(63), nullable=False),
        Column("kind", String(8), nullable=False),
        Column("state", String(16), nullable=False),
        Column("started", DateTime(timezone=True), nullable=False),
        Column("ended", DateTime(timezone=True)),
        Column("seen", Integer, nullable=False),
        Column("expected", Integer),
        Column("added", Integer, nullable=False),
        Column("changed", Integer, nullable=False),
        Column("removed", Integer, nullable=False),
        Column("skipped", Integer, nullable=False),
        Column("problem", Text),
        sqlite_autoincrement=True,
    )
    Index("sync_run_by_connector", table.c.connector, table.c.id)
    return table
