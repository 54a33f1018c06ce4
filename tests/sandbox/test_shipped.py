"""The shipped library as the sandbox delivers it: every content, awkward ones included."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from proxy.sandbox.blob import Blob
from proxy.sandbox.content import OUT
from proxy.sandbox.server import Sandbox
from proxy.sandbox.tenant import octets
from tests.sandbox.conftest import Caller

KINDS = {"IMAGE": "image", "VIDEO": "video", "AUDIO": "audio", "OTHER": "document"}
SMALL = 2_000_000


def part_of(blob: Blob) -> dict[str, str]:
    return {"Range": "bytes=0-99"} if blob.length > SMALL else {}


@pytest.fixture
async def shipped() -> AsyncIterator[Caller]:
    async with Sandbox() as thron, aiohttp.ClientSession(auto_decompress=False) as http:
        caller = Caller(http, thron)
        await caller.login()
        yield caller


async def test_sources(shipped: Caller) -> None:
    """Every original that the app may have comes with its own bytes and a safe name."""
    path = "/api/xadmin/resources/content/downloadSource?clientId=sandbox&xcontentId="
    tenant = shipped.thron.tenant
    for content in tenant.contents():
        answer = await shipped.get(path + content.id, **part_of(content.version.source))
        if not (content.shareable and tenant.sees(content)):
            assert answer.status == 403, content.title
            continue
        assert answer.status in {200, 206}, content.title
        assert answer.fields["Content-Disposition"].isascii()
        if content.version.source.length <= SMALL:
            assert answer.body == octets(content.version.source), content.title


async def test_renditions(shipped: Caller) -> None:
    """Every channel leads to its published bytes, under a name that needs no quoting."""
    for content in shipped.thron.tenant.contents():
        kind = KINDS.get(content.content_type)
        if kind is None or content.status not in OUT:
            continue
        for channel, blob in content.version.renditions.items():
            size = ("0x0",) if kind == "image" else ()
            url = shipped.delivery(kind, content.id, channel, *size, "name")
            answer = await shipped.plain(url)
            assert answer.status == 307, content.title
            path = answer.location.removeprefix(shipped.thron.cdn_url).partition("?")[0]
            assert (
                path.replace("/", "").replace("_", "").replace(".", "").replace("-", "").isalnum()
            )
            file = await shipped.plain(answer.location, **part_of(blob))
            assert file.media_type == blob.media_type.partition(";")[0]
            if blob.length <= SMALL:
                assert file.body == octets(blob), content.title


async def test_the_ten_gibibytes(shipped: Caller) -> None:
    """Any range of the large one is at hand, in both ways of delivery."""
    content = shipped.thron.tenant.find("strada-sl-rushes")
    blob = content.version.source
    assert blob.length == 10 * 1024**3
    path = "/api/xadmin/resources/content/downloadSource?clientId=sandbox&xcontentId="
    url = shipped.delivery("document", content.id, "WEB", "rushes")
    static = (await shipped.plain(url)).location
    for start in (0, 5_000_000_000, blob.length - 10):
        asked = f"bytes={start}-{start + 9}"
        expected = b"".join(blob.read(start, start + 10))
        assert (await shipped.get(path + content.id, Range=asked)).body == expected
        assert (await shipped.plain(static, Range=asked)).body == expected


async def test_kinds_that_are_no_files(shipped: Caller) -> None:
    """Playlists, pages and links are listed but are no downloads of a kind."""
    answer = await shipped.search({"contentType": ["PLAYLIST", "URL", "PAGELET"]})
    assert len(answer.json["items"]) == 3
    link = shipped.thron.tenant.find("Web site")
    answer = await shipped.plain(shipped.delivery("url", link.id, "x"))
    assert answer.location == "https://veloaurora.example/"
