"""Large files through each front: every byte is right, and no front fills the memory."""

import asyncio
import hashlib
import time
from pathlib import Path

import aiohttp
import pytest

from proxy.sandbox.blob import Blob, RuleBlob
from proxy.sandbox.server import Sandbox
from tests.fronts.front import Front, varnish
from tests.running import Running

pytestmark = pytest.mark.soak

MIB = 1024**2
GIB = 1024**3


def digest(blob: Blob, start: int, stop: int) -> str:
    """Return the SHA-256 of a part of a blob."""
    hashed = hashlib.sha256()
    for chunk in blob.read(start, stop):
        hashed.update(chunk)
    return hashed.hexdigest()


async def received(response: aiohttp.ClientResponse) -> str:
    """Read an answer to its end; return its SHA-256."""
    hashed = hashlib.sha256()
    async for chunk in response.content.iter_any():
        hashed.update(chunk)
    return hashed.hexdigest()


async def test_one_gib(connector: Running, thron: Sandbox, front: Front) -> None:
    """A gibibyte comes right as a whole and in a part across its middle."""
    blob = RuleBlob(length=GIB, seed=1)
    content = thron.tenant.find("press-kit")
    thron.tenant.publish_new_version(content.id, now=time.time(), blob=blob)
    url = f"{front.url}/files/{content.id}/gib.bin"
    first, last = GIB // 2 - 1, GIB // 2 + 200 * MIB
    for fields, status, start, stop in (
        ({"Range": f"bytes={first}-{last}"}, 206, first, last + 1),
        ({}, 200, 0, GIB),
    ):
        began = time.monotonic()
        async with connector.http.get(url, headers=fields) as response:
            assert response.status == status
            assert await received(response) == await asyncio.to_thread(digest, blob, start, stop)
        rate = (stop - start) / MIB / (time.monotonic() - began)
        print(f"{status}: {rate:.0f} MiB/s, front {front.peak_memory / MIB:.0f} MiB")


async def test_ten_gib_through_varnish(connector: Running, thron: Sandbox, tmp_path: Path) -> None:
    """Ten gibibytes pass through Varnish, and it does not hold them, though a reader is slow."""
    (home := tmp_path / "varnish").mkdir()
    content = thron.tenant.find("strada-sl-rushes")
    blob = content.version.source
    path = f"/files/{content.id}/rushes.bin"
    async with varnish(connector.gateway.context.settings.listen.port, home) as front:
        idle = front.peak_memory
        async with connector.http.get(front.url + path) as slow:
            for _ in range(20):
                await slow.content.readexactly(MIB)
                await asyncio.sleep(0.5)
            print(f"beside a slow reader: {(front.peak_memory - idle) / MIB:.0f} MiB")
            assert front.peak_memory - idle < 200 * MIB
            slow.close()
        async with connector.http.get(front.url + path) as response:
            assert response.status == 200
            expected = asyncio.create_task(asyncio.to_thread(digest, blob, 0, blob.length))
            assert await received(response) == await expected
        print(f"10 GiB: {(front.peak_memory - idle) / MIB:.0f} MiB")
        assert front.peak_memory - idle < 200 * MIB
