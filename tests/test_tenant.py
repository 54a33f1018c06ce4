"""The tenant that is connected: what is opened for it, and what is closed again."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from proxy.app.tenant import open_context
from proxy.catalogue.database import Database
from proxy.catalogue.tenant import TenantRecord, TenantStore
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError, DatabaseFailed
from proxy.sandbox.server import Sandbox
from proxy.settings import Settings
from tests.running import usual_settings


def _kept(thron: Sandbox, *, key: str | None = None) -> TenantRecord:
    return TenantRecord(client_id=thron.client_id, app_id=thron.app_id, app_key=key)


def _without_credentials(thron: Sandbox) -> Settings:
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    return usual_settings(thron).model_copy(update=nothing)


async def test_set_up_state(tmp_path: Path) -> None:
    """Without credentials the database is open, and no tenant is connected."""
    async with open_context(Settings(), {"STATE_DIRECTORY": str(tmp_path)}) as context:
        assert context.tenant is None
        assert (await ConnectorStore(context.database).read()).all == ()
    assert (tmp_path / "connector.db").exists()


async def test_tenant_of_the_settings(thron: Sandbox, tmp_path: Path) -> None:
    """Credentials of the settings connect their tenant."""
    async with open_context(usual_settings(thron), {"STATE_DIRECTORY": str(tmp_path)}) as context:
        assert context.tenant is not None
        assert (await context.tenant.thron.session()).root_category_id == thron.root_folder_id
    assert thron.logins == 1


async def test_tenant_of_the_database(thron: Sandbox, tmp_path: Path) -> None:
    """Credentials that the database gets connect their tenant, and again only when they change."""
    settings = _without_credentials(thron)
    async with open_context(settings, {"STATE_DIRECTORY": str(tmp_path)}) as context:
        await context.connection.refresh()
        assert [context.tenant] == [None]
        await TenantStore(context.database).save(_kept(thron, key=thron.app_key), actor="test")
        await context.connection.refresh()
        connected = context.tenant
        assert connected is not None
        await context.connection.refresh()
        assert context.tenant is connected
        await TenantStore(context.database).save(
            _kept(thron, key=thron.app_key_wrong), actor="test"
        )
        await context.connection.refresh()
        assert context.tenant is not connected


async def test_a_tenant_is_connected_once(thron: Sandbox, tmp_path: Path) -> None:
    """The console and the watch may ask for it at the same time: one keeper, one login."""
    settings = _without_credentials(thron)
    async with open_context(settings, {"STATE_DIRECTORY": str(tmp_path)}) as context:
        await TenantStore(context.database).save(_kept(thron, key=thron.app_key), actor="test")
        await asyncio.gather(*(context.connection.refresh() for _ in range(5)))
        assert _keepers() == 1


async def test_what_could_not_be_connected_is_closed(thron: Sandbox, tmp_path: Path) -> None:
    """The watch tries every second: a tenant that fails half-way leaves no keeper behind."""
    settings = _without_credentials(thron)
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    async with open_context(settings, environ) as context:
        await TenantStore(context.database).save(_kept(thron, key=thron.app_key), actor="test")
        with closing(sqlite3.connect(tmp_path / "connector.db")) as direct:
            direct.execute("ALTER TABLE address RENAME TO elsewhere")
        for _ in range(3):
            with pytest.raises(DatabaseFailed):
                await context.connection.refresh()
        assert (_keepers(), context.tenant) == (0, None)


def _keepers() -> int:
    return sum(task.get_name() == "token-keeper" for task in asyncio.all_tasks())


async def test_nothing_is_left(thron: Sandbox, tmp_path: Path) -> None:
    """What was opened is closed, and nothing runs any more."""
    before = asyncio.all_tasks()
    async with open_context(usual_settings(thron), {"STATE_DIRECTORY": str(tmp_path)}) as context:
        assert context.tenant is not None
        await context.tenant.thron.session()
    ours = {task.get_name() for task in asyncio.all_tasks() - before}
    assert not {name for name in ours if name.startswith(("token", "thron", "database", "batch"))}


async def test_a_database_that_cannot_be_used(tmp_path: Path) -> None:
    """A database that cannot be opened is the operator's slip."""
    (tmp_path / "file").write_text("")
    settings = Settings(database_url=f"sqlite:///{tmp_path}/file/connector.db")
    with pytest.raises(ConfigurationError, match="TDC_DATABASE_URL"):
        async with open_context(settings, {}):
            pass


async def test_a_thron_that_is_down_keeps_nothing_from_opening(
    thron: Sandbox, tmp_path: Path
) -> None:
    """The parts open while THRON cannot be asked."""
    thron.api_down = True
    async with open_context(usual_settings(thron), {"STATE_DIRECTORY": str(tmp_path)}) as context:
        assert context.tenant is not None
        assert not context.tenant.thron.state.logged_in


async def test_two_at_once(thron: Sandbox, tmp_path: Path) -> None:
    """A command works beside the running connector, on the same database."""
    environ = {"STATE_DIRECTORY": str(tmp_path)}
    settings = usual_settings(thron)
    async with (
        open_context(settings, environ) as one,
        open_context(settings, environ) as other,
    ):
        assert one.database.place == other.database.place
        async with Database.open(settings.database(environ)) as third:
            assert await third.revision() == await one.database.revision()
