"""One address that takes every place of a download and reads nothing: others are served."""

import asyncio
import contextlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from proxy.sandbox.server import Sandbox
from tests.process import installed, served
from tests.robustness.test_crowds import FILM, Besieged
from tests.running import by_id
from tests.waiting import until

READERS = 12
HUGE = "strada-sl-rushes"  # no buffer of a system takes all of it
STALLED = "127.0.0.2"


async def test_stalled_readers_of_one_address(thron: Sandbox, tmp_path: Path) -> None:
    """Another client's download takes the place of one of them, and is whole."""
    environ = await installed(thron, tmp_path, by_id(thron)) | {
        "TDC_LOG_LEVEL": "info",
        "TDC_MAX_DOWNLOADS": str(READERS),
    }
    async with served(environ) as (process, public, _):
        host, _, port = public.rpartition(":")
        besieged = Besieged(thron, process, host, int(port), thron.tenant.find(FILM).id)
        huge = replace(besieged, content_id=thron.tenant.find(HUGE).id)
        readers = [
            await besieged.connect(receive_octets=4096, source=STALLED) for _ in range(READERS)
        ]
        try:
            for sock in readers:
                await huge.ask(sock)
                await asyncio.get_running_loop().sock_recv(sock, 512)  # it has its place
            async with aiohttp.ClientSession() as http:
                waited = []
                for _ in range(3):
                    began = time.monotonic()
                    async with http.get(besieged.url) as answer:
                        waited.append(round(time.monotonic() - began, 2))
                        assert answer.status == 200
                        assert await answer.read() == thron.tenant.bytes_of(besieged.content_id)
        finally:
            for sock in readers:
                with contextlib.suppress(OSError):
                    sock.close()
        cut = list[dict[str, Any]]()

        async def is_logged() -> bool:
            cut[:] = [each for each in process.events if each.get("error") == "Preempted"]
            return bool(cut)

        await until(is_logged)
    print(f"{READERS} stalled readers of one address: others were served after {waited} s")
    assert 1 <= len(cut) <= 3
    assert {(each["client"], each["ended_by"]) for each in cut} == {(STALLED, "client")}
