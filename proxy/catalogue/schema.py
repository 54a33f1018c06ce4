"""The database's tables as this release has them.

Rule: a change here comes with a revision in ``migrations/versions``, whose number becomes ``HEAD``;
``docs/database.md`` says how one is made.
"""

from datetime import UTC, datetime

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    false,
    true,
)
from sqlalchemy.event import listen

from proxy.text import Text as ReadersText

# The newest revision. It stands here so that a start with a database of today need not import
# Alembic, which is heavy; a test compares it with the revisions.
HEAD = "0006"

TABLES = MetaData()


class Instant(TypeDecorator[datetime]):
    """An aware time, in UTC both ways: SQLite keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a time as it is written."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a time as it is read."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class TranslatableText(TypeDecorator[str]):
    """What people read: a ``proxy.text.Text`` as JSON, to be said in the reader's language.

    Another string is kept as it is, as those are that earlier releases wrote.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a text as it is written."""
        return value.to_json() if isinstance(value, ReadersText) else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return a text as it is read."""
        return ReadersText.from_json(value) if value is not None else None


# Alembic's own table, as Alembic makes it.
alembic_version = Table(
    "alembic_version",
    TABLES,
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

revision = Table(
    "revision",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("number", Integer, nullable=False),
)

# The fields of proxy.connectors.model.Connector, by the same names.
connector = Table(
    "connector",
    TABLES,
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
    Column("cdn_max_age_s", Integer),
)

# The fields of proxy.catalogue.tenant.Tenant, by the same names; the app key is encrypted.
tenant = Table(
    "tenant",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("client_id", Text, nullable=False),
    Column("app_id", Text, nullable=False),
    Column("app_key", Text),
    Column("username", Text),
)

# By proxy/catalogue/session_store.py: the session with THRON, encrypted, and who may log in.
thron_session = Table(
    "thron_session",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("session", Text),
    Column("lease_owner", String(32)),
    Column("lease_until", Float(53)),
)

audit = Table(
    "audit",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("actor", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", JSON, nullable=False),
)

# Ids are never given twice, though old rows are dropped: a process remembers the last it has seen.
purge = Table(
    "purge",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    # That of the connectors which a process must know, too, before it has obeyed.
    Column("revision", Integer, nullable=False, server_default="0"),
    # For caches alone: they may have been filled with an answer that began before.
    Column("is_repeat", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,
)

# Each process that serves, while there are purge hooks: the last purge and revision it has obeyed.
replica = Table(
    "replica",
    TABLES,
    Column("id", String(32), primary_key=True),
    Column("beats", Integer, nullable=False),
    Column("purge", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
)

# How far each purge hook has got: the last purge that its cache has taken.
purge_hook = Table(
    "purge_hook",
    TABLES,
    Column("name", String(63), primary_key=True),
    Column("done", Integer, nullable=False),
)

# The console's, by proxy/admin/store.py; of what opens anything only hashes are kept.
password = Table(
    "password",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

session = Table(
    "session",
    TABLES,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", Instant, nullable=False),
    Column("used", Instant, nullable=False),
    Column("client", Text, nullable=False),
)

device = Table(
    "device",
    TABLES,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", Instant, nullable=False),
)

api_token = Table(
    "api_token",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("mark", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("can_change", Boolean, nullable=False),
    Column("created", Instant, nullable=False),
    Column("used", Instant),
)

# One row once the first link was copied: the check-list of a new installation is over.
onboarding = Table(
    "onboarding",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("ended", Instant, nullable=False),
)

# What a connector was like when its contents were entered; other contents do not count.
catalogued = Table(
    "catalogued",
    TABLES,
    Column("connector", String(63), primary_key=True),
    Column("client_id", Text, nullable=False),
    Column("shape", String(32), nullable=False),
    Column("naming", String(32), nullable=False),
)

# One row for each content that a connector's folder holds, or held.
content = Table(
    "content",
    TABLES,
    Column("connector", String(63), primary_key=True),
    Column("id", Text, primary_key=True),
    Column("content_type", String(32), nullable=False),
    Column("titles", JSON, nullable=False),
    Column("file_name", Text),
    Column("status", Text),
    Column("was_published", Boolean, nullable=False),
    Column("is_servable", Boolean, nullable=False),
    Column("channels", Text, nullable=False),
    Column("created", Instant),
    Column("updated", Instant),
    Column("first_seen", Instant, nullable=False),
    Column("changed", Instant, nullable=False),
    Column("removed_at", Instant),
    Column("run", Integer, nullable=False),
    Column("confirmed", Instant),
    Column("digest", String(32), nullable=False),
    # By proxy/catalogue/served_files.py: what its URLs were last seen to give.
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("modified_s", BigInteger),
    Index("content_counted", "connector", "removed_at", "content_type", "run"),
)

# One row of the summary table: an address of a content, or the lack of one.
# What the table is searched, filtered and sorted by stands in the row itself.
address = Table(
    "address",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("connector", String(63), nullable=False),
    Column("language", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("content_id", Text, nullable=False),
    Column("is_current", Boolean, nullable=False),
    Column("is_addressable", Boolean, nullable=False),
    Column("since", Instant, nullable=False),
    Column("status", String(16), nullable=False),
    Column("serves", Boolean, nullable=False),
    Column("content_type", String(32), nullable=False),
    Column("title", Text, nullable=False),
    Column("title_key", Text, nullable=False),
    Column("updated_s", BigInteger, nullable=False),
    Column("search", Text, nullable=False),
    Column("is_shortened", Boolean, nullable=False, server_default=false()),
    # As in the content's row: what it is sorted by stands here too.
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("modified_s", BigInteger),
    Index("address_by_value", "connector", "value", "language", "content_id", unique=True),
    Index("address_by_content", "connector", "content_id"),
    Index("address_by_title", "connector", "title_key", "id"),
    Index("address_by_update", "connector", "updated_s", "id"),
    Index("address_by_type", "connector", "content_type", "title_key", "id"),
    Index("address_by_language", "connector", "language", "title_key", "id"),
    Index("address_by_status", "connector", "status", "title_key", "id"),
    # With the status, lines that a page passes over are not read.
    Index("address_by_size", "connector", "size", "title_key", "id", "status"),
    Index("address_by_media_type", "connector", "media_type", "title_key", "id", "status"),
    Index("address_by_version", "connector", "modified_s", "title_key", "id", "status"),
    # The next two are for counting and for searching: all that those look at stands in them.
    Index("address_counted", "connector", "status", "content_type", "language"),
    Index("address_sought", "connector", "search"),
    sqlite_autoincrement=True,
)
# Those that work, in the order of their ids: what a change breaks is read a few at a time. It is no
# Index, since one that says so for both databases imports both dialects, of which one is unused.
for _dialect, _where in (("sqlite", "serves = 1"), ("postgresql", "serves")):
    _index = f"CREATE INDEX address_served ON address (connector, id) WHERE {_where}"
    _made = DDL(_index).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call] # SQLAlchemy's
    listen(address, "after_create", _made)

# The versions of source files that were seen, whatever the connector.
content_version = Table(
    "content_version",
    TABLES,
    Column("content_id", Text, primary_key=True),
    Column("version_id", Text, primary_key=True),
    Column("file_name", Text),
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("modified", Instant),
    Column("first_seen", Instant, nullable=False),
)

# One listing of a connector's folder, asked for, running or over.
sync_run = Table(
    "sync_run",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("connector", String(63), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started", Instant, nullable=False),
    Column("ended", Instant),
    Column("seen", Integer, nullable=False),
    Column("expected", Integer),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("skipped", Integer, nullable=False),
    Column("problem", TranslatableText),
    Index("sync_run_by_connector", "connector", "id"),
    sqlite_autoincrement=True,
)

# One run over the addresses of a connector, running or over.
link_check = Table(
    "link_check",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("connector", String(63), nullable=False),
    Column("scope", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("started", Instant, nullable=False),
    Column("beat", Instant, nullable=False),
    Column("ended", Instant),
    Column("expected", Integer, nullable=False),
    Column("checked", Integer, nullable=False),
    Column("problems", Integer, nullable=False),
    Column("reason", TranslatableText),
    Index("link_check_by_connector", "connector", "id"),
    sqlite_autoincrement=True,
)

# What came of the last try of one address; ``line`` is its id in the table ``address``.
link_result = Table(
    "link_result",
    TABLES,
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("connector", String(63), nullable=False),
    Column("check_id", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("is_ok", Boolean, nullable=False),
    Column("media_type", Text),
    Column("size", BigInteger),
    Column("problem", TranslatableText),
    Column("since", Instant, nullable=False),
    Column("checked", Instant, nullable=False),
    Index("link_result_by_outcome", "connector", "is_ok", "status", "line"),
)
