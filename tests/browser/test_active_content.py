"""HTML and SVG with script, opened in the browser from the connector's host."""

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_html(connector: Running, page: Page) -> None:
    """A page shows, and its script does not run."""
    content = connector.thron.tenant.find("page-with-script")
    await page.goto(str(connector.url(f"/files/{content.id}?inline")))
    assert await page.inner_text("#said") == "The script did not run."


async def test_svg(connector: Running, page: Page) -> None:
    """A picture shows, and neither its script nor its handler runs."""
    content = connector.thron.tenant.find("badge-with-script")
    response = await page.goto(str(connector.url(f"/files/{content.id}?inline")))
    assert response is not None
    assert response.headers["content-type"] == "image/svg+xml"
    assert await page.text_content("text") == "AURORA"
    assert await page.get_attribute("svg", "data-ran") is None


async def test_no_cookie_of_the_host_is_within_reach(connector: Running, page: Page) -> None:
    """The page's origin is none, so that not even an extension's script acts as this host."""
    content = connector.thron.tenant.find("page-with-script")
    await page.goto(str(connector.url(f"/files/{content.id}?inline")))
    assert await page.evaluate("self.origin") == "null"


async def test_a_type_is_taken_literally(connector: Running, page: Page, site: Site) -> None:
    """What is no script by its type is not run as one: nosniff."""
    content = connector.thron.tenant.find("press-kit")
    connector.thron.publish_new_version(content.id, b"document.title = 'taken over'")
    url = connector.url(f"/files/{content.id}/kit.zip")
    failed = "onerror=\"document.body.dataset.failed = 'yes'\""
    await page.goto(site.show(f'<body><script src="{url}" {failed}></script>'))
    await page.wait_for_selector("body[data-failed=yes]", state="attached")
    assert await page.title() == "Shop"
