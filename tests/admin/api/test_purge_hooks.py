"""The caches that are told of changes: listed and tried, by machines and on the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from proxy.catalogue.hook_progress import HookProgress
from proxy.sandbox.server import Sandbox
from tests.admin.visitor import Visitor, visitor
from tests.delivery.origin_server import OriginServer, origin_server
from tests.running import Running, by_id, running
from tests.waiting import until


@asynccontextmanager
async def told(thron: Sandbox, home: Path) -> AsyncIterator[tuple[Running, OriginServer]]:
    """Run a connector, and a cache that it tells."""

    async def cache(request: web.Request) -> web.Response:
        return web.Response(status=200 if request.path == "/well" else 403)

    async with origin_server(cache) as server:
        (hooks := home / "hooks.toml").write_text(
            f"""
            [[hook]]
            name = "varnish"
            preset = "varnish-xkey"
            url = "{server.url}/well"
            [[hook]]
            name = "other"
            preset = "varnish-ban"
            method = "POST"
            url = "{server.url}/ill"
            """
        )
        async with running(thron, home, by_id(thron), purge_hooks=hooks) as connector:
            yield connector, server


async def test_listed_and_tried(thron: Sandbox, tmp_path: Path) -> None:
    """A purge reaches the cache, what waits for another is told, and why."""
    async with (
        told(thron, tmp_path) as (connector, server),
        visitor(connector.gateway) as admin,
    ):
        await admin.enter(connector.gateway.demo_url())
        page = await admin.call("POST", "/api/purge", {"by": "connector", "value": "files"})
        assert page.status == 202

        async def is_told() -> bool:
            listed = (await admin.call("GET", "/api/purge-hooks")).json["items"]
            return [(each["name"], each["waiting"], each["problem"]) for each in listed] == [
                ("varnish", 0, None),
                ("other", 1, "the cache answered 403"),
            ]

        await until(is_told)
        tags = [fields.get("xkey-purge") for _, _, fields in server.requests]
        assert "connector-files no-connector" in tags
        tried = await admin.call("POST", "/api/purge-hooks/varnish/try")
        assert (tried.status, tried.json) == (200, {"problem": None})
        tried = await admin.call("POST", "/api/purge-hooks/other/try")
        assert tried.json == {"problem": "the cache answered 403"}
        assert (await admin.call("POST", "/api/purge-hooks/none/try")).status == 404
        shown = await admin.get("/purge")
        assert "Caches in front" in shown.words
        assert "the cache answered 403" in shown.words
        assert "varnish accepted it." in (await admin.send("/purge/try", hook="varnish")).words
        assert "other did not accept it" in (await admin.send("/purge/try", hook="other")).words
        assert (await admin.send("/purge/try", hook="none")).status == 404


async def test_a_hook_of_another_replica_s_file(thron: Sandbox, tmp_path: Path) -> None:
    """It is listed with what is wrong, and cannot be tried here."""
    async with (
        told(thron, tmp_path) as (connector, _),
        visitor(connector.gateway) as admin,
    ):
        await HookProgress(connector.gateway.context.database).follow(["theirs"])
        await admin.enter(connector.gateway.demo_url())
        (*_, theirs) = (await admin.call("GET", "/api/purge-hooks")).json["items"]
        assert (theirs["name"], theirs["is_known"]) == ("theirs", False)
        assert (await admin.call("POST", "/api/purge-hooks/theirs/try")).status == 404
        shown = await admin.get("/purge")
        assert "theirs" in shown.words
        assert "its purges wait" in shown.words
        assert shown.text.count('action="/purge/try"') == 2


async def test_without_hooks(admin: Visitor) -> None:
    """The page says that caches in front are not told."""
    assert (await admin.call("GET", "/api/purge-hooks")).json == {"items": []}
    assert "is not purged here" in (await admin.get("/purge")).words
