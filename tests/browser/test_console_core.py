"""The console in Chromium: from the first start to a connection, in every look that it has."""

import re
from contextlib import suppress

import pytest
from playwright.async_api import Browser, Error, expect

from proxy.sandbox.server import Sandbox
from tests.admin.visitor import give_password
from tests.browser.console import (
    PASSWORD,
    PATIENCE_MS,
    Window,
    give_credentials,
    set_password,
    window,
)
from tests.running import Running
from tests.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="package")

PAGES = ("/", "/connection", "/audit", "/access", "/api", "/no-such-page")


async def test_first_start(browser: Browser, bare: Running) -> None:
    """The printed link leads to a password, the password to the console, and that to THRON."""
    link = bare.gateway.set_up_url()
    assert link is not None
    async with window(browser, bare.gateway) as seen:
        page = seen.page
        await page.goto(link)
        await seen.is_fit()
        await page.evaluate("document.querySelector('form[action=\"/set-up\"]').noValidate = true")
        await set_password(seen, "too short")
        await seen.shows("Please check these fields")
        await seen.is_fit()
        await set_password(seen)
        await seen.shows("Not connected to THRON yet")
        await seen.is_fit()
        await _connect(seen, bare.thron)
        await seen.press("Sign out")
        await seen.is_fit()
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await seen.shows("Overview")
        await seen.is_fit()


async def _connect(seen: Window, thron: Sandbox) -> None:
    page = seen.page
    await seen.open("/connection")
    await seen.is_fit()
    await give_credentials(seen, thron, app_key="wrong")
    await seen.shows("THRON rejected these credentials. Nothing was saved.")
    assert await page.get_by_label("App ID").input_value() == thron.app_id
    assert await page.get_by_label("App key").input_value() == ""
    await seen.is_fit()
    await page.get_by_label("App key").fill(thron.app_key)
    await seen.press("Test and save")
    await seen.shows("Connectors can deliver files exactly as they were uploaded.")
    await seen.is_fit()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_page_is_fit(browser: Browser, connector: Running, *, dark: bool) -> None:
    """Every page is accessible, fits its window, and asks no other host, in both languages.

    Narrow windows are in ``test_console_pages``.
    """
    async with window(browser, connector.gateway, dark=dark) as seen:
        await seen.open("/login")
        await seen.is_fit()
        await seen.page.goto(connector.gateway.demo_url())
        for language in ("EN", "IT"):
            await seen.page.get_by_role("button", name=re.compile(f"^{language}")).click()
            for path in PAGES:
                await seen.open(path)
                await seen.is_fit()


async def test_a_session_that_ends_during_a_form(browser: Browser, connector: Running) -> None:
    """After signing in again the form is as it was typed, and can be sent."""
    console = connector.gateway.console
    await give_password(connector.gateway)
    async with window(browser, connector.gateway) as seen:
        page = seen.page
        await page.goto(connector.gateway.demo_url())
        await seen.open("/connectors/files/edit")
        await page.get_by_text("Caching and search engines").click()
        await page.get_by_label("Cache lifetime in seconds").fill("61")
        await console.sessions.end_all(actor="test", client="test")
        await seen.press("Save")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await seen.shows("Your session had ended.")
        assert await page.get_by_label("Cache lifetime in seconds").input_value() == "61"
        await seen.is_fit()
        await seen.press("Save")
        await seen.shows("Changes saved.")


async def test_language(browser: Browser, connector: Running) -> None:
    """The switch changes the language of the page that one is on, and of those after it."""
    async with window(browser, connector.gateway) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        await seen.open("/audit?before=100000")
        await seen.press("IT Italiano")
        await seen.shows("Registro")
        assert seen.page.url.endswith("/audit?before=100000")
        await seen.open("/connection")
        await seen.shows("Che cosa può fare l'applicazione")


async def test_dark_and_light(browser: Browser, connector: Running) -> None:
    """A page is as the system prefers, until one is chosen."""
    async with window(browser, connector.gateway, dark=True) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        await _shows(seen, dark=True)
        await seen.press("Light")
        await _shows(seen, dark=False)
        await seen.open("/access")
        await _shows(seen, dark=False)
        await seen.press("Same as the system")
        await _shows(seen, dark=True)


async def _shows(seen: Window, *, dark: bool) -> None:
    """Wait until the page is dark, or light."""

    async def is_so() -> bool:
        with suppress(Error):  # it gave way to the next one
            await seen.page.wait_for_load_state()
            colour = await seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
            return (sum(map(int, re.findall(r"\d+", colour)[:3])) < 150) is dark
        return False

    await until(is_so)


async def test_copying_a_token(browser: Browser, connector: Running) -> None:
    """A new token is copied by its button, which says so to those who do not see it."""
    async with window(browser, connector.gateway) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        await seen.open("/access")
        await seen.page.get_by_label("Name").fill("monitoring")
        await seen.press("Create a token")
        await seen.press("Copy the token")
        await seen.page.get_by_role("status").filter(has_text="Copied").wait_for()
        copied = await seen.page.evaluate("navigator.clipboard.readText()")
        assert copied.startswith("tdc_")
        assert await connector.gateway.console.tokens.find(copied) is not None
        await seen.is_fit()


async def test_without_scripts(browser: Browser, connector: Running) -> None:
    """Everything but copying and live figures works where scripts do not."""
    async with await browser.new_context(java_script_enabled=False) as profile:
        profile.set_default_timeout(PATIENCE_MS)
        page = await profile.new_page()
        await page.goto(connector.gateway.demo_url())
        await page.get_by_role("link", name="Access").click()
        await page.get_by_label("Name").fill("monitoring")
        await page.get_by_role("button", name="Create a token").click()
        await page.get_by_text("has been created").wait_for()
        assert await page.get_by_role("button", name="Copy the token").count() == 0
        await page.get_by_role("button", name="Dark").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_by_keyboard(browser: Browser, connector: Running) -> None:
    """The first stop of the keyboard leads past the navigation, and every stop is seen."""
    async with window(browser, connector.gateway) as seen:
        await seen.page.goto(connector.gateway.demo_url())
        await seen.open("/access")
        await seen.page.keyboard.press("Tab")
        assert await seen.page.evaluate("document.activeElement.textContent") == (
            "Skip to the content"
        )
        for _ in range(12):
            outline = await seen.page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle"
            )
            assert outline != "none"
            await seen.page.keyboard.press("Tab")
