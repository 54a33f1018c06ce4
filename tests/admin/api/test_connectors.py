"""Connectors through the API: planned, made, changed, removed."""

from typing import Any

import pytest

from tests.admin.set_up import given, number_to_confirm, path
from tests.admin.visitor import Page, Visitor
from tests.listed import listed
from tests.running import Running


def wanted(connector: Running, slug: str = "brochures", **change: Any) -> dict[str, Any]:
    usual = {
        "slug": slug,
        "folder": connector.thron.root_folder_id,
        "content_types": ["image"],
        "identifier": "pretty_id",
    }
    return {**usual, **change}


async def as_it_is(admin: Visitor, slug: str, /, **change: Any) -> dict[str, Any]:
    found = (await admin.call("GET", f"/api/connectors/{slug}")).json["connector"]
    return {**found, **change}


def problems(page: Page) -> list[str]:
    return [each["field"] for each in page.json["problems"]]


async def test_list(connector: Running, admin: Visitor) -> None:
    """Every connector is told with its keys, its illustrative address and its contents."""
    await listed(connector, "files")
    page = await admin.call("GET", "/api/connectors")
    found = {each["connector"]["slug"]: each for each in page.json["items"]}
    assert list(found) == ["files", "media", "products"]
    assert found["products"]["connector"]["metadata"] == "sku"
    assert found["files"]["contents"] > 0
    assert found["media"]["contents"] is None
    assert "".join(part["text"] for part in found["media"]["address"]).endswith(
        "/media/{language}/{prettyID}/{file name}"
    )
    assert [part["name"] for part in found["files"]["address"]] == [
        None,
        "content",
        None,
        "file_name",
    ]


async def test_a_connector_is_made(connector: Running, admin: Visitor) -> None:
    """The plan tells the number, and with it confirmed the connector is there."""
    content = {"connector": wanted(connector)}
    plan = await admin.call("POST", "/api/connectors/plan", content)
    assert (plan.status, plan.json["is_new"], plan.json["becomes_public"]) == (200, True, True)
    page = await admin.call("POST", "/api/connectors", content)
    assert (page.status, problems(page)) == (409, ["confirmed_contents"])
    assert connector.gateway.watch.connectors.of_slug("brochures") is None
    fewer = {**content, "confirmed_contents": plan.json["contents"] - 1}
    page = await admin.call("POST", "/api/connectors", fewer)
    assert (page.status, problems(page)) == (409, ["confirmed_contents"])
    confirmed = {**content, "confirmed_contents": plan.json["contents"]}
    page = await admin.call("POST", "/api/connectors", confirmed)
    assert (page.status, page.json["folder_id"]) == (201, connector.thron.root_folder_id)
    assert connector.gateway.watch.connectors.of_slug("brochures") is not None


@pytest.mark.parametrize(
    "metadata", [pytest.param("sku", id="classified"), pytest.param("free_code", id="legacy")]
)
async def test_one_number_of_contents(connector: Running, admin: Visitor, metadata: str) -> None:
    """The API's plan and the console's page tell the same number of contents."""
    root = connector.thron.root_folder_id
    named: dict[str, Any] = {
        "identifier": "metadata",
        "metadata": metadata,
        "content_types": ["document"],
    }
    content = {"connector": wanted(connector, **named)}
    plan = (await admin.call("POST", "/api/connectors/plan", content)).json
    page = await admin.get(path("review", given(root, by=f"metadata:{metadata}", types="document")))
    assert (str(plan["contents"]), plan["is_estimate"]) == (number_to_confirm(page), False)
    assert plan["contents"] > 0


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        pytest.param({"slug": "No good"}, 422, "connector.slug", id="slug"),
        pytest.param({"slug": "new"}, 422, "connector.slug", id="a page of the console"),
        pytest.param({"slug": "files"}, 409, "connector.slug", id="taken"),
        pytest.param({"identifier": "colour"}, 422, "connector.identifier", id="identifier"),
        pytest.param({"identifier": "metadata"}, 422, "connector.metadata", id="no key"),
        pytest.param({"content_types": []}, 422, "connector.content_types", id="no types"),
        pytest.param({"folder": "nowhere"}, 422, "connector", id="unknown folder"),
        pytest.param({"force_https": True}, 422, "connector", id="no HTTPS"),
        pytest.param({"colour": "red"}, 422, "connector.colour", id="unknown key"),
    ],
)
async def test_problems(
    connector: Running, admin: Visitor, change: dict[str, Any], status: int, field: str
) -> None:
    """What cannot be is told by its key, and nothing is saved."""
    before = connector.gateway.watch.connectors
    content = {"connector": wanted(connector, **change), "confirmed_contents": 10**6}
    page = await admin.call("POST", "/api/connectors", content)
    assert (page.status, problems(page)) == (status, [field])
    assert connector.gateway.watch.connectors == before


async def test_a_change_that_breaks_urls(connector: Running, admin: Visitor) -> None:
    """The plan counts and shows them; the change wants their number."""
    await listed(connector, "files")
    content = {"connector": await as_it_is(admin, "files", content_types=["image"])}
    plan = (await admin.call("POST", "/api/connectors/plan", content)).json
    assert (plan["is_new"], plan["changed"], plan["becomes_public"]) == (
        False,
        ["content_types"],
        False,
    )
    broken = plan["broken_urls"]
    assert broken["total"] >= len(broken["sample"]) > 0
    assert {each["reason"] for each in broken["by_reason"]} == {"type"}
    page = await admin.call("PUT", "/api/connectors/files", content)
    assert (page.status, problems(page)) == (409, ["confirmed_broken_urls"])
    confirmed = {**content, "confirmed_broken_urls": broken["total"]}
    page = await admin.call("PUT", "/api/connectors/files", confirmed)
    assert (page.status, page.json["connector"]["content_types"]) == (200, ["image"])


async def test_every_broken_url(connector: Running, admin: Visitor) -> None:
    """All that a change or a removal would break are listed, page by page, and nothing is done."""
    await listed(connector, "files")
    path = "/api/connectors/files/broken-urls"
    images = await as_it_is(admin, "files", content_types=["image"])
    for change, reason in ((images, "type"), (None, "removed")):
        found: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            query = f"{path}?limit=3&after={after}"
            page = (await admin.call("POST", query, {"connector": change})).json
            assert len(page["items"]) <= 3
            found += page["items"]
            after = page["after"]
        assert len({each["url"] for each in found}) == len(found) == page["total"] > 3
        assert {each["reason"] for each in found} == {reason}
    assert await as_it_is(admin, "files") != images
    renamed = {"connector": await as_it_is(admin, "files", slug="other")}
    assert problems(await admin.call("POST", path, renamed)) == ["connector.slug"]
    unknown = await admin.call("POST", "/api/connectors/none/broken-urls", {"connector": None})
    assert unknown.status == 404


async def test_what_harms_nobody_needs_no_confirmation(admin: Visitor) -> None:
    """A change of caching is made as it comes; a name cannot be changed."""
    content = {"connector": await as_it_is(admin, "files", max_age_s=5)}
    page = await admin.call("PUT", "/api/connectors/files", content)
    assert (page.status, page.json["connector"]["max_age_s"]) == (200, 5)
    renamed = {"connector": await as_it_is(admin, "files", slug="other")}
    page = await admin.call("PUT", "/api/connectors/files", renamed)
    assert (page.status, problems(page)) == (422, ["connector.slug"])


async def test_off_and_on(connector: Running, admin: Visitor) -> None:
    """Switching off needs no THRON; switching on makes contents public again."""
    off = {"connector": await as_it_is(admin, "files", enabled=False)}
    connector.thron.api_down = True
    assert (await admin.call("PUT", "/api/connectors/files", off)).status == 200
    connector.thron.api_down = False
    on = {"connector": await as_it_is(admin, "files", enabled=True)}
    page = await admin.call("PUT", "/api/connectors/files", on)
    assert (page.status, problems(page)) == (409, ["confirmed_contents"])
    confirmed = {**on, "confirmed_contents": 10**6}
    assert (await admin.call("PUT", "/api/connectors/files", confirmed)).status == 200


async def test_removal(connector: Running, admin: Visitor) -> None:
    """A connector whose URLs work is removed when their number is confirmed."""
    await listed(connector, "files")
    page = await admin.call("DELETE", "/api/connectors/files")
    assert (page.status, problems(page)) == (409, ["confirmed_broken_urls"])
    page = await admin.call("DELETE", "/api/connectors/files?confirmed_broken_urls=100000")
    assert page.status == 204
    assert connector.gateway.watch.connectors.of_slug("files") is None


async def test_export(admin: Visitor) -> None:
    """One connector is sent as TOML."""
    page = await admin.call("GET", "/api/connectors/products/toml")
    assert 'slug = "products"' in page.text


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_what_is_not_there(admin: Visitor, method: str) -> None:
    """A connector that is not there is 404."""
    assert (await admin.call(method, "/api/connectors/nowhere")).status == 404


async def test_it_is_nobodys_business(nobody: Visitor) -> None:
    """Without signing in nothing is told."""
    assert (await nobody.call("GET", "/api/connectors")).status == 401
