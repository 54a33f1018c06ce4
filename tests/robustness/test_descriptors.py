"""Silent crowds against a small limit of open files: neither listener is lost."""

import asyncio
import contextlib
import socket
from http import HTTPStatus
from pathlib import Path

import aiohttp

from proxy.sandbox.server import Sandbox
from tests.process import environ_for, served
from tests.waiting import PATIENCE_S, until

OPEN_FILES = 400
CROWD = 450
PROBES = 20
# The crowd comes from one address, and whoever probes from another.
CROWDED = "127.0.0.2"


async def test_silent_crowd_of_one_address(thron: Sandbox, tmp_path: Path) -> None:
    """450 silent connections at 400 descriptors: every probe of both listeners is answered."""
    environ = environ_for(thron, tmp_path) | {"TDC_LOG_LEVEL": "info"}
    async with served(environ, open_files=OPEN_FILES) as (process, public, admin):
        lowered = process.event("limits lowered")
        assert (lowered["max_downloads"], "TDC_MAX_DOWNLOADS" in lowered["fix"]) == (90, True)
        host, _, port = public.rpartition(":")

        async def is_ready() -> bool:
            return await _status(f"http://{public}/-/readyz") == HTTPStatus.OK

        await until(is_ready)  # once it is logged in to THRON
        before = len(process.output)
        crowd: list[socket.socket] = []
        try:
            for _ in range(CROWD):
                sock = socket.socket()
                crowd.append(sock)
                sock.setblocking(False)  # noqa: FBT003 - the socket module's own signature
                sock.bind((CROWDED, 0))
                await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
            statuses = [
                await _status(url)
                for _ in range(PROBES)
                for url in (f"http://{public}/-/readyz", f"http://{admin}/readyz")
            ]
            descriptors, logged = process.descriptors(), len(process.output) - before
        finally:
            for sock in crowd:
                sock.close()
        async with aiohttp.ClientSession() as http, http.get(f"http://{admin}/metrics") as answer:
            metrics = await answer.text()
    print(f"refused {statuses.count(None)} of {len(statuses)}, {descriptors=}, {logged=} octets")
    assert set(statuses) == {200}
    assert descriptors < OPEN_FILES - 50
    assert logged < 20_000
    assert "Traceback" not in process.output
    assert 'thron_connector_connections_closed_total{listener="public",reason="full"}' in metrics


async def _status(url: str) -> int | None:
    """Ask on a connection of its own; None where there is no answer in time."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with (
            asyncio.timeout(PATIENCE_S),
            aiohttp.ClientSession() as http,
            http.get(url) as answer,
        ):
            return answer.status
    return None
