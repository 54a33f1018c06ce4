"""What a gigabyte costs the connector, side by side with nginx; figures, not checks.

CPU seconds of the proxy's process alone: steady on a busy machine, where throughput is not.
Read the ratio within one run.
"""

import asyncio
import os
import shutil
import socket
import statistics
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox
from tests.clients.command import started
from tests.process import environ_for, serving
from tests.running import LOOPBACK, by_name, running

pytestmark = pytest.mark.bench

_OCTETS = 1024**3
_ROUNDS = 3
_LARGE = "strada-sl-rushes"

_NGINX = """
daemon off; master_process off; pid {home}/nginx.pid; error_log {home}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {home}/1; proxy_temp_path {home}/2; fastcgi_temp_path {home}/3;
    uwsgi_temp_path {home}/4; scgi_temp_path {home}/5;
    server {{
        listen {address};
        location / {{
            proxy_pass {origin};
            proxy_http_version 1.1;
            proxy_buffers 16 64k;
            proxy_max_temp_file_size 0;
        }}
    }}
}}
"""


async def test_a_gigabyte(tmp_path: Path) -> None:
    """The CPU seconds for a gigabyte, by the connector and by nginx, in turn."""
    costs: dict[str, list[float]] = {"connector": [], "nginx": []}
    async with Sandbox() as thron:
        wanted = by_name(thron, delivery=DeliveryMode.PUBLISHED)
        async with running(thron, tmp_path, wanted):
            pass  # it is in the database now
        static = await _static_path(thron)
        environ = environ_for(thron, tmp_path) | {"TDC_LOG_LEVEL": "info"}
        async with _connector(environ) as (pid, ours), _nginx(thron, tmp_path) as (other, theirs):
            for _ in range(_ROUNDS):
                public = f"http://{ours}/media/en/{_LARGE}"
                costs["connector"].append(await _cost(pid, public))
                costs["nginx"].append(await _cost(other, f"http://{theirs}{static}"))
    _print(costs)


@asynccontextmanager
async def _connector(environ: Mapping[str, str]) -> AsyncIterator[tuple[int, str]]:
    """Run ``serve``; give its process id and address. Its start is waited for in a thread."""
    context = serving(environ)
    process, address, _ = await asyncio.to_thread(context.__enter__)
    try:
        yield process.pid, address
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


@asynccontextmanager
async def _nginx(thron: Sandbox, home: Path) -> AsyncIterator[tuple[int, str]]:
    """Run nginx before the sandbox's CDN; give its process id and address."""
    with socket.create_server((LOOPBACK, 0)) as sock:
        address = f"{LOOPBACK}:{sock.getsockname()[1]}"
    (home / "nginx.conf").write_text(
        _NGINX.format(home=home, address=address, origin=thron.cdn_url)
    )
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    async with started(program, "-p", home, "-c", home / "nginx.conf") as process:
        yield process.pid, address


async def _static_path(thron: Sandbox) -> str:
    """Return where the CDN redirects to for the same content."""
    content_id = thron.tenant.find(_LARGE).id
    url = f"{thron.cdn_url}/delivery/public/document/{thron.client_id}/{content_id}"
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}/{thron.pkey}/WEB/rushes", allow_redirects=False) as response,
    ):
        return URL(response.headers["Location"], encoded=True).raw_path_qs


async def _cost(pid: int, url: str) -> float:
    """Return the CPU seconds that a process spends on a gigabyte of a download."""
    before = _cpu_s(pid)
    retry = ("--retry", "5", "--retry-connrefused")  # nginx may still be starting
    async with started(
        "curl", "-sSf", *retry, "-o", "/dev/null", "-r", f"0-{_OCTETS - 1}", url
    ) as process:
        _, complaint = await process.communicate()
        assert process.returncode == 0, complaint
    return (_cpu_s(pid) - before) * 1e9 / _OCTETS


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _print(costs: Mapping[str, Sequence[float]]) -> None:
    medians = {name: statistics.median(found) for name, found in costs.items()}
    for name, found in costs.items():
        each = ", ".join(f"{seconds:.2f}" for seconds in found)
        print(f"\n{name}: {medians[name]:.2f} CPU s/GB (of {each})")
    print(f"ratio: {medians['connector'] / medians['nginx']:.2f}")
