"""API tokens: told once, kept as hashes, revoked for good."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from proxy.admin.auth.api_tokens import ApiTokens, NameTaken
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from tests.catalogue.audited import audited

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database.open(str(tmp_path / "connector.db")) as opened:
        yield opened


@pytest.fixture
def tokens(database: Database) -> ApiTokens:
    return ApiTokens(database, now=lambda: NOW)


async def test_made_and_found(tokens: ApiTokens) -> None:
    """A token is found by its secret alone, and its use is noted."""
    made = await tokens.make("monitoring", can_change=False, actor="admin")
    assert made.secret.startswith(made.token.hint)
    found = await tokens.find(made.secret)
    assert found is not None
    assert (found.id, found.name, found.can_change) == (made.token.id, "monitoring", False)
    assert (await tokens.all())[0].used == NOW
    assert await tokens.find("") is None
    assert await tokens.find(made.token.hint) is None


async def test_names_are_unique(tokens: ApiTokens) -> None:
    """Two tokens cannot have one name, so that the audit tells them apart."""
    await tokens.make("monitoring", can_change=False, actor="admin")
    with pytest.raises(NameTaken):
        await tokens.make("monitoring", can_change=True, actor="admin")
    assert [each.can_change for each in await tokens.all()] == [False]


async def test_revoked(tokens: ApiTokens) -> None:
    """A revoked token is found no more, and its name is free."""
    made = await tokens.make("monitoring", can_change=False, actor="admin")
    assert await tokens.revoke(made.token.id, actor="admin")
    assert not await tokens.revoke(made.token.id, actor="admin")
    assert await tokens.find(made.secret) is None
    await tokens.make("monitoring", can_change=True, actor="admin")


async def test_the_database_opens_nothing(tokens: ApiTokens, database: Database) -> None:
    """What is kept of a token is no secret."""
    made = await tokens.make("monitoring", can_change=True, actor="admin")

    async def read(connection: AsyncConnection) -> str:
        return repr((await connection.execute(select(schema.api_token))).all())

    assert made.secret not in await database.read(read)
    assert made.secret not in repr(made)


async def test_audit(tokens: ApiTokens, database: Database) -> None:
    """Making and revoking stand in the audit, without the secret."""
    made = await tokens.make("monitoring", can_change=True, actor="admin")
    await tokens.revoke(made.token.id, actor="admin")
    entries = await audited(database)
    assert [(each.action, each.subject) for each in entries] == [
        ("token revoked", "monitoring"),
        ("token created", "monitoring"),
    ]
    assert made.secret not in repr(entries)
