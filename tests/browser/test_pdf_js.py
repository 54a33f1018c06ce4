"""The real pdf.js on somebody else's page, loading a catalogue by ranges."""

from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site
from tests.clients.command import answered
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")

# Debian's package libjs-pdf.
BUILD = Path("/usr/share/javascript/pdf/build")

# Without its prefetching, which in the end loads all of a document.
FIRST_PAGE = """async url => {
    pdfjsLib.GlobalWorkerOptions.workerSrc = "/pdf.worker.js";
    const asked = {url, disableAutoFetch: true, disableStream: true};
    const document = await pdfjsLib.getDocument(asked).promise;
    const text = await (await document.getPage(1)).getTextContent();
    return {pages: document.numPages, text: text.items.map(item => item.str).join(" ")};
}"""


async def test_pdf_js(connector: Running, page: Page, site: Site) -> None:
    """The first page is read with some of the document's chunks, across origins."""
    content = connector.thron.tenant.find("catalogue-2024")
    for name in ("pdf.js", "pdf.worker.js"):
        site.scripts[f"/{name}"] = BUILD / name
    # A document that came whole before pdf.js broke it off is read from the browser's cache.
    chromium = await page.context.new_cdp_session(page)
    await chromium.send("Network.enable")
    await chromium.send("Network.setCacheDisabled", {"cacheDisabled": True})
    await page.goto(site.show("<script src=/pdf.js></script>"))
    read = await page.evaluate(FIRST_PAGE, str(connector.url(f"/files/{content.id}/a.pdf")))
    assert read["pages"] > 1
    assert "VELO AURORA" in read["text"].upper()
    assert (await answered(connector))["206"] >= 1
