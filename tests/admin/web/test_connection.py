"""The connection page: credentials given, tried and kept; never shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.catalogue.tenant import TenantStore
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.catalogue.audited import audited
from tests.logs import logged
from tests.running import Running, running


@pytest.fixture
async def bare(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector in the set-up state."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    async with running(thron, tmp_path, **nothing) as whole:
        yield whole


@pytest.fixture
async def operator(bare: Running) -> AsyncIterator[Visitor]:
    async with visitor(bare.gateway) as known:
        await known.enter(bare.gateway.demo_url())
        yield known


def good(thron: Sandbox) -> dict[str, str]:
    return {"client_id": thron.client_id, "app_id": thron.app_id, "app_key": thron.app_key}


async def test_given(bare: Running, operator: Visitor) -> None:
    """Good credentials are kept and connect at once; the key is neither shown nor logged again."""
    with logged() as log:
        assert "Not tested yet" in (await operator.get("/connection")).words
        page = await operator.send("/connection", **good(bare.thron))
        assert (page.status, page.fields["Location"]) == (303, "/connection")
        page = await operator.get("/connection")
        assert bare.gateway.context.tenant is not None
        assert page.words.count("works") == 5
        assert "Recommended for connectors: Original files (both work" in page.words
        assert bare.thron.client_id in page.text
        assert bare.thron.app_key not in page.text
        assert bare.thron.app_key not in (await operator.get("/audit")).text
        assert bare.thron.app_key not in log.text
    entry = (await audited(bare.gateway.context.database, newest=1))[0]
    assert (entry.actor, entry.action, entry.subject) == ("admin", "tenant changed", "sandbox")
    place = bare.gateway.context.database.place.path
    assert place is not None
    assert place.stat().st_mode & 0o077 == 0


async def test_the_kept_key(bare: Running, operator: Visitor) -> None:
    """With the key left out, the kept one is tried; for another tenant it is not."""
    await operator.send("/connection", **good(bare.thron))
    without = {**good(bare.thron), "app_key": ""}
    assert (await operator.send("/connection", **without)).status == 303
    page = await operator.send("/connection", **{**without, "client_id": "other"})
    assert (page.status, "Fill this in." in page.words) == (422, True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"app_key": "wrong-key"}, "THRON rejected these", id="wrong key"),
        pytest.param({"app_id": "wrong-app"}, "THRON rejected these", id="wrong app"),
        pytest.param({"client_id": ""}, "Fill this in.", id="no tenant"),
        pytest.param({"client_id": "https://acme.thron.com"}, "Enter only the name", id="a URL"),
        pytest.param({"app_key": ""}, "Fill this in.", id="no key"),
    ],
)
async def test_refused(
    bare: Running, operator: Visitor, changed: dict[str, str], said: str
) -> None:
    """What THRON does not take is told with the fix, and nothing is kept."""
    await operator.get("/connection")
    page = await operator.send("/connection", **{**good(bare.thron), **changed})
    assert (page.status, said in page.words) == (422, True)
    assert "wrong-key" not in page.text
    assert await TenantStore(bare.gateway.context.database).read() is None
    assert bare.gateway.context.tenant is None


async def test_thron_is_silent(bare: Running, operator: Visitor) -> None:
    """While THRON cannot be asked nothing is kept, and the page says so."""
    bare.thron.api_down = True
    await operator.get("/connection")
    page = await operator.send("/connection", **good(bare.thron))
    assert (page.status, "THRON could not be reached" in page.words) == (422, True)
    assert "unknown" in page.words


async def test_given_by_settings(connector: Running, admin: Visitor) -> None:
    """Credentials of the environment are shown without the key, and cannot be changed here."""
    page = await admin.get("/connection")
    assert "The credentials come from the environment or a file." in page.words
    assert connector.thron.app_key not in page.text
    assert 'name="app_key"' not in page.text
    assert (await admin.send("/connection", **good(connector.thron))).status == 403


async def test_missing_rights(connector: Running, admin: Visitor) -> None:
    """What the application may not do is told with what to ask the administrator for."""
    connector.thron.tenant.app.may_share = False
    connector.thron.tenant.app.pkey = None
    connector.thron.expire_tokens()
    page = await admin.get("/connection")
    assert "Ask for the share right on the contents" in page.words
    assert page.words.count("does not work") >= 1
