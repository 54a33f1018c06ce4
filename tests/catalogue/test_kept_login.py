"""What a login gave, kept for the next process."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.catalogue.kept_login import KeptLogin
from proxy.catalogue.tenant import Tenant
from proxy.sandbox.server import Sandbox
from proxy.thron.tokens import Credentials
from tests.catalogue.listing import Listed, listing


@pytest.fixture
async def listed(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Listed]:
    async with listing(thron, tmp_path) as found:
        yield found


def kept(listed: Listed, app_id: str = "sandbox-app") -> KeptLogin:
    credentials = Credentials(listed.thron.client_id, app_id, listed.thron.app_key)
    return KeptLogin(listed.database, listed.keeper, credentials)


async def test_the_pkey_of_every_login_is_kept(listed: Listed) -> None:
    """The share key and the root folder are in the database; the token and the app key are not."""
    assert await kept(listed).pkey() is None
    await listed.keeper.session()
    await kept(listed).refresh()
    assert await kept(listed).pkey() == listed.thron.pkey
    tenant = await listed.database.tenant()
    assert tenant is not None
    assert tenant.app_key is None
    assert tenant.root_category_id == listed.thron.root_folder_id
    assert await listed.database.audit() == ()
    assert await listed.database.revision() == 0


async def test_another_application_has_another_pkey(listed: Listed) -> None:
    """What was kept for one application is not used for another."""
    await listed.keeper.session()
    await kept(listed).refresh()
    assert await kept(listed, app_id="other").pkey() is None


async def test_keys_given_in_the_console_stay(listed: Listed) -> None:
    """A login never takes away credentials that somebody entered."""
    mine = Tenant("sandbox", "sandbox-app", app_key="kept")
    await listed.database.save_tenant(mine, actor="test")
    await listed.keeper.session()
    await kept(listed).refresh()
    tenant = await listed.database.tenant()
    assert tenant is not None
    assert (tenant.app_key, tenant.pkey) == ("kept", listed.thron.pkey)
    await kept(listed, app_id="other").refresh()
    assert await listed.database.tenant() == tenant
