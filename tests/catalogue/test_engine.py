"""Database URLs, as operators write them."""

from pathlib import Path

import pytest

from proxy.catalogue.engine import engine, following, place
from proxy.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        pytest.param("mysql://u:hush@h/x", "mysql is not supported", id="another kind"),
        pytest.param("sqlite://", "in memory would forget", id="in memory"),
        pytest.param("sqlite:///:memory:", "in memory would forget", id="in memory, by name"),
        pytest.param("", "in memory would forget", id="empty"),
        pytest.param("://hush", "not a database URL", id="no URL"),
        pytest.param("postgresql://h:hush/x", "not a database URL", id="no port"),
    ],
)
def test_url_problems(url: str, problem: str) -> None:
    """A URL that names no database is a problem with its setting and the fix, and no password."""
    with pytest.raises(ConfigurationError, match=problem) as caught:
        place(url)
    assert "TDC_DATABASE_URL" in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        pytest.param("/var/lib/x.db", "/var/lib/x.db", id="path"),
        pytest.param("sqlite:////var/lib/x.db", "/var/lib/x.db", id="SQLite URL"),
        pytest.param("sqlite+aiosqlite:////var/lib/x.db", "/var/lib/x.db", id="with driver"),
        pytest.param(
            "postgres://u:hush@h/x?sslmode=require&password=hush",
            "postgresql+asyncpg://u:***@h/x",
            id="PostgreSQL",
        ),
    ],
)
def test_place_is_shown(url: str, shown: str) -> None:
    """A place is shown as an absolute path, or as a URL without secrets."""
    assert str(place(url)) == shown
    assert "hush" not in repr(place(url))


def test_sslmode() -> None:
    """The word that everybody copies from a hoster's panel is taken for asyncpg's own."""
    assert dict(place("postgresql://h/x?sslmode=require").url.query) == {"ssl": "require"}


@pytest.mark.parametrize(
    ("statement", "least"),
    [
        pytest.param("SELECT 1", 1, id="one that is done"),
        pytest.param(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000)"
            " SELECT max(i) FROM n",
            3,
            id="a long one",
        ),
    ],
)
async def test_progress_of_statements(tmp_path: Path, statement: str, least: int) -> None:
    """SQLite tells that statements get on, while one runs too, until the block has ended."""
    made, progress = engine(place(f"{tmp_path}/connector.db")), list[None]()
    try:
        with following(made, lambda: progress.append(None)):
            async with made.connect() as connection:
                before = len(progress)
                await connection.exec_driver_sql(statement)
                assert len(progress) - before >= least
        async with made.connect() as connection:
            told = len(progress)
            await connection.exec_driver_sql("SELECT 1")
            assert len(progress) == told
    finally:
        await made.dispose()


async def test_progress_of_postgresql(postgresql_url: str) -> None:
    """PostgreSQL's statements count as each is done."""
    made, progress = engine(place(postgresql_url)), list[None]()
    try:
        with following(made, lambda: progress.append(None)):
            async with made.connect() as connection:
                await connection.exec_driver_sql("SELECT 1")
        assert progress
    finally:
        await made.dispose()
