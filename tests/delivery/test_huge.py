"""Contents of any size, in the same memory."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from proxy.connectors.document import export
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.blob import RuleBlob, rule_bytes
from proxy.sandbox.server import Sandbox
from tests.running import LOOPBACK, by_id, running

RUSHES = "f653624c-48ce-4736-8497-ae3253710a25"
LENGTH = 10 * 1024**3
MIB = 1024 * 1024
MOST_RESIDENT = 108 * MIB  # of which the library that encrypts takes 6


@pytest.mark.parametrize("mode", DeliveryMode)
@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        pytest.param("bytes=0-0", 0, 0, id="first octet"),
        pytest.param(f"bytes={LENGTH - 1}-", LENGTH - 1, LENGTH - 1, id="last octet"),
        pytest.param("bytes=-9", LENGTH - 9, LENGTH - 1, id="suffix"),
        pytest.param(
            f"bytes={LENGTH // 2 - 5}-{LENGTH // 2 + 70_000}",
            LENGTH // 2 - 5,
            LENGTH // 2 + 70_000,
            id="middle",
        ),
        pytest.param(f"bytes={2**32 - 3}-{2**32 + 3}", 2**32 - 3, 2**32 + 3, id="beyond 32 bits"),
    ],
)
async def test_ranges_of_ten_gibibytes(
    thron: Sandbox, tmp_path: Path, mode: DeliveryMode, asked: str, first: int, last: int
) -> None:
    """The octets at the asked positions, and their place in the whole."""
    async with running(thron, tmp_path, by_id(thron, delivery=mode)) as connector:
        for _ in range(2):  # before and after the length is known
            answer = await connector.get(f"/files/{RUSHES}", Range=asked)
            assert answer.status == 206
            assert answer.fields["Content-Range"] == f"bytes {first}-{last}/{LENGTH}"
            assert answer.body == rule_bytes(first, last + 1)
        outside = await connector.get(f"/files/{RUSHES}", Range=f"bytes={LENGTH}-")
        assert (outside.status, outside.fields["Content-Range"]) == (416, f"bytes */{LENGTH}")


@asynccontextmanager
async def serving(
    thron: Sandbox, state: Path, mode: DeliveryMode
) -> AsyncIterator[tuple[str, int]]:
    """Run ``serve`` in a process of its own; gives its base URL and its process id."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("TDC_")},
        "STATE_DIRECTORY": str(state),
        "TDC_CLIENT_ID": thron.client_id,
        "TDC_APP_ID": thron.app_id,
        "TDC_APP_KEY": thron.app_key,
        "TDC_API_URL": thron.api_url,
        "TDC_CDN_URL": thron.cdn_url,
        "TDC_ORIGIN_HOSTS": LOOPBACK,
        "TDC_LISTEN": f"{LOOPBACK}:0",
        "TDC_ADMIN_LISTEN": f"{LOOPBACK}:0",
        "TDC_DRAIN_S": "0",
    }
    document = state / "connectors.toml"
    document.write_text(export([by_id(thron, delivery=mode)]))
    applied = await command(environ, "connectors", "apply", "--yes", str(document))
    assert await applied.wait() == 0
    process = await command(environ, "serve", stderr=asyncio.subprocess.PIPE)
    try:
        yield await _public_url(process), process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await process.communicate()


async def command(
    environ: dict[str, str], *words: str, stderr: int | None = None
) -> asyncio.subprocess.Process:
    """Start a command of the connector."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", *words, env=environ, stderr=stderr
    )


async def _public_url(process: asyncio.subprocess.Process) -> str:
    assert process.stderr is not None
    async for line in process.stderr:
        if not line.startswith(b"{"):
            continue  # the link to set a password
        event = orjson.loads(line)
        if event["event"] == "listening":
            return f"http://{event['public']}"
    raise AssertionError("it ended before it listened")


def most_resident(pid: int) -> int:
    """Return the most octets of memory that a process has had so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


async def check_memory(thron: Sandbox, state: Path, mode: DeliveryMode, blob: RuleBlob) -> None:
    """Download a content whole, octet for octet, through a process that stays small."""
    async with (
        serving(thron, state, mode) as (base, pid),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None)) as http,
        http.get(f"{base}/files/{RUSHES}") as response,
    ):
        assert int(response.headers["Content-Length"]) == blob.length
        at = 0
        async for chunk in response.content.iter_any():
            assert chunk == rule_bytes(at, at + len(chunk), seed=blob.seed)
            at += len(chunk)
        assert at == blob.length
        assert most_resident(pid) < MOST_RESIDENT


@pytest.mark.parametrize("mode", DeliveryMode)
async def test_memory_is_bounded(thron: Sandbox, tmp_path: Path, mode: DeliveryMode) -> None:
    """A process that relays 256 MiB has never more than 108 MiB of memory."""
    blob = RuleBlob(length=256 * MIB, seed=7)
    thron.tenant.publish_new_version(RUSHES, now=0, blob=blob)
    await check_memory(thron, tmp_path, mode, blob)


async def test_clients_that_read_nothing_cost_little(thron: Sandbox, tmp_path: Path) -> None:
    """Forty downloads that stand still hold the origin back: each costs less than a MiB."""
    async with (
        serving(thron, tmp_path, DeliveryMode.PUBLISHED) as (base, pid),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        url = f"{base}/files/{RUSHES}"
        async with http.get(url, headers={"Range": "bytes=0-4"}) as response:
            assert await response.read() == rule_bytes(0, 5)
        before = most_resident(pid)
        responses = await asyncio.gather(*[http.get(url) for _ in range(40)])
        for response in responses:
            assert await response.content.readexactly(1000) == rule_bytes(0, 1000)
        # Whoever asks now is served all the same.
        async with http.get(url, headers={"Range": "bytes=-5"}) as response:
            assert await response.read() == rule_bytes(LENGTH - 5, LENGTH)
        assert most_resident(pid) - before < 40 * MIB
        for response in responses:
            response.close()


@pytest.mark.soak
@pytest.mark.parametrize("mode", DeliveryMode)
async def test_ten_gibibytes_whole(thron: Sandbox, tmp_path: Path, mode: DeliveryMode) -> None:
    """The same with all 10 GiB."""
    await check_memory(thron, tmp_path, mode, RuleBlob())
