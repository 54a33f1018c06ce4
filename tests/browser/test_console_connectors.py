"""Connectors in the console, in Chromium: from a folder to a working link, and what breaks."""

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from proxy.sandbox.server import Fault, Kind, Sandbox
from tests.admin.set_up import given, path
from tests.browser.console import LOOKS, PATIENCE_MS, confirm_by_number, window
from tests.listed import listed
from tests.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="package")

MUSIC = "Music and voices"


async def test_from_a_folder_to_a_working_link(browser: Browser, connector: Running) -> None:
    """Each step leads to the next, each is fit, and the link of an example downloads."""
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open("/connectors")
        await page.get_by_role("link", name="New connector").click()
        await page.get_by_role("heading", name="Which folder should be public?").wait_for()
        await page.get_by_role("button", name="Folders below Films").click()
        await page.locator('[aria-expanded="true"]').wait_for()
        await seen.is_fit()
        await page.get_by_label("Search folders").fill("music")
        await page.get_by_role("radio", name="Films").wait_for(state="detached")
        assert await page.get_by_label("Search folders").evaluate(
            "field => field === document.activeElement"
        )
        await seen.choose(MUSIC)
        await seen.go_on(f"Which contents of {MUSIC}?")
        await seen.is_fit()
        await page.get_by_role("checkbox", name="Videos").uncheck()
        await seen.go_on("What identifies a content in its address?")
        await seen.is_fit()
        await seen.choose("Content ID")
        await seen.go_on("Should addresses work over HTTPS only?")
        await seen.choose("Yes, force HTTPS")
        await seen.press("Continue")
        await seen.shows("This needs HTTPS first: see below.")
        await seen.is_fit()
        await seen.choose("No, both work")
        await seen.go_on("Its addresses")
        await seen.is_fit()
        await page.get_by_label("Name", exact=True).fill("sounds")
        example = page.locator(".examples .address").first
        url = await example.inner_text()
        assert url.startswith(f"{connector.gateway.context.settings.public_base}/sounds/")
        await (
            page.get_by_label("Number of contents")
            .or_(page.get_by_label(re.compile("to confirm")))
            .fill("999")
        )
        await seen.press("Make them public")
        await seen.shows("the number of contents that become public")
        await seen.is_fit()
        await confirm_by_number(page)
        await page.wait_for_url("**/connectors/sounds")
        assert (await connector.get("/sounds/" + url.rpartition("/")[2])).status == 200


async def test_the_address_follows_the_typing(browser: Browser, connector: Running) -> None:
    """Name and host change every address on the page as they are typed."""
    root = connector.thron.root_folder_id
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open(path("review", given(root)))
        pattern, example = page.locator(".illustrative"), page.locator(".examples .address").first
        base = connector.gateway.context.settings.public_base
        assert (
            await pattern.inner_text()
            == f"{base}/brand-portal/{{language}}/{{prettyID}}/{{file name}}"
        )
        rest = (await example.inner_text()).removeprefix(f"{base}/brand-portal")
        await page.get_by_label("Name", exact=True).press("End")
        await page.get_by_label("Name", exact=True).press_sequentially("-2")
        assert (await pattern.inner_text()).startswith(f"{base}/brand-portal-2/")
        assert await example.inner_text() == f"{base}/brand-portal-2{rest}"
        await page.get_by_label("Own host name").fill("Media.example.com")
        port = base.rpartition(":")[2]
        assert await example.inner_text() == f"http://media.example.com:{port}{rest}"
        await page.get_by_label("Own host name").fill("")
        assert await example.inner_text() == f"{base}/brand-portal-2{rest}"
        assert await page.locator(".illustrative mark").count() == 3


async def test_the_name_is_suggested(browser: Browser, connector: Running) -> None:
    """A name begins as the folder's, shows what it becomes as it is typed, and stays as edited."""
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        films = next(
            each
            for each in connector.thron.tenant.folders.values()
            if "Films" in each.names.values()
        )
        await seen.open(path("review", given(films.id, types="video")))
        name = page.get_by_label("Name", exact=True)
        await expect(name).to_have_value("films")
        becomes = page.locator("#slug-becomes")
        await name.fill("Été 2026: films")
        await expect(becomes).to_have_text("In addresses it becomes ete-2026-films")
        await name.blur()
        await expect(name).to_have_value("ete-2026-films")
        await expect(becomes).to_be_hidden()
        await name.fill("mine")
        await page.get_by_label("Own host name").fill("media.example.com")
        await expect(name).to_have_value("mine")
        await name.press("Enter")  # Nothing is confirmed: the form comes back
        await expect(name).to_have_value("mine")


async def test_a_count_is_followed(browser: Browser, connector: Running) -> None:
    """While a folder is counted the page shows how far, keeps ticks, and ends by itself."""
    stall = Fault(Kind.STALL, "api", times=None, target="/content/search")
    connector.thron.faults.add(stall)
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open(path("types", given(connector.thron.root_folder_id)))
        await page.get_by_role("progressbar").wait_for()
        await seen.is_fit()
        await page.get_by_role("checkbox", name="Audio").check()
        connector.thron.faults.clear()
        await page.get_by_role("progressbar").wait_for(state="detached")
        assert await page.get_by_role("checkbox", name="Audio").is_checked()
        assert int(await page.locator(".type-figure").nth(1).inner_text()) > 0


async def test_what_would_break_is_listed(browser: Browser, connector: Running) -> None:
    """Before a change is saved its broken URLs are listed; going back keeps the fields."""
    await listed(connector, "files", "media")
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open("/connectors/files/edit")
        await seen.is_fit()
        await page.get_by_role("checkbox", name="Audio").uncheck()
        await seen.press("Save")
        await page.get_by_role("heading", name=re.compile("would stop working")).wait_for()
        await seen.is_fit()
        number = await page.locator(".broken tbody tr").count()
        assert number > 0
        await seen.press("Back to the fields")
        assert not await page.get_by_role("checkbox", name="Audio").is_checked()
        await seen.press("Save")
        await page.get_by_role("checkbox", name="I accept").check()
        await seen.press("Save the change")
        await page.wait_for_url("**/connectors/files")
        await seen.open("/connectors/media/remove")
        await seen.is_fit()
        await page.get_by_label("Type media to confirm").fill("media")
        await seen.press("Remove the connector")
        await page.wait_for_url("**/connectors")
        assert await page.get_by_role("heading", name="media").count() == 0


@pytest.mark.parametrize(("width", "dark"), LOOKS)
async def test_every_page_is_fit(
    browser: Browser,
    connector: Running,
    width: int,
    dark: bool,  # noqa: FBT001 - a case of the table
) -> None:
    """Every page is accessible, fits its window, and asks no other host, in both languages."""
    await listed(connector, "files", "media", "products")
    chosen = given(connector.thron.root_folder_id, by="metadata:sku")
    steps = [path(each, chosen) for each in ("folder", "types", "identifier", "https", "review")]
    pages = ["", "/files/edit", "/files/disable", "/files/remove"]
    async with window(browser, connector.gateway, width=width, dark=dark) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        for language in ("en", "it"):
            await seen.page.locator(f'button[name="language"][value="{language}"]').click()
            for each in (*(f"/connectors{one}" for one in pages), *steps):
                await seen.open(each)
                assert await seen.page.locator("html").get_attribute("lang") == language
                await seen.is_fit()


async def test_without_scripts(browser: Browser, connector: Running) -> None:
    """The steps work where scripts do not run."""
    profile = await browser.new_context(java_script_enabled=False)
    profile.set_default_timeout(PATIENCE_MS)
    async with profile:
        page = await profile.new_page()
        await page.goto(connector.gateway.demo_url())
        await page.goto(f"{connector.gateway.admin_url}/connectors/new")
        await page.get_by_label("Search folders").fill("music")
        await page.get_by_label("Search folders").press("Enter")
        await page.get_by_text("Films", exact=True).wait_for(state="detached")
        await page.get_by_role("radio", name=MUSIC).check()
        for heading in (
            f"Which contents of {MUSIC}?",
            "What identifies a content in its address?",
            "Should addresses work over HTTPS only?",
            "Its addresses",
        ):
            await page.get_by_role("button", name="Continue").click()
            await page.get_by_role("heading", name=heading).wait_for()
        await page.get_by_label("Name", exact=True).fill("sounds")
        await page.get_by_role("button", name="Show the address with this name").click()
        await expect(page.locator(".illustrative")).to_contain_text("/sounds/")
        await confirm_by_number(page)
        await page.wait_for_url("**/connectors/sounds")


async def test_names_are_never_run(browser: Browser, tmp_path: Path) -> None:
    """Names from THRON that look like scripts show as text, in steps, lists and warnings."""
    name = "<img src=x onerror=window.struck=1>"
    library = tmp_path / "library" / name
    library.mkdir(parents=True)
    (library / "<svg onload=window.struck=1>.txt").write_text("a")
    async with Sandbox(library=tmp_path / "library") as thron:
        folder = next(f for f in thron.tenant.folders.values() if name in f.names.values())
        async with running(thron, tmp_path) as whole, window(browser, whole.gateway) as seen:
            await seen.page.goto(whole.gateway.demo_url())
            chosen = given(folder.id, types="document", by="content_id")
            for step in ("folder", "types", "identifier", "https", "review"):
                await seen.open(path(step, chosen))
                assert await seen.page.evaluate("window.struck") is None
                await seen.is_fit()
            await seen.shows(name)


async def test_the_address_follows_the_identifier(browser: Browser, connector: Running) -> None:
    """Where another identifier is chosen the address on the page is the one that it makes."""
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open("/connectors/files/edit")
        pattern = page.locator(".illustrative")
        base = connector.gateway.context.settings.public_base
        await expect(pattern).to_have_text(f"{base}/files/{{content ID}}/{{file name}}")
        await page.get_by_label("Identifier", exact=True).select_option("pretty_id")
        await expect(pattern).to_have_text(f"{base}/files/{{language}}/{{prettyID}}/{{file name}}")
        await expect(page.get_by_label("Metadata key")).to_be_hidden()
        await page.get_by_label("Identifier", exact=True).select_option("other")
        await page.get_by_label("Metadata key").fill("ean")
        await expect(pattern).to_have_text(f"{base}/files/{{ean}}/{{file name}}")
        await seen.is_fit()


async def test_two_windows(browser: Browser, connector: Running) -> None:
    """What was saved in another window is not overwritten unseen, and what was typed stays."""
    async with window(browser, connector.gateway) as seen:
        one, other = seen.page, await seen.page.context.new_page()
        await one.goto(connector.gateway.demo_url())
        for each in (one, other):
            await each.goto(f"{seen.base}/connectors/files/edit")
            await each.get_by_text("Caching and search engines").click()
        await other.get_by_label("For search engines").fill("noindex")
        await other.get_by_role("button", name="Save", exact=True).click()
        await other.get_by_text("Changes saved.").wait_for()
        await one.get_by_label("Cache lifetime in seconds").fill("60")
        await one.get_by_role("button", name="Save", exact=True).click()
        await seen.shows("Somebody else has changed this connector")
        await expect(one.get_by_label("Cache lifetime in seconds")).to_have_value("60")
        await seen.is_fit()
        await one.get_by_role("link", name="open the page with their version").click()
        await expect(one.get_by_label("For search engines")).to_have_value("noindex")


async def test_the_tabs_of_a_connector(browser: Browser, connector: Running) -> None:
    """Contents, link check and settings are one step from every page of a connector."""
    await listed(connector, "files")
    content = connector.thron.tenant.find("press-kit").id
    async with window(browser, connector.gateway) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        for each in ("", "/links", "/edit", "/disable", "/remove", f"/contents/{content}"):
            await seen.open(f"/connectors/files{each}")
            tabs = seen.page.get_by_role("navigation", name="Of this connector")
            for name in ("Contents", "Link check", "Settings"):
                await expect(tabs.get_by_role("link", name=name)).to_be_visible()
            assert await tabs.locator('[aria-current="page"]').count() == 1
