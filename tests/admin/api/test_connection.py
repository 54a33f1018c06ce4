"""The connection through the API."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.sandbox.server import Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.running import Running, running
from tests.waiting import until


@pytest.fixture
async def bare(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector in the set-up state."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    async with running(thron, tmp_path, **nothing) as whole:
        yield whole


async def test_set_up(bare: Running) -> None:
    """Credentials are given, tried and kept; the key comes back in no answer."""
    thron = bare.thron
    async with visitor(bare.gateway) as known:
        await known.enter(bare.gateway.demo_url())
        state = (await known.call("GET", "/api/connection")).json
        assert (state["client_id"], state["is_logged_in"]) == (None, False)
        assert (await known.call("POST", "/api/connection/test")).status == 409
        given = {"client_id": thron.client_id, "app_id": thron.app_id, "app_key": "wrong"}
        assert (await known.call("PUT", "/api/connection", given)).status == 422
        page = await known.call("PUT", "/api/connection", {**given, "app_key": thron.app_key})
        assert page.status == 200
        assert {each["verdict"] for each in page.json["findings"]} == {"yes"}

        async def is_logged_in() -> bool:
            return bool((await known.call("GET", "/api/connection")).json["is_logged_in"])

        await until(is_logged_in)
        page = await known.call("GET", "/api/connection")
        assert page.json["client_id"] == thron.client_id
        assert thron.app_key not in page.text
        tested = await known.call("POST", "/api/connection/test")
        assert tested.json["findings"][0]["right"] == "log_in"
        thron.api_down = True
        other = {**given, "app_key": thron.app_key + "x"}
        assert (await known.call("PUT", "/api/connection", other)).status == 503


async def test_without_a_key(bare: Running) -> None:
    """Where no key is kept, leaving it out is a problem of that value."""
    async with visitor(bare.gateway) as known:
        await known.enter(bare.gateway.demo_url())
        page = await known.call("PUT", "/api/connection", {"client_id": "a", "app_id": "b"})
        assert page.status == 422
        assert page.json["problems"] == [{"field": "app_key", "detail": "Fill this in."}]


async def test_given_by_settings(admin: Visitor) -> None:
    """Credentials of the environment cannot be changed here."""
    given = {"client_id": "a", "app_id": "b", "app_key": "c"}
    assert (await admin.call("PUT", "/api/connection", given)).status == 409
    assert (await admin.call("GET", "/api/connection")).json["is_given"] is True
