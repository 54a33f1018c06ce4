"""A database as the versions wrote it that kept secrets in plain text."""

from sqlalchemy import Connection, insert, text

from proxy.catalogue import schema
from proxy.catalogue.engine import engine, place, write_ahead, writer

_TENANT = """
CREATE TABLE tenant (
    id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    client_id TEXT NOT NULL,
    app_id TEXT NOT NULL,
    app_key TEXT,
    pkey TEXT,
    root_category_id TEXT
)
"""

SECRETS = ("app-key-in-plain-text", "pkey-in-plain-text", "former-app-key-in-plain-text")


def make_version_1(connection: Connection) -> None:
    """Make the tables of the first version."""
    later = {"purge", "password", "session", "api_token"}
    later |= {"device", "catalogued", "content", "address", "content_version", "sync_run"}
    later |= {"link_check", "link_result", "tenant", "thron_session"}
    tables = [table for name, table in schema.TABLES.tables.items() if name not in later]
    schema.TABLES.create_all(connection, tables=tables)
    connection.execute(text(_TENANT))
    connection.execute(insert(schema.schema_version).values(version=1))
    connection.execute(insert(schema.revision).values(id=1, number=0))


async def write_plain_text(url: str) -> None:
    """Make a database of the first version that holds secrets, and traces of former ones."""
    where = place(url)
    made = engine(where)
    async with writer(made).begin() as connection:
        await connection.run_sync(make_version_1)
    if where.path is not None:
        await write_ahead(made)
    app_key, pkey, former = SECRETS
    for key in (former, app_key):
        async with writer(made).begin() as connection:
            await connection.execute(text("DELETE FROM tenant"))
            await connection.execute(
                text("INSERT INTO tenant VALUES (1, 'acme', 'app', :key, :pkey, 'root')"),
                {"key": key, "pkey": pkey},
            )
    await made.dispose()
