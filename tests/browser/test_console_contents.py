"""Contents, one content, and the link check in Chromium, as somebody uses them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.admin.listed import listed
from tests.browser.console import NARROW, WIDE, Window, window
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")


@asynccontextmanager
async def signed_in(
    browser: Browser, connector: Running, *, width: int = WIDE, dark: bool = False
) -> AsyncIterator[Window]:
    """Open a window of the administrator, with all contents listed."""
    await listed(connector, "media", "products")
    async with window(browser, connector.gateway, width=width, dark=dark) as made:
        await made.page.goto(connector.gateway.demo_url())
        yield made


def _content(connector: Running, name: str) -> str:
    return f"/connectors/media/contents/{connector.thron.tenant.find(name).id}"


@pytest.mark.parametrize("width", [WIDE, NARROW])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_every_page_is_fit(
    browser: Browser, connector: Running, theme: str, width: int
) -> None:
    """Each page is accessible in both themes, fits a phone, and asks no other host."""
    dark = theme == "dark"
    async with signed_in(browser, connector, width=width, dark=dark) as made:
        film = _content(connector, "strada-sl-film")
        for path in (
            "/connectors/media?size=25",
            "/connectors/products",
            "/connectors/media?q=nothing-like-this",
            "/connectors/files",
            f"{film}?explain=on",
            "/connectors/products/links",
            "/connectors/files/links",
        ):
            await made.open(path)
            await made.is_fit()


async def test_search_filter_and_sort(browser: Browser, connector: Running) -> None:
    """The table is narrowed as one types and chooses, and its address says how."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media")
        await page.get_by_role("searchbox").fill("aurora")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{made.base}/connectors/media?q=aurora")
        await page.get_by_label("Type", exact=True).select_option("AUDIO")
        await expect(page).to_have_url(f"{made.base}/connectors/media?q=aurora&type=AUDIO")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("link", name="Title").click()
        await expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
        await page.reload()
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("link", name="Clear filters").click()
        await expect(page).to_have_url(f"{made.base}/connectors/media")
        await page.get_by_label("By status").get_by_role("link", name="No identifier").click()
        await expect(page.locator(".badge.bad").first).to_have_text("No identifier")
        await made.is_fit()


async def test_paging(browser: Browser, connector: Running) -> None:
    """Pages are gone through by keyboard alone."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?size=25")
        first = await page.locator("tbody .what a").first.inner_text()
        await page.get_by_role("link", name="Next").focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{made.base}/connectors/media?page=2&size=25")
        await expect(page.locator(".bar > p")).to_have_text("26–50 of 75")  # noqa: RUF001 - as it is said
        assert await page.locator("tbody .what a").first.inner_text() != first


async def test_copy_one_and_several(browser: Browser, connector: Running) -> None:
    """A URL, and those of several lines, are copied, and lead to their contents."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/products?status=ok")
        row = page.locator("tbody tr").first
        await row.get_by_role("button", name="Copy the URL").click()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied == await row.locator("[data-url]").get_attribute("href")
        assert (await connector.ask("HEAD", copied)).status == 200
        ticks = page.locator("[data-pick]")
        await ticks.nth(0).click()
        await ticks.nth(3).click(modifiers=["Shift"])
        await page.get_by_role("button", name="Copy URLs").click()
        several = (await page.evaluate("navigator.clipboard.readText()")).splitlines()
        assert len(several) == len(set(several)) == 4
        await page.get_by_label("Select all on this page").click()
        await expect(page.locator("[data-count]")).to_have_text(str(await ticks.count()))
        await made.is_fit()


async def test_export(browser: Browser, connector: Running) -> None:
    """What is shown is saved, all of its pages."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?type=OTHER&size=25&page=2")
        await page.locator("summary", has_text="Export").click()
        await made.is_fit()
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="JSON").click()
        saved = await saving.value
        assert saved.suggested_filename == "media.json"
        lines = json.loads(await asyncio.to_thread(Path(await saved.path()).read_text, "utf-8"))
        total = (await page.locator(".bar > p").inner_text()).rpartition(" ")[2]
        assert len(lines) == int(total) > 25
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="CSV for spreadsheets").click()
        marked = await asyncio.to_thread(Path(await (await saving.value).path()).read_bytes)
        assert marked.startswith(b"\xef\xbb\xbf")


async def test_the_first_listing_is_followed(browser: Browser, connector: Running) -> None:
    """A page that waits for the first listing shows contents without being loaded anew."""
    async with signed_in(browser, connector) as made:
        await made.open("/connectors/files")
        await made.shows("No contents yet")
        await listed(connector, "files")
        await expect(made.page.locator("tbody tr").first).to_be_visible()


async def test_content(browser: Browser, connector: Running) -> None:
    """From the table to a content: its snippets are copied, its way explained, its code shown."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?q=strada-sl-film&language=en")
        await page.locator("tbody .what a").click()
        await page.get_by_role("button", name="Copy: Video in HTML").click()
        copied = await page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("<video src=")
        assert await page.locator(".code img").evaluate("image => image.decode()") is None
        await made.press("Explain")
        await expect(page.locator(".steps .finding.yes")).to_have_count(4)
        await made.press("Purge from the cache")
        await made.shows("within two seconds")
        await made.is_fit()


async def test_link_check(browser: Browser, connector: Running) -> None:
    """A check is begun and followed to its end; then its problem is at the top."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/products/links")
        await made.press("Check all 25 URLs")
        await expect(page.locator("progress")).to_be_visible()
        await made.is_fit()
        await made.shows("25 URLs tried")
        await made.open("/connectors/products/links")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await made.shows("Dealer terms")
        await page.get_by_role("button", name="Try again").click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        await made.is_fit()


async def test_link_check_is_stopped(browser: Browser, connector: Running) -> None:
    """A check is stopped by its button."""
    async with signed_in(browser, connector) as made:
        await made.open("/connectors/media/links")
        await made.press("Check all 62 URLs")
        await made.press("Stop")
        await made.shows("Stopped")
        await made.shows("Not tried yet")


async def test_markup_of_thron_does_nothing(browser: Browser, connector: Running) -> None:
    """No title, name or identifier of the library's awkward contents runs or asks anything."""
    async with signed_in(browser, connector) as made:
        asked: list[str] = []
        made.page.on("dialog", lambda dialog: asked.append(dialog.message))
        for path in ("/connectors/media", "/connectors/media?page=2", "/connectors/products"):
            await made.open(path)
            await made.is_fit()
        await made.open("/connectors/products?q=script")
        await made.page.locator("tbody .what a").first.click()
        await made.is_fit()
        assert not asked
