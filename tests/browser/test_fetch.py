"""fetch() from a page of another origin: what pdf.js, players and shops' scripts do."""

import hashlib

import pytest
from playwright.async_api import Page

from tests.browser.conftest import Site
from tests.running import Running

pytestmark = pytest.mark.asyncio(loop_scope="package")

EXPOSED = (
    "accept-ranges",
    "content-disposition",
    "content-length",
    "content-range",
    "content-type",
    "etag",
)

# pdf.js 4, src/display/fetch_stream.js and network_utils.js: a GET whose fields tell whether ranges
# are worth it (Accept-Ranges: bytes, no Content-Encoding, a length over two chunks); it is aborted,
# and chunks of 64 KiB come in the order that the document is read, the last ones first.
LIKE_PDF_JS = """async url => {
    const CHUNK = 65536;
    const full = new AbortController();
    const first = await fetch(url, {mode: "cors", signal: full.signal});
    const length = parseInt(first.headers.get("Content-Length"), 10);
    const ranged = first.headers.get("Accept-Ranges") === "bytes"
        && (first.headers.get("Content-Encoding") || "identity") === "identity"
        && length > 2 * CHUNK;
    full.abort();
    if (!ranged) throw new Error("pdf.js would not ask for ranges");
    const starts = [];
    for (let start = 0; start < length; start += CHUNK) starts.unshift(start);
    const whole = new Uint8Array(length);
    await Promise.all(starts.map(async start => {
        const end = Math.min(start + CHUNK, length);
        const part = await fetch(url, {headers: {Range: `bytes=${start}-${end - 1}`}});
        if (part.status !== 206) throw new Error(part.status);
        whole.set(new Uint8Array(await part.arrayBuffer()), start);
    }));
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
    return Array.from(digest, octet => octet.toString(16).padStart(2, "0")).join("");
}"""


async def test_fields_of_a_range_are_exposed(connector: Running, page: Page, site: Site) -> None:
    """A script of another origin reads where a range lies, how long the whole is, and its tag."""
    content = connector.thron.tenant.find("catalogue-2024")
    source = connector.thron.tenant.bytes_of(content.id)
    await page.goto(site.show("<p>Catalogue"))
    told = await page.evaluate(
        """async ([url, names]) => {
            const response = await fetch(url, {headers: {Range: "bytes=100-199"}});
            const body = new Uint8Array(await response.arrayBuffer());
            const fields = Object.fromEntries(names.map(n => [n, response.headers.get(n)]));
            return {status: response.status, fields, body: Array.from(body)};
        }""",
        [str(connector.url(f"/files/{content.id}")), EXPOSED],
    )
    assert (told["status"], bytes(told["body"])) == (206, source[100:200])
    assert told["fields"]["content-range"] == f"bytes 100-199/{len(source)}"
    assert told["fields"]["content-length"] == "100"
    assert None not in told["fields"].values()


async def test_conditions_pass_the_preflight(connector: Running, page: Page, site: Site) -> None:
    """Fields that need a preflight are allowed: If-Range and If-Match with a range."""
    content = connector.thron.tenant.find("logo")
    await page.goto(site.show("<p>Logo"))
    status = await page.evaluate(
        """async url => {
            const tag = (await fetch(url, {method: "HEAD"})).headers.get("ETag");
            const asked = {Range: "bytes=0-9", "If-Range": tag, "If-Match": tag, "X-Shop": "1"};
            return (await fetch(url, {headers: asked})).status;
        }""",
        str(connector.url(f"/files/{content.id}")),
    )
    assert status == 206


async def test_an_absence_is_readable(connector: Running, page: Page, site: Site) -> None:
    """A script learns that a content is not there, rather than of a network error."""
    await page.goto(site.show("<p>Nothing"))
    url = str(connector.url("/media/en/nothing-of-that-name"))
    assert await page.evaluate("async url => (await fetch(url)).status", url) == 404


async def test_loading_like_pdf_js(connector: Running, page: Page, site: Site) -> None:
    """A PDF is loaded as pdf.js does it, chunk by chunk from its end."""
    content = connector.thron.tenant.find("catalogue-2024")
    source = connector.thron.tenant.bytes_of(content.id)
    await page.goto(site.show("<p>Catalogue"))
    loaded = await page.evaluate(LIKE_PDF_JS, str(connector.url(f"/files/{content.id}")))
    assert loaded == hashlib.sha256(source).hexdigest()
