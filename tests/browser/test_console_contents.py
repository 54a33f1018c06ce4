"""Contents, one content, and the link check in Chromium, as somebody uses them."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from operator import eq
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from proxy.sandbox.server import Fault, Kind
from tests.browser.console import (
    PATIENCE_MS,
    WIDE,
    Window,
    copied,
    give_hostile_titles,
    window,
)
from tests.listed import listed
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


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_page_is_fit(browser: Browser, connector: Running, *, dark: bool) -> None:
    """Each page is accessible in both themes and asks no other host; phones: test_console_pages."""
    async with signed_in(browser, connector, dark=dark) as made:
        film = _content(connector, "strada-sl-film")
        for path in (
            "/connectors/media?size=25",
            "/connectors/media?status=collision",
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
        await page.locator("#type").select_option("AUDIO")
        await expect(page).to_have_url(f"{made.base}/connectors/media?q=aurora&type=AUDIO")
        await expect(page.locator("tbody tr")).to_have_count(2)
        await page.get_by_role("columnheader", name="Title").get_by_role("link").click()
        await expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
        await page.locator("tbody .c-title a").first.click()
        await expect(page.locator("h1")).to_have_text(re.compile("urora"))
        await page.go_back()
        await expect(page.locator("th[aria-sort=descending]")).to_have_count(1)
        await expect(page.locator("tbody tr")).to_have_count(2)
        await expect(page.get_by_role("searchbox")).to_have_value("aurora")
        await page.get_by_role("link", name="Clear filters").click()
        await expect(page).to_have_url(f"{made.base}/connectors/media")
        await page.locator("#status").select_option("no_identifier")
        await expect(page.locator(".badge.bad").first).to_have_text("No identifier")
        await made.is_fit()


async def test_paging(browser: Browser, connector: Running) -> None:
    """Pages are gone through by keyboard alone."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?size=25")
        first = await page.locator("tbody .c-title a").first.inner_text()
        await page.get_by_role("link", name="Next").focus()
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{made.base}/connectors/media?page=2&size=25")
        await expect(page.locator(".standing > p").first).to_have_text("26–50 of 75")  # noqa: RUF001 - as it is said
        assert await page.locator("tbody .c-title a").first.inner_text() != first


async def test_copy_one_and_several(browser: Browser, connector: Running) -> None:
    """A URL, and those of several lines, are copied, and lead to their contents."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/products?status=ok")
        row = page.locator("tbody tr").first
        await row.get_by_role("button", name="Copy the link").click()
        link = await row.locator("[data-url]").get_attribute("href")
        assert link is not None
        await copied(page, partial(eq, link))
        assert (await connector.ask("HEAD", link)).status == 200
        ticks = page.locator("input[name=number]")
        await ticks.nth(0).click()
        await ticks.nth(3).click(modifiers=["Shift"])
        await page.get_by_role("button", name="Copy links").click()
        several = await copied(page, lambda text: len(text.splitlines()) == 4)
        assert len(set(several.splitlines())) == 4
        await page.get_by_label("Select all on this page").click()
        await expect(page.locator("[data-count]")).to_have_text(str(await ticks.count()))
        # Where the bar of the selection covers no row.
        await page.evaluate("scrollTo(0, document.body.scrollHeight)")
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
        total = (await page.locator(".standing > p").first.inner_text()).rpartition(" ")[2]
        assert len(lines) == int(total) > 25
        async with page.expect_download() as saving:
            await page.get_by_role("link", name="Spreadsheet (CSV)").click()
        marked = await asyncio.to_thread(Path(await (await saving.value).path()).read_bytes)
        assert marked.startswith(b"\xef\xbb\xbf")


@pytest.mark.parametrize(
    ("width", "height", "whole"), [(1280, 800, 12), (1440, 900, 14), (1920, 1080, 18)]
)
async def test_rows_and_urls_are_seen_at_a_glance(
    browser: Browser, connector: Running, width: int, height: int, whole: int
) -> None:
    """Many whole rows fit the window; no URL is cut, file names on, and the head stays in sight."""
    async with signed_in(browser, connector, width=width) as made:
        page = made.page
        await page.set_viewport_size({"width": width, "height": height})
        for slug in ("media", "products"):
            await made.open(f"/connectors/{slug}?size=100")
            seen = await page.evaluate(
                """() => [...document.querySelectorAll("[data-rows] tbody tr")]
                    .filter((row) => row.getBoundingClientRect().bottom <= innerHeight).length"""
            )
            assert seen >= whole
            cut = await page.evaluate(
                """() => [...document.querySelectorAll("[data-url]")].filter((link) => {
                    const cell = link.closest("td").getBoundingClientRect();
                    const text = document.createRange();
                    text.selectNodeContents(link);
                    const {left, right, top, bottom} = text.getBoundingClientRect();
                    return left < cell.left || right > cell.right
                        || top < cell.top - 1 || bottom > cell.bottom + 1
                        || getComputedStyle(link).overflow !== "visible";
                }).map((link) => link.textContent)"""
            )
            assert not cut
        shown = await page.locator("[data-url]").all_inner_texts()
        assert any(each.endswith(".pdf") for each in shown)
        await page.evaluate("scrollTo(0, 900)")
        box = await page.locator("thead th").nth(2).bounding_box()
        assert box is not None
        assert box["y"] == pytest.approx(0, abs=1)


async def test_no_head_is_cut(browser: Browser, connector: Running) -> None:
    """The heads of the columns fit in Italian too, whose words are longer."""
    async with signed_in(browser, connector) as made:
        await made.open("/connectors/media")
        await made.page.get_by_role("button", name=re.compile("^IT")).click()
        await expect(made.page.locator("thead .c-size")).to_have_text("Dimensione")
        cut = await made.page.evaluate(
            """() => [...document.querySelectorAll("thead th:not(.c-tick, .c-thumbnail)")]
                .filter((head) => head.scrollWidth > head.clientWidth)
                .map((head) => head.textContent)"""
        )
        assert not cut


async def test_a_phone_shows_cards(browser: Browser, connector: Running) -> None:
    """On a phone the first card is whole above the fold, with its link to copy in one tap."""
    async with signed_in(browser, connector, width=390) as made:
        page = made.page
        await page.set_viewport_size({"width": 390, "height": 844})
        for slug in ("media", "products"):
            await made.open(f"/connectors/{slug}?status=ok")
            card = page.locator("[data-rows] tbody tr").first
            box = await card.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 844
            await card.get_by_role("button", name="Copy the link").click()
            link = await card.locator("[data-url]").get_attribute("href")
            await copied(page, partial(eq, link))
            await made.is_fit()


async def test_hostile_titles_stay_in_their_cells(browser: Browser, connector: Running) -> None:
    """Titles of 2,000 characters, without spaces, or that turn text around harm no other cell."""
    give_hostile_titles(connector.thron)
    async with signed_in(browser, connector) as made:
        await made.open("/connectors/media?language=en&size=100")
        heights = await made.page.evaluate(
            """() => [...document.querySelectorAll("[data-rows] tbody tr")].filter((row) =>
                row.querySelector(".c-title").textContent.match(/All about|xxxx|turned/))
                .map((row) => row.getBoundingClientRect().height)"""
        )
        assert len(heights) == 3
        assert max(heights) <= 60
        directions = await made.page.evaluate(
            """() => [...document.querySelectorAll("[data-url] bdi")]
                .map((each) => getComputedStyle(each).direction)"""
        )
        assert set(directions) == {"ltr"}
        await made.is_fit()


async def test_keyboard_alone(browser: Browser, connector: Running) -> None:
    """Search, rows, copying and selecting need no mouse; the list of keys can switch them off."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/products")
        await page.keyboard.press("/")
        await page.keyboard.type("catalogue")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{made.base}/connectors/products?q=catalogue")
        await page.wait_for_load_state()  # a key before the script is there is lost
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowDown")
        second = page.locator("tbody tr").nth(1)
        await expect(second.locator(".c-title a")).to_be_focused()
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("c")
        first = await page.locator("tbody tr").first.locator("[data-url]").get_attribute("href")
        await expect(page.locator("#announce")).to_have_text("Copied")
        assert await page.evaluate("navigator.clipboard.readText()") == first
        await page.keyboard.press("x")
        await expect(page.locator("[data-count]")).to_have_text("1")
        await page.keyboard.press("?")
        await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
        await made.is_fit()
        await page.get_by_label("Use these keys").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("x")
        await expect(page.locator("[data-count]")).to_have_text("1")
        await made.is_fit()


async def test_the_view_is_chosen(browser: Browser, connector: Running) -> None:
    """Columns, rows and file names are chosen once, and stay; many columns still fit."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?q=press")
        await page.locator("summary", has_text="View").click()
        await made.is_fit()
        for name in ("Identifier", "Updated", "File name", "Content ID", "Language"):
            await page.get_by_label(name, exact=True).last.check()
        await page.get_by_label("End with the file name").uncheck()
        await page.get_by_label("250").check()
        await page.get_by_role("button", name="Apply").click()
        await expect(page).to_have_url(f"{made.base}/connectors/media?q=press")
        await expect(page.get_by_role("columnheader", name="Content ID")).to_be_visible()
        await made.open("/connectors/products")
        await expect(page.get_by_role("columnheader", name="File name")).to_be_visible()
        assert not [
            each for each in await page.locator("[data-url]").all_inner_texts() if ".pdf" in each
        ]
        assert await page.locator("tbody tr").count() > 50
        await made.is_fit()


async def test_the_folder_is_read_now(browser: Browser, connector: Running) -> None:
    """A press reads the folder; what was added is shown when that is done."""
    async with signed_in(browser, connector) as made:
        page = made.page
        await made.open("/connectors/media?language=en")
        tenant = connector.thron.tenant
        film = tenant.find("strada-sl-film")
        tenant.change(film.id, now=time.time(), titles={"EN": "Fresh from THRON"})
        await page.get_by_role("button", name="Read the folder now").click()
        await connector.gateway.sync.tick()
        await expect(page.get_by_text("Fresh from THRON")).to_be_visible()
        await expect(page.get_by_text("Folder read")).to_be_visible()
        await made.is_fit()


async def test_without_script(browser: Browser, connector: Running) -> None:
    """Reading, filtering, choosing a view and exporting chosen rows need no script."""
    await listed(connector, "media")
    async with await browser.new_context(java_script_enabled=False) as profile:
        profile.set_default_timeout(PATIENCE_MS)
        page = await profile.new_page()
        await page.goto(connector.gateway.demo_url())
        await page.goto(f"{connector.gateway.admin_url}/connectors/media")
        await page.locator("#q").fill("catalog")
        await page.get_by_role("button", name="Search").click()
        await expect(page).to_have_url(re.compile("q=catalog"))
        await page.wait_for_load_state()
        assert await page.locator("[data-url]").count() > 1
        await page.locator("input[name=number]").first.check()
        async with page.expect_download() as saving:
            await page.get_by_role("button", name="Links only").click()
        saved = await asyncio.to_thread(Path(await (await saving.value).path()).read_text)
        assert saved.splitlines() == [await page.locator("[data-url]").first.get_attribute("href")]
        await page.locator("summary", has_text="View").click()
        await page.get_by_label("End with the file name").uncheck()
        await page.get_by_role("button", name="Apply").click()
        link = page.locator("[data-url]").first
        await expect(link).not_to_have_attribute("href", re.compile(r"\.pdf$"))


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
        await page.locator("tbody .c-title a").click()
        await page.get_by_role("button", name="Copy: Video in HTML").click()
        await copied(page, lambda text: text.startswith("<video src="))
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
        connector.thron.faults.add(Fault(Kind.STALL, "source"))  # so that it is seen to run
        await made.press("Check all 25 URLs")
        await expect(page.locator("progress")).to_be_visible()
        connector.thron.faults.clear()
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
        connector.thron.faults.add(Fault(Kind.STALL, "source", times=None))  # it does not end first
        await made.press("Check all 62 URLs")
        await made.press("Stop")
        await made.shows("Stopping")
        connector.thron.faults.clear()
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
        await made.page.locator("tbody .c-title a").first.click()
        await made.is_fit()
        assert not asked
