"""The tenant's credentials, kept in SQLite and in PostgreSQL alike."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.errors import ConfigurationError
from tests.catalogue.audited import audited

KEY = "k" * 32


async def test_tenant(database_url: str) -> None:
    """New credentials are a change that everybody learns of; the same ones are none."""
    tenant = TenantRecord("acme", "app", "app-key-1")
    async with Database.open(database_url, secret_keys_given=(KEY,)) as database:
        await TenantStore(database).save(tenant, actor="console")
        await TenantStore(database).save(tenant, actor="console")
        assert await database.revision() == 1
        changed = replace(tenant, app_key="app-key-2", username="somebody")
        await TenantStore(database).save(changed, actor="console")
        assert await database.revision() == 2
        assert await TenantStore(database).read() == changed


async def test_another_tenant_is_another_s_content(database_url: str) -> None:
    """What one tenant or user gave leaves every cache with it; a new key changes nothing there."""
    tenant = TenantRecord("acme", "app", "app-key-1")
    others = (
        (replace(tenant, app_key="app-key-2"), 0),
        (replace(tenant, username="somebody"), 1),
        (replace(tenant, client_id="other"), 1),
    )
    async with Database.open(database_url, secret_keys_given=(KEY,)) as database:
        store, purges = TenantStore(database), PurgeStore(database)
        await store.save(tenant, actor="console")
        for other, purged in others:
            before = await purges.last()
            await store.save(other, actor="console")
            ordered = await purges.since(before)
            assert [each.purge for each in ordered] == [Purge(PurgeKind.ALL)] * purged


async def test_no_secret_is_audited_or_shown(sqlite_url: str) -> None:
    """Neither the audit nor a tenant's own words hold the app key."""
    tenant = TenantRecord("acme", "app", "app-key-1")
    async with Database.open(sqlite_url) as database:
        await TenantStore(database).save(tenant, actor="console")
        told = repr(tenant) + repr(await audited(database))
    assert "app-key-1" not in told


async def test_a_lost_key_asks_for_the_credentials_anew(sqlite_url: str, tmp_path: Path) -> None:
    """Without its key the app key is unknown, not an error; the rest of the tenant is there."""
    tenant = TenantRecord("acme", "app", "app-key-1")
    async with Database.open(sqlite_url) as database:
        await TenantStore(database).save(tenant, actor="console")
    (tmp_path / "connector.secret.key").unlink()
    async with Database.open(sqlite_url) as database:
        assert await TenantStore(database).read() == replace(tenant, app_key=None)
        await TenantStore(database).save(tenant, actor="console")
        assert await TenantStore(database).read() == tenant


async def test_postgresql_keeps_no_secret_without_a_key(postgresql_url: str) -> None:
    """There the key has to be given; what is to be done is said."""
    async with Database.open(postgresql_url) as database:
        with pytest.raises(ConfigurationError, match=r"TDC_SECRET_KEY.*openssl"):
            await TenantStore(database).save(TenantRecord("acme", "app", "key"), actor="console")
        assert await TenantStore(database).read() is None
