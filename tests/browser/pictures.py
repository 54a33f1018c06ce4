"""The README's pictures of the console, taken anew: ``python -m tests.browser.pictures``."""

import asyncio
import math
import random
import subprocess
import tempfile
import time
from pathlib import Path

from playwright.async_api import Page, ViewportSize, async_playwright

from proxy.sandbox.server import Sandbox
from proxy.telemetry.minutes import Minute, number_at
from tests.admin.set_up import given, path
from tests.browser.conftest import CHROMIUM, QUIET
from tests.listed import listed
from tests.running import Running, by_name, running

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE = ViewportSize(width=1280, height=800)
PUBLIC = "https://media.aurora.example"


async def main() -> None:
    """Take each picture in both themes."""
    with tempfile.TemporaryDirectory() as state:
        async with (
            Sandbox() as thron,
            running(thron, Path(state), by_name(thron, "press"), public_url=PUBLIC) as connector,
            async_playwright() as playwright,
        ):
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
            await listed(connector, "press")
            for theme in ("light", "dark"):
                profile = await browser.new_context(
                    viewport=SIZE, color_scheme=theme, locale="en-GB", reduced_motion="reduce"
                )
                page = await profile.new_page()
                await page.goto(connector.gateway.demo_url())
                if theme == "light":
                    await page.get_by_role("button", name="Hide the first steps").click()
                    await _use(connector, page)
                await _take(connector, page, theme)
            await browser.close()


async def _use(connector: Running, page: Page) -> None:
    """Fill an hour with requests, then have every link asked for, so that sizes are known."""
    chance, now = random.Random(7), number_at(time.time())  # noqa: S311 - of a picture
    minutes = connector.gateway.traffic._minutes  # noqa: SLF001 - no request makes an hour that is past
    for ago in range(59, 0, -1):
        requests = int(40 + 25 * math.sin(ago / 7) + chance.random() * 20)
        minutes.count(
            Minute(
                now - ago,
                octets=requests * chance.randrange(2_000_000, 5_000_000),
                requests=requests,
                resolved=requests,
                hits=requests - chance.randrange(3),
                client_errors=chance.randrange(4),
            )
        )
    await page.goto(f"{connector.gateway.admin_url}/connectors/press?size=100&names=on")
    for link in await page.locator("[data-url]").all():
        url = await link.get_attribute("href") or ""
        await connector.ask("HEAD", url.removeprefix(PUBLIC))
    await page.reload()
    while await page.locator("td.c-size .muted").count() > 20:
        await page.wait_for_timeout(1000)
        await page.reload()


async def _take(connector: Running, page: Page, theme: str) -> None:
    places = {
        "contents": "/connectors/press?status=ok&order=desc",
        "overview": "/",
        "connector": path("review", given(connector.thron.root_folder_id, types="video")),
    }
    for name, where in places.items():
        await page.goto(connector.gateway.admin_url + where)
        await page.wait_for_load_state("networkidle" if name != "overview" else "load")
        await page.wait_for_timeout(1500)  # thumbnails, and the stream of the overview
        with tempfile.NamedTemporaryFile(suffix=".png") as taken:
            await page.screenshot(path=taken.name)
            _shrink(Path(taken.name), IMAGES / f"{name}-{theme}.png")


def _shrink(taken: Path, kept: Path) -> None:
    """Keep a picture in 256 colours, which halves it and cannot be seen."""
    palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none"
    subprocess.run(
        ["/usr/bin/ffmpeg", "-y", "-v", "error", "-i", taken, "-vf", palette, kept], check=True
    )


if __name__ == "__main__":
    asyncio.run(main())
