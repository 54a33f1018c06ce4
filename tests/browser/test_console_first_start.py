"""From nothing to a copied, working link: the whole way through the console, in one run."""

import re

import pytest
from playwright.async_api import Browser, expect

from proxy.sandbox.server import Sandbox
from tests.browser.console import (
    Window,
    confirm_by_number,
    give_credentials,
    set_password,
    window,
)
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")

FILM = "dawn-on-the-pass"


async def test_from_nothing_to_a_copied_working_link(browser: Browser, bare: Running) -> None:
    """Set-up link, password, THRON, five steps, a copied URL: it has the source file's bytes."""
    assert bare.gateway.context.tenant is None
    link = bare.gateway.set_up_url()
    assert link is not None
    async with window(browser, bare.gateway) as seen:
        await seen.page.goto(link)
        await set_password(seen)
        steps = seen.page.get_by_role("navigation", name="First steps")
        await expect(steps.locator("[aria-current]")).to_have_text(re.compile("Connect the tenant"))
        await seen.is_fit()
        await _connect(seen, bare.thron)
        await expect(steps.locator("[aria-current]")).to_have_text(
            re.compile("Install a connector")
        )
        await _install(seen)
        url = await _copy(seen)
        await expect(steps).to_have_text(re.compile("That is your first link"))
        await seen.is_fit()
        await seen.open("/")
        await expect(steps).to_have_count(0)
    assert url.startswith(f"{bare.gateway.context.settings.public_base}/cinema/en/{FILM}")
    answer = await bare.get(url)  # by a client that keeps and sends no cookie
    assert answer.status == 200
    assert answer.body == bare.thron.tenant.bytes_of(FILM)


async def _connect(seen: Window, thron: Sandbox) -> None:
    await seen.shows("Not connected to THRON yet")
    await seen.page.get_by_role("link", name="Connection", exact=True).click()
    await give_credentials(seen, thron, app_key=thron.app_key)
    await seen.shows("Connectors can deliver files exactly as they were uploaded.")


async def _install(seen: Window) -> None:
    page = seen.page
    await page.get_by_role("link", name="Connectors", exact=True).click()
    await page.get_by_role("link", name="New connector").click()
    await page.get_by_role("button", name="Folders below Films").click()
    await page.get_by_role("radio", name="2024").wait_for()
    await seen.choose("Films")
    await seen.go_on("Which contents of Films?")
    await page.get_by_role("checkbox", name="Audio").uncheck()
    await seen.go_on("What identifies a content in its address?")
    await seen.choose("prettyID")
    await seen.go_on("Should addresses work over HTTPS only?")
    await seen.choose("No, both work")
    await seen.go_on("Its addresses")
    await page.get_by_label("Name", exact=True).fill("cinema")
    await expect(page.locator(".illustrative")).to_contain_text("/cinema/")
    await confirm_by_number(page)
    await page.wait_for_url("**/connectors/cinema")


async def _copy(seen: Window) -> str:
    """Wait for the line of a content as its folder is listed, and press its button."""
    line = seen.page.locator("tbody tr").filter(has_text=f"/{FILM}/")
    await line.get_by_role("button", name="Copy the link").dblclick()  # as some people do
    await seen.page.get_by_role("status").filter(has_text="Copied").wait_for()
    copied = await seen.page.evaluate("navigator.clipboard.readText()")
    assert isinstance(copied, str)
    return copied
