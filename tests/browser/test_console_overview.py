"""The overview in Chromium: kept up to date, honest when it is not; and the purge page."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from playwright.async_api import Browser, Page, expect
from yarl import URL

from tests.browser.console import LOOKS, PATIENCE_MS, WIDE, Window, window
from tests.running import Running
from tests.waiting import PATIENCE_S, until

pytestmark = pytest.mark.asyncio(loop_scope="package")

FILM = "strada-sl-film"


def _film(connector: Running) -> str:
    return f"/files/{connector.thron.tenant.find(FILM).id}/film.mp4"


@asynccontextmanager
async def _signed_in(
    browser: Browser, connector: Running, *, width: int = WIDE, dark: bool = False
) -> AsyncIterator[Window]:
    async with window(browser, connector.gateway, width=width, dark=dark) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        await seen.shows("Live")
        yield seen


@pytest.mark.parametrize(("width", "dark"), LOOKS)
async def test_every_look(
    browser: Browser,
    connector: Running,
    width: int,
    dark: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """With traffic and without, the pages are accessible, fit and ask nobody else."""
    async with _signed_in(browser, connector, width=width, dark=dark) as seen:
        await seen.is_fit()
        await connector.get(_film(connector))
        await connector.get("/media/en/nothing")
        connector.thron.faults.stall_after(10_000, where="source")
        async with connector.http.get(connector.url(_film(connector))) as response:
            await response.content.readany()
            await expect(seen.page.locator("[data-part=downloads] progress")).to_have_count(1)
            await seen.page.locator(".chart-table summary").click()
            await seen.page.locator(".requests-table summary").first.click()
            await seen.is_fit()
        await seen.open("/purge")
        await seen.is_fit()
        await seen.page.get_by_label("Public URL").fill(_film(connector))
        await seen.press("Purge from the cache One address")
        await seen.shows("Purge this address?")
        await seen.is_fit()


async def test_a_download_is_seen(browser: Browser, connector: Running) -> None:
    """A download shows in table, figures and chart without loading the page again."""
    async with _signed_in(browser, connector) as seen:
        page = seen.page
        await page.evaluate("window.isTheSame = true")
        await seen.shows("No requests yet")
        await expect(page.locator(".plot-empty")).to_have_text("No requests in the last hour.")
        await expect(page.locator(".scale")).to_have_count(0)
        length = len((await connector.get(_film(connector))).body)
        row = page.locator(".requests-table tbody tr")
        await expect(row).to_have_count(1)
        await expect(row).to_contain_text(_film(connector))
        tile = page.get_by_role("region", name="In the last hour")
        await expect(tile).to_contain_text(f"{length / 1e6:.1f} MB")
        await expect(tile).to_contain_text("1 request served, none failed")
        await expect(page.locator(".plot.flow rect.flow")).to_have_count(1)
        await expect(page.locator(".plot.requests rect.good")).to_have_count(1)
        await expect(page.locator(".plot-empty")).to_have_count(0)
        await expect(page.locator(".scale")).to_have_count(3)
        await page.get_by_text("As a table").click()
        cells = page.locator(".chart-table tbody td")
        await expect(cells.nth(1)).to_have_text(f"{length / 1e6:.1f} MB")
        assert await page.evaluate("window.isTheSame")


async def test_what_is_open_stays_open(browser: Browser, connector: Running) -> None:
    """News come around what the reader does: what is open, focused and typed stays."""
    async with _signed_in(browser, connector) as seen:
        page = seen.page
        await connector.get(_film(connector))
        details = page.locator(".requests-table details")
        await details.locator("summary").focus()
        await page.keyboard.press("Enter")
        await expect(page.locator(".requests-table details[open]")).to_contain_text("127.0.0.1")
        await connector.get("/media/en/nothing")
        await expect(details).to_have_count(2)
        opened = page.locator(".requests-table details[open]")
        await expect(opened).to_have_count(1)
        await expect(opened).to_contain_text(_film(connector))
        await expect(opened.locator("summary")).to_be_focused()


async def test_thron_outage(browser: Browser, connector: Running) -> None:
    """While THRON is down an open page says so, since when and why; once it is back, no more."""
    async with _signed_in(browser, connector) as seen:
        tile = seen.page.get_by_role("region", name="THRON")
        await seen.page.evaluate("window.isTheSame = true")
        await expect(tile).to_contain_text("answers")
        connector.thron.api_down = True
        for number in range(3):
            assert (await connector.get(f"/media/en/name-{number}")).status >= 500
        # It asks again every five seconds, and says by its badge which of both it is at.
        await expect(tile).to_contain_text(re.compile("does not answer|unstable"))
        await expect(tile).to_contain_text(re.compile(r"\d requests to THRON .* the first \S"))
        outage = connector.tenant.resolver.outage
        assert outage is not None
        await expect(tile.locator(".tile-problem")).to_have_text(outage.problem)
        await seen.is_fit()

        async def is_served() -> bool:
            return (await connector.get(_film(connector))).status == 200

        connector.thron.api_down = False
        await until(is_served)
        await expect(tile).not_to_contain_text("without an answer")
        await expect(tile.locator(".tile-problem")).to_have_count(0)
        await expect(tile).to_contain_text("answers")
        assert await seen.page.evaluate("window.isTheSame")


async def test_filter(browser: Browser, connector: Running) -> None:
    """What is looked for is found while it is typed, stands in the address, and goes on."""
    async with _signed_in(browser, connector) as seen:
        page, rows = seen.page, seen.page.locator(".requests-table tbody tr")
        await connector.get(_film(connector))
        await connector.get("/media/en/nothing")
        await expect(rows).to_have_count(2)
        await page.get_by_label("Path, content, client, error").fill("FILM")
        await expect(rows).to_have_count(1)
        await expect(page).to_have_url(re.compile(r"/\?text=FILM$"))
        await connector.get(_film(connector))
        await connector.get("/media/en/nothing")
        await expect(rows).to_have_count(2)
        await page.get_by_label("Outcome").select_option("4xx")
        await seen.shows("No recent request matches.")
        await page.reload()
        await seen.shows("No recent request matches.")
        await page.get_by_role("link", name="Clear the search").click()
        await expect(rows).to_have_count(4)
        await seen.is_fit()


class Cable:
    """A way to the admin listener that can be cut."""

    def __init__(self, base: str) -> None:
        self._there = URL(base)
        self._running: set[asyncio.Task[None]] = set()
        self._is_cut = False
        self.base = ""

    @asynccontextmanager
    async def laid(self) -> AsyncIterator["Cable"]:
        """Carry connections until the end of the block."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server:
            yield self
            self.cut()

    def cut(self) -> None:
        """Break what runs, and let nothing through."""
        self._is_cut = True
        for task in self._running:
            task.cancel()

    def mend(self) -> None:
        """Let connections through again."""
        self._is_cut = False

    async def _carry(self, here: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        writers = [back]
        try:
            if not self._is_cut:
                assert self._there.host is not None
                there, out = await asyncio.open_connection(self._there.host, self._there.port)
                writers.append(out)
                await asyncio.gather(_copy(here, out), _copy(there, back))
        except asyncio.CancelledError:
            pass  # it has been cut
        finally:
            self._running.discard(task)
            for writer in writers:
                writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while octets := await source.read(65536):
            sink.write(octets)
            await sink.drain()
    sink.close()


async def test_honest_when_cut_off(browser: Browser, connector: Running) -> None:
    """Without news the page says since when, and is up to date again by itself."""
    async with (
        Cable(connector.gateway.admin_url).laid() as cable,
        window(browser, connector.gateway) as seen,
    ):
        page = seen.page
        await page.goto(cable.base + connector.gateway.demo_url().removeprefix(seen.base))
        await seen.shows("Live")
        reload = page.get_by_role("link", name="Load again")
        await expect(reload).to_be_hidden()
        cable.cut()
        late = re.compile(r"No updates since \d\d:\d\d:\d\d")
        await expect(page.locator("#live")).to_have_text(late)
        await expect(page.locator("#announce")).to_have_text(re.compile("No updates since"))
        await expect(reload).to_be_visible()
        await connector.get(_film(connector))
        cable.mend()
        await expect(page.locator("#live")).to_have_text("Live")
        await expect(page.locator(".requests-table tbody tr")).to_have_count(1)


async def _hide(page: Page, *, is_hidden: bool) -> None:
    await page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        is_hidden,
    )


async def test_paused_while_hidden(browser: Browser, connector: Running) -> None:
    """A page that nobody can see asks for nothing, and catches up when it is seen."""
    async with _signed_in(browser, connector) as seen:
        await _hide(seen.page, is_hidden=True)
        await seen.shows("Paused")
        asked = len(seen.asked)
        await connector.get(_film(connector))
        assert len(seen.asked) == asked
        await _hide(seen.page, is_hidden=False)
        await seen.shows("Live")
        await expect(seen.page.locator(".requests-table tbody tr")).to_have_count(1)


async def test_purge(browser: Browser, connector: Running) -> None:
    """From a request to the purge of its address: the next one asks THRON anew."""
    for _ in range(2):
        await connector.get(_film(connector))
    async with _signed_in(browser, connector) as seen:
        page = seen.page
        newest = page.locator(".requests-table details").first
        await newest.locator("summary").click()
        await expect(newest).to_contain_text("from the cache")
        await newest.get_by_role("link", name="Purge").click()
        await expect(page.get_by_label("Public URL")).to_have_value(_film(connector))
        await seen.press("Purge from the cache One address")
        await seen.press("Purge now")
        await seen.shows("purges its cache within 2 seconds")
        await seen.is_fit()
        async with asyncio.timeout(PATIENCE_S):
            while connector.tenant.resolver.remembered:  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(0.01)
        await connector.get(_film(connector))
        await seen.open("/")
        await newest.locator("summary").click()
        await expect(newest).to_contain_text("looked up in THRON")


async def test_without_script(browser: Browser, connector: Running) -> None:
    """Without script the page says the same, and can be loaded again and filtered."""
    await connector.get(_film(connector))
    async with await browser.new_context(java_script_enabled=False) as profile:
        profile.set_default_timeout(PATIENCE_MS)
        page = await profile.new_page()
        await page.goto(connector.gateway.demo_url())
        rows = page.locator(".requests-table tbody tr")
        await expect(rows).to_have_count(1)
        await connector.get("/media/en/nothing")
        await page.get_by_role("link", name="Load again").click()
        await expect(rows).to_have_count(2)
        await page.get_by_label("Outcome").select_option("4xx")
        await page.get_by_role("button", name="Filter").click()
        await expect(rows).to_have_count(1)
