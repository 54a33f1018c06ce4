"""A headless Chromium, and somebody else's web site that embeds contents."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from proxy.sandbox.server import Sandbox
from tests.browser.console import PATIENCE_MS
from tests.running import Running, by_id, by_name, by_sku, running

expect.set_options(timeout=PATIENCE_MS)

CHROMIUM = "/usr/bin/chromium"
# No sandbox of its own, as tests may run as root; and no requests of its own to anywhere.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)


@dataclass(frozen=True, slots=True)
class Site:
    """A web site at an origin, and as ``localhost`` at a site, other than the connector's.

    Attributes:
        port: Where it listens.
        pages: Its HTML by path.
        scripts: Files of JavaScript by path.
    """

    port: int
    pages: dict[str, str] = field(default_factory=dict)
    scripts: dict[str, Path] = field(default_factory=dict)

    def show(self, html: str, *, path: str = "/") -> str:
        """Put a page on the site and return its URL."""
        self.pages[path] = f"<!doctype html><meta charset=utf-8><title>Shop</title>{html}"
        return f"http://localhost:{self.port}{path}"


@pytest_asyncio.fixture(loop_scope="package")
async def site() -> AsyncIterator[Site]:
    """Serve pages that are cross-origin isolated: they embed only what allows it in so many words.

    The strictest embedding there is (HTML, "cross-origin embedder policy").
    """
    pages: dict[str, str] = {}
    scripts: dict[str, Path] = {}
    isolated = {
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Opener-Policy": "same-origin",
    }

    async def page(request: web.Request) -> web.Response:
        if request.path in pages:
            text, kind = pages[request.path], "text/html"
        elif request.path in scripts:
            text, kind = scripts[request.path].read_text(), "text/javascript"
        else:
            return web.Response(status=404, headers=isolated)
        return web.Response(text=text, content_type=kind, charset="utf-8", headers=isolated)

    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    async with TestServer(app, host="127.0.0.1") as server:
        assert server.port is not None
        yield Site(server.port, pages, scripts)


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def browser() -> AsyncIterator[Browser]:
    """Start Chromium once: it takes longer than the tests."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS
        )
        try:
            yield browser
        finally:
            await browser.close()


@pytest_asyncio.fixture(loop_scope="package")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Open a page in a profile of its own, without cache, cookies or permissions of others."""
    async with await browser.new_context() as profile:
        profile.set_default_timeout(PATIENCE_MS)
        yield await profile.new_page()


# The loop is that of the browser, and so everything that the tests hold runs on it.


@pytest_asyncio.fixture(loop_scope="package")
async def thron() -> AsyncIterator[Sandbox]:
    async with Sandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture(loop_scope="package")
async def connector(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run one connector of each identifier, slugs ``files``, ``media``, ``products``."""
    wanted = by_id(thron), by_name(thron), by_sku(thron)
    async with running(thron, tmp_path, *wanted) as whole:
        yield whole


@pytest_asyncio.fixture(loop_scope="package")
async def bare(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run a connector that has just been installed; it lists folders by itself."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    async with running(thron, tmp_path, sync_interval_s=600, **nothing) as whole:
        yield whole
