"""The first revision: the schema that the history begins with.

Before it the steps of the schema were numbered in the table ``schema_version``. A database of any
of these numbers is brought to the baseline too, with its data.
"""

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    inspect,
    text,
    true,
)

revision = "0001"
down_revision = None

# A copy: what a revision does never changes with the schema of a later release.
BASELINE = MetaData()

Table(
    "revision",
    BASELINE,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)

Table(
    "connector",
    BASELINE,
    Column("slug", String(63), primary_key=True),
    Column("folder", Text, nullable=False),
    Column("folder_id", Text, nullable=False),
    Column("identifier", String(32), nullable=False),
    Column("metadata", Text),
    Column("classification_id", Text),
    Column("enabled", Boolean, nullable=False),
    Column("subfolders", Boolean, nullable=False),
    Column("content_types", String(64), nullable=False),
    Column("force_https", Boolean, nullable=False),
    Column("delivery", String(32), nullable=False),
    Column("disposition", String(32), nullable=False),
    Column("max_age_s", Integer, nullable=False),
    Column("robots", Text, nullable=False),
    Column("host", String(253), unique=True),
    Column("only_published", Boolean, nullable=False, server_default=true()),
)

Table(
    "tenant",
    BASELINE,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("client_id", Text, nullable=False),
    Column("app_id", Text, nullable=False),
    Column("app_key", Text),
    Column("username", Text),
)

Table(
    "thron_session",
    BASELINE,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("session", Text),
    Column("lease_owner", String(32)),
    Column("lease_until", Float(53)),
)

Table(
    "audit",
    BASELINE,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)

Table(
    "purge",
    BASELINE,
    Column("id", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    sqlite_autoincrement=True,
)

Table(
    "password",
    BASELINE,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

Table(
    "session",
    BASELINE,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True), nullable=False),
    Column("client", Text, nullable=False),
)

Table(
    "device",
    BASELINE,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)

Table(
    "api_token",
    BASELINE,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("mark", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("can_change", Boolean, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True)),
)

Table(
    "catalogued",
    BASELINE,
    Column("connector", String(63), primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("shape", String(32), nullable=False),
    Column("naming", String(32), nullable=False),
)

Table(
    "content",
    BASELINE,
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
    Index("content_counted", "connector", "removed_at", "content_type", "run"),
)

Table(
    "address",
    BASELINE,
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
    Index("address_by_value", "connector", "value", "language", "content_id", unique=True),
    Index("address_by_content", "connector", "content_id"),
    Index("address_by_title", "connector", "title_key", "id"),
    Index("address_by_update", "connector", "updated_s", "id"),
    Index("address_by_type", "connector", "content_type", "title_key", "id"),
    Index("address_by_language", "connector", "language", "title_key", "id"),
    Index("address_by_status", "connector", "status", "title_key", "id"),
    Index("address_counted", "connector", "status", "content_type", "language"),
    Index("address_sought", "connector", "search"),
    sqlite_autoincrement=True,
)

Table(
    "content_version",
    BASELINE,
    Column("content_id", Text, primary_key=True),
    Column("version_id", Text, primary_key=True),
    Column("file_name", Text),
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("modified", DateTime(timezone=True)),
    Column("first_seen", DateTime(timezone=True), nullable=False),
)

Table(
    "sync_run",
    BASELINE,
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
    Index("sync_run_by_connector", "connector", "id"),
    sqlite_autoincrement=True,
)

Table(
    "link_check",
    BASELINE,
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
    Index("link_check_by_connector", "connector", "id"),
    sqlite_autoincrement=True,
)

Table(
    "link_result",
    BASELINE,
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
    Index("link_result_by_outcome", "connector", "is_ok", "status", "line"),
)


def upgrade() -> None:
    """Make every table that is missing, and repair those that are there."""
    connection = op.get_bind()
    present = inspect(connection).get_table_names()
    if "schema_version" in present:
        _mend_columns(connection)
        op.drop_table("schema_version")
    BASELINE.create_all(connection)
    _mend_indexes(connection)
    if "revision" not in present:
        op.execute("INSERT INTO revision (id, number) VALUES (1, 0)")


def _mend_columns(connection: Connection) -> None:
    columns = {
        table: {column["name"] for column in found}
        for (_, table), found in inspect(connection).get_multi_columns().items()
    }
    if "username" not in columns["tenant"]:
        op.add_column("tenant", Column("username", Text))
        # What a login gave is kept with the session now; rows without a key held nothing else.
        op.execute("DELETE FROM tenant WHERE app_key IS NULL")
        for gone in ("pkey", "root_category_id"):
            # Not op.drop_column: Alembic has no word for what SQLite has known since 3.35.
            op.execute(text(f"ALTER TABLE tenant DROP COLUMN {gone}"))
    for table, flag, default in (
        ("connector", "only_published", true()),
        ("address", "is_shortened", false()),
    ):
        if flag not in columns.get(table, {flag}):
            op.add_column(table, Column(flag, Boolean, nullable=False, server_default=default))


def _mend_indexes(connection: Connection) -> None:
    """Replace what differs: early databases kept their indexes when later ones had others."""
    found = {
        (table, index["name"], *index["column_names"])
        for (_, table), indexes in inspect(connection).get_multi_indexes().items()
        for index in indexes
    }
    names = {name for _, name, *_ in found}
    for table in BASELINE.tables.values():
        for index in table.indexes:
            name = str(index.name)
            if (table.name, name, *index.columns.keys()) in found:
                continue
            if name in names:
                op.drop_index(name, table.name)
            index.create(connection)
