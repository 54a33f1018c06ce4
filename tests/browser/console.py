"""The console in Chromium: what every page of it has to be."""

import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import axe_playwright_python  # type: ignore[import-untyped] # it ships no types
import pytest
from playwright.async_api import Browser, ConsoleMessage, Page, Request

from proxy.app.gateway import Gateway
from proxy.sandbox.server import Sandbox
from tests.waiting import PATIENCE_S, until

_AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Playwright counts milliseconds; its usual 5 and 30 seconds are few on a busy machine.
PATIENCE_MS = 1000 * PATIENCE_S
WIDE, NARROW = 1280, 320
# Each width and each theme in every run, the other two looks by ``make matrix``.
LOOKS = [
    pytest.param(WIDE, False, id="wide, light"),
    pytest.param(WIDE, True, id="wide, dark", marks=pytest.mark.matrix),
    pytest.param(NARROW, False, id="narrow, light", marks=pytest.mark.matrix),
    pytest.param(NARROW, True, id="narrow, dark"),
]
PASSWORD = "walnut harbour lantern 7"


@dataclass(frozen=True, slots=True)
class Window:
    """A browser window at the console.

    Attributes:
        page: What it shows.
        base: Of the admin listener.
        said: What the browser's console says: errors and warnings.
        asked: Every URL that was asked for.
    """

    page: Page
    base: str
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def open(self, path: str) -> None:
        """Open a page."""
        await self.page.goto(self.base + path)

    async def shows(self, words: str) -> None:
        """Wait until the page shows some words."""
        await self.page.get_by_text(words).first.wait_for()

    async def press(self, name: str) -> None:
        """Press the button of a name."""
        await self.page.get_by_role("button", name=name, exact=True).click()

    async def choose(self, name: str) -> None:
        """Choose the answer whose name begins so."""
        await self.page.get_by_role("radio", name=re.compile(f"^{re.escape(name)}")).check()

    async def go_on(self, heading: str) -> None:
        """Go on to the step of a heading."""
        await self.press("Continue")
        await self.page.get_by_role("heading", name=heading).wait_for()

    async def is_fit(self) -> None:
        """See that the page that is shown is accessible, fits, and is complete by itself."""
        violations = await self._violations()
        assert not violations, violations
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= await self.page.evaluate("innerWidth"), "wider than the window"
        assert not self.said, self.said
        foreign = [url for url in self.asked if not url.startswith((self.base, "data:"))]
        assert not foreign, foreign

    async def _violations(self) -> list[str]:
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE)  # by the debugger: the page's policy stays as it is
        found = await self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules, resultTypes: ['violations']})", _RULES
        )
        return [_told(each) for each in found["violations"]]


def _told(violation: dict[str, Any]) -> str:
    places = "; ".join(node["html"][:200] for node in violation["nodes"][:3])
    return f"{violation['id']}: {places}"


async def set_password(seen: Window, password: str = PASSWORD) -> None:
    """Fill and send the page that the set-up link leads to."""
    await seen.page.get_by_label("Password", exact=True).fill(password)
    await seen.page.get_by_label("Repeat the password").fill(password)
    await seen.press("Set the password and continue")


async def give_credentials(seen: Window, thron: Sandbox, *, app_key: str) -> None:
    """Fill and send the connection page."""
    await seen.page.get_by_label("Client ID").fill(thron.client_id)
    await seen.page.get_by_label("App ID").fill(thron.app_id)
    await seen.page.get_by_label("App key").fill(app_key)
    await seen.press("Test and save")


async def confirm_by_number(page: Page) -> None:
    """Type the number that the review asks for, and make the contents public."""
    label = await page.get_by_text(re.compile(r"^Type \d+ to confirm$")).inner_text()
    await page.get_by_label(label).fill(label.split()[1])
    await page.get_by_role("button", name="Make them public").click()


async def copied(page: Page, fits: Callable[[str], bool]) -> str:
    """Return what has been copied, as soon as it is what is waited for."""
    found = ""

    async def is_copied() -> bool:
        nonlocal found
        found = await page.evaluate("navigator.clipboard.readText()")
        return fits(found)

    await until(is_copied)
    return found


def give_hostile_titles(thron: Sandbox) -> None:
    """Give contents titles that are long, without spaces, or that turn text around."""
    hostile = {
        "strada-sl-film": "All about the new Strada " * 80,
        "carbon-weave": "x" * 2000,
        "aurora-jingle": "\u202egnp.exe \u2067 turned round",
    }
    for name, title in hostile.items():
        content = thron.tenant.find(name)
        thron.tenant.change(content.id, now=time.time(), titles={"EN": title, "IT": title})


@asynccontextmanager
async def window(
    browser: Browser, gateway: Gateway, *, width: int = WIDE, dark: bool = False
) -> AsyncIterator[Window]:
    """Open a window of somebody unknown.

    Args:
        browser: Running.
        gateway: Whose console it is.
        width: In pixels.
        dark: Whether the system prefers dark pages.
    """
    profile = await browser.new_context(
        viewport={"width": width, "height": 800},
        color_scheme="dark" if dark else "light",
        permissions=["clipboard-read", "clipboard-write"],
        locale="en-GB",
        reduced_motion="reduce",
    )
    async with profile:
        profile.set_default_timeout(PATIENCE_MS)
        made = Window(await profile.new_page(), gateway.admin_url)
        made.page.on("console", lambda message: _note(made, message))
        made.page.on("pageerror", lambda error: made.said.append(str(error)))
        made.page.on("request", lambda request: _ask(made, request))
        yield made


def _note(made: Window, message: ConsoleMessage) -> None:
    # A refused form is answered with 422, which Chromium tells as a failure to load.
    is_refusal = re.search(r"status of 4\d\d", message.text)
    if message.type in {"error", "warning"} and not is_refusal:
        made.said.append(message.text)


def _ask(made: Window, request: Request) -> None:
    made.asked.append(request.url)
