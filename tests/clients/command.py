"""Programs that download, run beside the connector that they ask."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.running import Running
from tests.waiting import PATIENCE_S


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended, and what it wrote."""

    status: int
    out: bytes
    err: bytes


@asynccontextmanager
async def started(
    *words: str | Path, at: Path | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a program; at the end of the block it has ended, or is killed.

    Args:
        words: The program and its arguments; a path stands for itself.
        at: The directory that it runs in.
    """
    process = await asyncio.create_subprocess_exec(
        *map(str, words),
        cwd=at,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def attempt(*words: str | Path, at: Path | None = None) -> Ran:
    """Run a program to its end."""
    async with started(*words, at=at) as process:
        out, err = await process.communicate()
        assert process.returncode is not None
        return Ran(process.returncode, out, err)


async def run(*words: str | Path, at: Path | None = None) -> Ran:
    """Run a program to its end, which is a success."""
    ran = await attempt(*words, at=at)
    assert ran.status == 0, f"{words[0]}: {ran.status}\n{ran.err.decode(errors='replace')}"
    return ran


async def answered(connector: Running) -> dict[str, int]:
    """Return how many answers of each status the connector gave so far, by its own metrics.

    An answer is counted when it has ended, which its client may know a little earlier: what is
    under way is waited for.
    """
    async with asyncio.timeout(PATIENCE_S):
        while True:
            figures = await _figures(connector)
            if not figures["thron_connector_downloads_in_flight"]:
                break
            await asyncio.sleep(0.01)
    found: dict[str, int] = {}
    for name, count in figures.items():
        if name.startswith("thron_connector_downloads_total "):
            status = name.partition(" ")[2]
            found[status] = found.get(status, 0) + int(count)
    return found


async def octets_sent(connector: Running) -> int:
    """Return how many octets of content the connector sent so far, by its own metrics."""
    await answered(connector)
    return int((await _figures(connector)).get("thron_connector_octets_total", 0))


async def _figures(connector: Running) -> dict[str, float]:
    """Return the metrics by name; those by status with a blank and the status after the name."""
    async with connector.http.get(f"{connector.gateway.admin_url}/metrics") as response:
        exposition = await response.text()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            status = sample.labels.get("status")
            name = sample.name if status is None else f"{sample.name} {status}"
            found[name] = found.get(name, 0) + sample.value
    return found


def sha256(data: bytes | Path) -> str:
    """Return the SHA-256 of octets or of a file, in hexadecimal digits."""
    octets = data.read_bytes() if isinstance(data, Path) else data
    return hashlib.sha256(octets).hexdigest()


def sole_file(directory: Path, pattern: str = "*") -> Path:
    """Return the one file of a directory."""
    (found,) = directory.glob(pattern)
    return found
