"""The link check by the API."""

import pytest

from tests.admin.visitor import Visitor
from tests.listed import listed
from tests.running import Running, by_sku
from tests.waiting import until

PATH = "/api/connectors/products/link-check"


@pytest.fixture
async def filled(connector: Running) -> Running:
    """Fill the catalogue of ``products``."""
    await listed(connector, "products")
    return connector


async def _over(admin: Visitor) -> None:
    async def is_over() -> bool:
        run = (await admin.call("GET", PATH)).json["run"]
        return run["state"] not in {"running", "stopping"}

    await until(is_over)


async def test_run(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A run is begun, followed, and tells what it found."""
    before = (await admin.call("GET", PATH)).json
    assert (before["run"], before["problems"], before["working"]) == (None, 0, 0)
    begun = await admin.call("POST", PATH, {})
    assert (begun.status, begun.json["state"]) == (202, "running")
    assert (await admin.call("POST", PATH, {})).status == 409
    await _over(admin)
    after = (await admin.call("GET", PATH)).json
    assert after["run"]["state"] == "done"
    assert after["run"]["checked"] == after["problems"] + after["working"] == before["untried"]
    problems = (await admin.call("GET", f"{PATH}/urls")).json
    assert problems["total"] == after["problems"] == 1
    (refused,) = problems["items"]
    assert (refused["line"]["identifier"], refused["status"]) == ("VA-TERMS", 404)
    assert refused["problem"]
    working = (await admin.call("GET", f"{PATH}/urls?show=working&size=500")).json
    assert all(each["status"] == 200 and each["media_type"] for each in working["items"])


async def test_end(filled: Running, admin: Visitor) -> None:  # noqa: ARG001 - filled first
    """A run is ended."""
    assert (await admin.call("DELETE", PATH)).status == 404
    await admin.call("POST", PATH, {"scope": "all"})
    assert (await admin.call("DELETE", PATH)).status == 204
    await _over(admin)
    assert (await admin.call("GET", PATH)).json["run"]["state"] == "stopped"
    assert (await admin.call("GET", f"{PATH}/urls?show=untried")).json["total"] > 0


async def test_disabled(filled: Running, admin: Visitor) -> None:
    """A disabled connector is not checked."""
    await filled.apply(by_sku(filled.thron, enabled=False))
    assert (await admin.call("POST", PATH, {})).status == 409


async def test_refused(admin: Visitor) -> None:
    """What cannot be is a problem."""
    assert (await admin.call("GET", "/api/connectors/none/link-check")).status == 404
    assert (await admin.call("POST", PATH, {"scope": "some"})).status == 422
    assert (await admin.call("GET", f"{PATH}/urls?show=fine")).status == 422
