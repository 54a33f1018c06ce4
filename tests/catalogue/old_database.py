"""A database as the versions wrote it that kept secrets in plain text."""

from sqlalchemy import text

from proxy.catalogue.engine import engine, place, write_ahead, writer
from tests.catalogue.dump import restore

SECRETS = ("app-key-in-plain-text", "pkey-in-plain-text", "former-app-key-in-plain-text")


async def write_plain_text(url: str) -> None:
    """Make a database of the first version that holds secrets, and traces of former ones."""
    where = place(url)
    made = engine(where)
    async with writer(made).begin() as connection:
        await connection.run_sync(restore, "number_1")
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
