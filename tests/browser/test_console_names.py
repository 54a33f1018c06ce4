"""The console over plain http by a name: Chromium then sends an Origin and no Sec-Fetch-Site."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from proxy.sandbox.server import Sandbox
from tests.admin.visitor import PASSWORD, give_password
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.console import PATIENCE_MS
from tests.running import running

pytestmark = pytest.mark.asyncio(loop_scope="package")


async def test_signing_in_by_a_name_and_a_port(thron: Sandbox, tmp_path: Path) -> None:
    """The sign-in form works, and by a name that was not given there is none."""
    rules = "--host-resolver-rules=MAP *.test 127.0.0.1"
    async with (
        running(thron, tmp_path, admin_hosts=("console.test",)) as whole,
        async_playwright() as playwright,
    ):
        await give_password(whole.gateway)
        port = whole.gateway.context.settings.admin_listen.port
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*QUIET, rules], timeout=PATIENCE_MS
        )
        try:
            page = await browser.new_page(locale="en-GB")
            page.set_default_timeout(PATIENCE_MS)
            await page.goto(f"http://console.test:{port}/login")
            await page.get_by_label("Password", exact=True).fill(PASSWORD)
            async with page.expect_request(lambda asked: asked.method == "POST") as posted:
                await page.get_by_role("button", name="Sign in").click()
            await page.get_by_role("heading", name="Overview", exact=True).wait_for()
            fields = await (await posted.value).all_headers()
            assert fields["origin"] == f"http://console.test:{port}"
            assert "sec-fetch-site" not in fields
            await page.goto(f"http://rebound.test:{port}/login")
            await page.get_by_text("TDC_ADMIN_HOSTS").wait_for()
        finally:
            await browser.close()
