"""What Chromium saves, and under which name."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(
    ("title", "address", "saved_as"),
    [
        pytest.param("press-kit", "", "press-kit.zip", id="plain"),
        pytest.param("press-release-strada-sl", "", "press-release-strada-sl.docx", id="sandboxed"),
        pytest.param("press-kit", "/Cartella stampa.zip", "Cartella stampa.zip", id="of address"),
        pytest.param("strada-sl-manual", "", "Manuale Strada SL — regolazione.pdf", id="long dash"),
        pytest.param(
            "Value in other scripts", "", "山の道 \N{EN DASH} Größe 54.txt", id="other scripts"
        ),
        pytest.param("Value that is not NFC", "", "Caffé.txt", id="combining accent"),
        pytest.param("quotes", "", "the _quoted_; name's _ file.txt", id="quotes"),
        pytest.param("control-characters", "", "bell and X-Injected_ yes.txt", id="line break"),
        pytest.param("climbing-name", "", "_.._etc_passwd", id="climbing"),
    ],
)
async def test_name(
    connector: Running, page: Page, site: Site, title: str, address: str, saved_as: str
) -> None:
    """A link of another site saves the source file under its own name, whatever the name is."""
    content = connector.thron.tenant.find(title)
    url = connector.url(f"/files/{content.id}{address}")
    await page.goto(site.show(f'<a href="{url}">Save</a>'))
    async with page.expect_download() as starting:
        await page.click("a")
    download = await starting.value
    assert download.suggested_filename == saved_as
    saved = await asyncio.to_thread(Path(await download.path()).read_bytes)
    assert saved == connector.thron.tenant.bytes_of(content.id)


async def test_download_is_asked_for(connector: Running, page: Page, site: Site) -> None:
    """Of a connector that shows its contents, ?download saves one."""
    await page.goto(site.show(f'<a href="{connector.url("/media/en/logo")}?download">Save</a>'))
    async with page.expect_download() as starting:
        await page.click("a")
    assert (await starting.value).suggested_filename == "logo.png"


async def test_inline_is_asked_for(connector: Running, page: Page) -> None:
    """Of a connector that saves its contents, ?inline shows one."""
    content = connector.thron.tenant.find("logo")
    await page.goto(str(connector.url(f"/files/{content.id}/logo.png?inline")))
    assert await page.evaluate("document.images[0].naturalWidth") > 0
