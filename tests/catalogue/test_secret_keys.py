"""Where the keys of the database's secrets come from, and what an older database leaves behind."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.engine import place
from proxy.catalogue.secret_keys import encryption, key_file
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.errors import ConfigurationError
from tests.catalogue.old_database import SECRETS, write_plain_text

GIVEN = "g" * 32


async def test_the_key_file_is_the_owner_s(empty_sqlite_url: str, tmp_path: Path) -> None:
    """The first start makes it; processes that start at once have the same key."""

    async def opened() -> str | None:
        async with Database.open(empty_sqlite_url) as database:
            assert database.encryption is not None
            return database.encryption.encrypt("secret")

    written = await asyncio.gather(*(opened() for _ in range(4)))
    file = tmp_path / "connector.secret.key"
    assert file.stat().st_mode & 0o777 == 0o600
    async with Database.open(empty_sqlite_url) as database:
        assert database.encryption is not None
        assert {database.encryption.decrypt(each or "") for each in written} == {"secret"}
    assert _names(tmp_path) == {"connector.db", file.name}


async def test_a_given_key_wins(empty_sqlite_url: str, tmp_path: Path) -> None:
    """With TDC_SECRET_KEY no file is made; one that there is goes on opening what it encrypted."""
    where = place(empty_sqlite_url)
    assert where.path is not None
    given = encryption(where, (GIVEN,))
    assert not key_file(where.path).exists()
    file = encryption(where, ())
    both = encryption(where, (GIVEN,))
    assert given is not None
    assert file is not None
    assert both is not None
    assert both.decrypt(file.encrypt("x")) == "x"
    assert given.decrypt(both.encrypt("x")) == "x"
    assert key_file(tmp_path / "connector.db").exists()


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 40])
async def test_a_damaged_key_file_is_named(
    content: bytes, empty_sqlite_url: str, tmp_path: Path
) -> None:
    """It is told which file it is, and what can be done."""
    file = tmp_path / "connector.secret.key"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"connector\.secret\.key.*restore it, or remove"):
        async with Database.open(empty_sqlite_url):
            pass


async def test_plain_text_of_an_older_version_is_scrubbed(
    empty_sqlite_url: str, tmp_path: Path
) -> None:
    """Neither the file nor its log has the app key or the pkey any more, from the start on."""
    await write_plain_text(empty_sqlite_url)
    assert _plain(tmp_path) >= {"app-key-in-plain-text", "pkey-in-plain-text"}
    async with Database.open(empty_sqlite_url) as database:
        assert not _plain(tmp_path)
        tenant = await TenantStore(database).read()
    assert tenant == TenantRecord("acme", "app", "app-key-in-plain-text")
    assert not _plain(tmp_path)


async def test_a_scrub_that_a_reader_held_up_is_done_later(
    empty_sqlite_url: str, tmp_path: Path
) -> None:
    """Whoever reads while it starts delays it to the next start, and is not disturbed."""
    await write_plain_text(empty_sqlite_url)
    with closing(sqlite3.connect(tmp_path / "connector.db", isolation_level=None)) as reader:
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM tenant").fetchall()
        async with Database.open(empty_sqlite_url) as database:
            assert await TenantStore(database).read() is not None
    async with Database.open(empty_sqlite_url):
        assert not _plain(tmp_path)


async def test_postgresql_without_a_key_keeps_no_plain_text(empty_postgresql_url: str) -> None:
    """A plain app key there is left as it is until there is a key to encrypt it with."""
    await write_plain_text(empty_postgresql_url)
    with pytest.raises(ConfigurationError, match=r"plain text: set TDC_SECRET_KEY"):
        async with Database.open(empty_postgresql_url):
            pass
    async with Database.open(empty_postgresql_url, secret_keys_given=(GIVEN,)) as database:
        assert await TenantStore(database).read() == TenantRecord(
            "acme", "app", "app-key-in-plain-text"
        )


def _names(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


def _plain(directory: Path) -> set[str]:
    """Return the secrets that stand in any file of a directory."""
    contents = [each.read_bytes() for each in directory.iterdir()]
    return {each for each in SECRETS if any(each.encode() in content for content in contents)}
