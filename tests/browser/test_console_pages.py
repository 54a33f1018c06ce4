"""Every page of the console on the narrowest phone: nothing sideways, and accessible."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser

from tests.admin.set_up import given, path
from tests.browser.console import (
    NARROW,
    PATIENCE_MS,
    Window,
    give_credentials,
    give_hostile_titles,
    set_password,
    window,
)
from tests.listed import listed
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")

# What stands beyond the window's edge and is in no box that scrolls.
_BEYOND = """() => {
  const wide = document.documentElement.clientWidth;
  const isReached = (each) => {
    for (let box = each.parentElement; box; box = box.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return true;
      if (box.matches(".hidden")) return true;
    }
    return false;
  };
  return [...document.body.querySelectorAll("*")].filter((each) => {
    const { left, right, width, height } = each.getBoundingClientRect();
    const isBeyond = each.checkVisibility() && width && height && (right > wide + 1 || left < -1);
    return isBeyond && !isReached(each);
  }).map((each) => each.outerHTML.slice(0, 160));
}"""

# Words in a column so narrow that each has a line of its own.
_SQUEEZED = """() => [...document.body.querySelectorAll("*")].filter((each) => {
  const { width, height } = each.getBoundingClientRect();
  const texts = [...each.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
  const hasWords = texts.some((node) => node.data.trim().includes(" "));
  const line = parseFloat(getComputedStyle(each).lineHeight);
  const isSeen = each.checkVisibility() && !each.closest("thead"); // a phone hides the heads
  return isSeen && hasWords && width > 1 && width < 56 && height > 2.5 * line;
}).map((each) => each.outerHTML.slice(0, 160))"""


def _pages(connector: Running) -> dict[str, str]:
    root = connector.thron.root_folder_id
    contents = "/connectors/media/contents"
    named = connector.thron.tenant.find
    return {
        "overview": "/",
        "overview, nothing found": "/?text=nothing-like-this",
        "connectors": "/connectors",
        "folder": path("folder", {"q": "no folder is called so"}),
        "types": path("types", given(root)),
        "identifier": path("identifier", given(root)),
        "HTTPS": path("https", given(root)),
        "review": path("review", given(root)),
        "contents": "/connectors/media",
        "contents, all columns": "/connectors/media?size=250",
        "contents in collision": "/connectors/products?status=collision",
        "contents, nothing found": "/connectors/media?q=nothing-like-this",
        "contents, none yet": "/connectors/files",
        "content": f"{contents}/{named('strada-sl-film').id}?explain=on",
        "content, not published": f"{contents}/{named('Film that failed in transcoding').id}",
        "links": "/connectors/products/links?show=untried",
        "links, nothing found": "/connectors/products/links?q=nothing-like-this",
        "links, none yet": "/connectors/files/links",
        "settings": "/connectors/media/edit",
        "switching off": "/connectors/media/disable",
        "removing": "/connectors/media/remove",
        "broken links": "/connectors/media/breaks?removal=on",
        "connection": "/connection",
        "purge": "/purge",
        "audit": "/audit",
        "audit, end": "/audit?before=1",
        "access": "/access",
        "API": "/api",
        "404": "/no-such-page",
        "set-up link that has ended": "/set-up?link=nonsense",
    }


@asynccontextmanager
async def _phone(
    browser: Browser, connector: Running, language: str, *, dark: bool
) -> AsyncIterator[Window]:
    await listed(connector, "media", "products")
    async with window(browser, connector.gateway, width=NARROW, dark=dark) as seen:
        await seen.open("/login")
        await seen.page.get_by_role("button", name=re.compile(f"^{language}")).click()
        await _fits(seen, "sign-in")
        await seen.page.goto(connector.gateway.demo_url())
        yield seen


async def _fits(seen: Window, what: str) -> None:
    await seen.is_fit()
    await _is_within(seen, what)


async def _is_within(seen: Window, what: str) -> None:
    beyond = await seen.page.evaluate(_BEYOND)
    assert not beyond, (what, beyond)
    squeezed = await seen.page.evaluate(_SQUEEZED)
    assert not squeezed, (what, squeezed)


@pytest.mark.timeout(600)  # thirty pages, each by all rules
@pytest.mark.parametrize(
    ("language", "dark"),
    [
        ("IT", False),
        ("EN", True),
        pytest.param("IT", True, marks=pytest.mark.matrix),
        pytest.param("EN", False, marks=pytest.mark.matrix),
    ],
)
async def test_every_page(
    browser: Browser, connector: Running, language: str, *, dark: bool
) -> None:
    """None scrolls sideways, leaves anything beyond its edge, or fails a rule of axe."""
    async with _phone(browser, connector, language, dark=dark) as seen:
        for name, where in _pages(connector).items():
            await seen.open(where)
            await _fits(seen, name)


async def test_hostile_titles(browser: Browser, connector: Running) -> None:
    """Titles of 2,000 characters, without spaces, or turned round, widen and fill no page."""
    give_hostile_titles(connector.thron)
    async with _phone(browser, connector, "IT", dark=True) as seen:
        for name in ("strada-sl-film", "carbon-weave"):
            content = connector.thron.tenant.find(name).id
            await seen.open(f"/connectors/media/contents/{content}")
            await _fits(seen, name)
            heading = await seen.page.get_by_role("heading", level=1).bounding_box()
            assert heading is not None
            assert heading["height"] < 150
        for where in (
            "/connectors/media?language=en",
            "/connectors/products/links?show=untried",
            "/connectors/media/breaks?removal=on",
            "/connectors/media/remove",
        ):
            await seen.open(where)
            await _fits(seen, where)


@pytest.mark.parametrize(
    ("language", "dark"), [("IT", False), ("EN", True)], ids=["Italian, light", "English, dark"]
)
async def test_what_forms_and_menus_lead_to(
    browser: Browser, connector: Running, language: str, *, dark: bool
) -> None:
    """Questions, refusals, conflicts, menus and dialogs are as fit as the pages they come from."""
    async with _phone(browser, connector, language, dark=dark) as seen:
        page = seen.page
        await seen.open("/connectors/media/edit")
        await page.locator("#folder, #by").last.select_option("content_id")
        await _fits(seen, "settings, changed")
        await page.locator("button[value=check]").click()
        await page.locator("#changes").wait_for()
        await _fits(seen, "what would change")
        await page.evaluate("document.querySelector('#step-form').noValidate = true")
        await page.locator("button[value=save]").click()
        await page.locator("#problems").wait_for()
        await _fits(seen, "what would change, not accepted")

        await seen.open("/connectors/media/edit")
        await page.evaluate("document.querySelector('[name=state]').value = 'another'")
        await page.locator("button[value=check]").click()
        await page.locator(".notice.bad").wait_for()
        await _fits(seen, "409")

        await seen.open("/connectors/media/edit")
        await page.evaluate("document.querySelector('#step-form [name=csrf]').value = 'forged'")
        await page.locator("button[value=check]").click()
        await page.get_by_text("403").wait_for()
        await _fits(seen, "403")

        await seen.open("/purge")
        await page.locator("button.danger").click()
        await page.locator("[name=is_confirmed]").wait_for(state="attached")
        await _fits(seen, "purge, asked again")

        await seen.open("/connectors/products")
        for menu in await page.locator("details.menu").all():
            await menu.locator("summary").click()
            await _is_within(seen, "menu")  # axe would count the rows that it lies over
            await page.keyboard.press("Escape")
        await page.keyboard.press("?")
        await page.locator("dialog[open]").wait_for()
        await _fits(seen, "keys")
        await page.keyboard.press("Escape")
        await page.locator("input[name=number]").first.check()
        await _is_within(seen, "selection")


async def test_setting_up_without_scripts(browser: Browser, bare: Running) -> None:
    """The password, the connection and the first steps need none."""
    link = bare.gateway.set_up_url()
    assert link is not None
    async with await browser.new_context(java_script_enabled=False, locale="en-GB") as profile:
        profile.set_default_timeout(PATIENCE_MS)
        seen = Window(await profile.new_page(), bare.gateway.admin_url)
        await seen.page.goto(link)
        await set_password(seen)
        await seen.shows("Not connected to THRON yet")
        await give_credentials(seen, bare.thron, app_key=bare.thron.app_key)
        await seen.shows("Connected to THRON. The credentials have been saved.")
        await seen.page.get_by_role("link", name="Install a connector").click()
        await seen.shows("Which folder should be public?")
        await seen.press("Hide the first steps")
        await seen.shows("Which folder should be public?")
        assert await seen.page.get_by_role("navigation", name="First steps").count() == 0
