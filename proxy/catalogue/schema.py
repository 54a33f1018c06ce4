"""The database's tables, and how an older database becomes this version's.

Rule 1: ``TABLES`` is the schema after the last of ``STEPS``; a fresh database is made from it.
Rule 2: an older database takes the steps from its version on, in the transaction that notes the
new version; a change of ``TABLES`` comes with a step, and steps are never edited.
"""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    DateTime,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    insert,
    inspect,
    select,
    text,
    true,
    update,
)

from proxy.catalogue import content_tables
from proxy.catalogue import link_check_tables as link_tables


class UnusableDatabase(Exception):
    """A database that is not for this program; the message goes on from its name."""


TABLES = MetaData()

schema_version = Table("schema_version", TABLES, Column("version", Integer, primary_key=True))

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
    Column("at", DateTime(timezone=True), nullable=False, index=True),
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
    Column("at", DateTime(timezone=True), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("value", Text, nullable=False),
    Column("actor", Text, nullable=False),
    sqlite_autoincrement=True,
)

# The console's, by proxy/admin/store.py; of what opens anything only hashes are kept.
password = Table(
    "password",
    TABLES,
    Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

session = Table(
    "session",
    TABLES,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True), nullable=False),
    Column("client", Text, nullable=False),
)

device = Table(
    "device",
    TABLES,
    Column("mark", String(64), primary_key=True),
    Column("password_mark", String(32), nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)

api_token = Table(
    "api_token",
    TABLES,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("mark", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("can_change", Boolean, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
    Column("used", DateTime(timezone=True)),
)

catalogued, content, address, content_version, sync_run = content_tables.define(TABLES)
link_check, link_result = link_tables.define(TABLES)

Step = Callable[[Connection], None]


def _add_purges(connection: Connection) -> None:
    Table(
        "purge",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("at", DateTime(timezone=True), nullable=False),
        Column("kind", String(16), nullable=False),
        Column("value", Text, nullable=False),
        Column("actor", Text, nullable=False),
        sqlite_autoincrement=True,
    ).create(connection)


def _add_the_console(connection: Connection) -> None:
    then = MetaData()
    Table(
        "password",
        then,
        Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        Column("hash", Text, nullable=False),
        Column("at", DateTime(timezone=True), nullable=False),
    )
    Table(
        "session",
        then,
        Column("mark", String(64), primary_key=True),
        Column("password_mark", String(32), nullable=False),
        Column("created", DateTime(timezone=True), nullable=False),
        Column("used", DateTime(timezone=True), nullable=False),
        Column("client", Text, nullable=False),
    )
    Table(
        "api_token",
        then,
        Column("id", Integer, primary_key=True),
        Column("name", Text, nullable=False, unique=True),
        Column("mark", String(64), nullable=False, unique=True),
        Column("hint", String(16), nullable=False),
        Column("can_change", Boolean, nullable=False),
        Column("created", DateTime(timezone=True), nullable=False),
        Column("used", DateTime(timezone=True)),
    )
    then.create_all(connection)


def _add_contents(connection: Connection) -> None:
    then = MetaData()
    content_tables.define(then)
    then.create_all(connection)


def _add_link_checks(connection: Connection) -> None:
    then = MetaData()
    link_tables.define(then)
    then.create_all(connection)


def _add_devices(connection: Connection) -> None:
    Table(
        "device",
        MetaData(),
        Column("mark", String(64), primary_key=True),
        Column("password_mark", String(32), nullable=False),
        Column("created", DateTime(timezone=True), nullable=False),
    ).create(connection)


def _share_the_session(connection: Connection) -> None:
    # What a login gave is kept with its session, encrypted; rows without a key held nothing else.
    for column in ("pkey", "root_category_id"):
        connection.execute(text(f"ALTER TABLE tenant DROP COLUMN {column}"))
    connection.execute(text("ALTER TABLE tenant ADD COLUMN username TEXT"))
    connection.execute(text("DELETE FROM tenant WHERE app_key IS NULL"))
    Table(
        "thron_session",
        MetaData(),
        Column("id", Integer, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
        Column("session", Text),
        Column("lease_owner", String(32)),
        Column("lease_until", Float(53)),
    ).create(connection)


def _add_unpublished_and_shortened(connection: Connection) -> None:
    _add_flag(connection, "connector", "only_published", default="true")
    _add_flag(connection, "address", "is_shortened", default="false")


def _add_flag(connection: Connection, table: str, name: str, *, default: str) -> None:
    """Add a column, unless a step before made the table with it."""
    if name not in {each["name"] for each in inspect(connection).get_columns(table)}:
        change = f"ALTER TABLE {table} ADD COLUMN {name} BOOLEAN DEFAULT {default} NOT NULL"
        connection.execute(text(change))


STEPS: tuple[Step, ...] = (
    _add_purges,
    _add_the_console,
    _add_contents,
    _add_link_checks,
    _add_devices,
    _share_the_session,
    _add_unpublished_and_shortened,
)
"""``STEPS[n]`` makes version n + 2 of version n + 1."""


def prepare(connection: Connection, *, steps: Sequence[Step] = STEPS) -> bool:
    """Make the tables, or bring them from an older version to this one.

    Args:
        connection: In a transaction that nobody else can be in at the same time.
        steps: From version 1 on.

    Returns:
        Whether there were none.

    Raises:
        UnusableDatabase: The database is somebody else's, or of a newer version.
    """
    present = set(inspect(connection).get_table_names())
    if not present:
        TABLES.create_all(connection)
        connection.execute(insert(schema_version).values(version=len(steps) + 1))
        connection.execute(insert(revision).values(id=1, number=0))
        return True
    if schema_version.name not in present:
        raise UnusableDatabase(
            f"holds tables of another program ({_few(present)}): give the connector a database of"
            " its own"
        )
    _migrate(connection, steps)
    return False


def _migrate(connection: Connection, steps: Sequence[Step]) -> None:
    version, ours = (
        connection.execute(select(schema_version.c.version)).scalar_one(),
        len(steps) + 1,
    )
    if version > ours:
        raise UnusableDatabase(
            f"was written by a newer release (schema {version}, this one knows {ours}):"
            " install that release again, or restore a copy from before it"
        )
    for step in steps[version - 1 :]:
        step(connection)
    if version < ours:
        connection.execute(update(schema_version).values(version=ours))


def _few(names: Iterable[str]) -> str:
    first = sorted(names)
    return ", ".join(first[:3]) + (", ..." if len(first) > 3 else "")  # noqa: PLR2004 - enough to recognise it by
