"""Database URLs, as operators write them."""

import pytest

from proxy.catalogue.engine import place
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
