"""Connectors kept in SQLite and in PostgreSQL alike."""

from datetime import UTC, datetime

import pytest

from proxy.catalogue.database import Database
from proxy.connectors.changes import Changes
from proxy.connectors.model import (
    Connector,
    Connectors,
    DeliveryMode,
    Disposition,
    Identifier,
)
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError
from proxy.thron.content import ContentType
from tests.catalogue.audited import audited

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
FILES = Connector(slug="files", folder="f", folder_id="f-1", identifier=Identifier.CONTENT_ID)
SKUS = Connector(
    slug="skus",
    folder="brochures",
    folder_id="f-2",
    identifier=Identifier.METADATA,
    metadata="sku",
    classification_id="c-1",
    enabled=False,
    subfolders=False,
    content_types=frozenset({ContentType.OTHER, ContentType.AUDIO}),
    force_https=True,
    delivery=DeliveryMode.PUBLISHED,
    disposition=Disposition.INLINE,
    max_age_s=2**31 - 1,
    robots="noindex, nofollow",
    host="skus.example.com",
)


async def test_connectors_are_kept(database_url: str) -> None:
    """What was applied is there after a restart, field by field, ordered by slug."""
    async with Database.open(database_url) as database:
        assert await ConnectorStore(database).apply([SKUS, FILES], actor="cli") == Changes(
            created=("skus", "files"), changed=(), unchanged=()
        )
    async with Database.open(database_url) as database:
        assert await ConnectorStore(database).read() == Connectors(1, (FILES, SKUS))


async def test_apply_is_idempotent(database_url: str) -> None:
    """Applying the same again changes nothing, not even the revision or the audit."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        before = await audited(database)
        assert await ConnectorStore(database).apply([FILES, SKUS], actor="cli") == Changes(
            created=(), changed=(), unchanged=("files", "skus")
        )
        assert await database.revision() == 1
        assert await audited(database) == before


async def test_apply_changes_and_keeps_others(database_url: str) -> None:
    """A document changes what it names, and leaves alone what it does not name."""
    async with Database.open(database_url, now=lambda: NOON) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        changed = FILES.model_copy(update={"max_age_s": 60})
        assert (await ConnectorStore(database).apply([changed], actor="ada")).changed == ("files",)
        assert await ConnectorStore(database).read() == Connectors(2, (changed, SKUS))
        entry = (await audited(database, newest=1))[0]
        assert (entry.at, entry.actor, entry.action, entry.subject, entry.detail) == (
            NOON,
            "ada",
            "connector changed",
            "files",
            {"max_age_s": {"old": 300, "new": 60}},
        )


async def test_hosts_can_be_exchanged(database_url: str) -> None:
    """Two connectors can exchange their hosts in one document."""
    one = FILES.model_copy(update={"host": "one.example.com"})
    two = SKUS.model_copy(update={"host": "two.example.com"})
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([one, two], actor="cli")
        swapped = (
            one.model_copy(update={"host": two.host}),
            two.model_copy(update={"host": one.host}),
        )
        await ConnectorStore(database).apply(swapped, actor="cli")
        assert (await ConnectorStore(database).read()).all == swapped


async def test_a_taken_host_is_refused(database_url: str) -> None:
    """A host that another connector has is a named problem, and nothing is applied."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([SKUS], actor="cli")
        with pytest.raises(ConfigurationError, match=r"host skus.example.com: files and skus"):
            await ConnectorStore(database).apply(
                [FILES.model_copy(update={"host": SKUS.host})], actor="cli"
            )
        assert await ConnectorStore(database).read() == Connectors(1, (SKUS,))


async def test_remove(database_url: str) -> None:
    """A removed connector is gone; removing it again does nothing."""
    async with Database.open(database_url) as database:
        await ConnectorStore(database).apply([FILES, SKUS], actor="cli")
        assert await ConnectorStore(database).remove("files", actor="cli")
        assert not await ConnectorStore(database).remove("files", actor="cli")
        assert await ConnectorStore(database).read() == Connectors(2, (SKUS,))
        assert [each.action for each in await audited(database)] == [
            "connector removed",
            "connector created",
            "connector created",
        ]
