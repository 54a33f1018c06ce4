"""What known links feel while THRON's API hangs, and what floods cost THRON; figures."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import aiohttp
import pytest
from yarl import URL

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox
from tests.delivery.test_catalogue_first import catalogued
from tests.process import beside, environ_for, served
from tests.running import Running, by_id, by_name, running

pytestmark = pytest.mark.bench

_PER_S = 40
_BEFORE_S, _SETTLING_S, _FROZEN_S = 4, 5, 20


@dataclass(slots=True)
class Load:
    """Requests at a steady rate, however long the answers take."""

    base: str
    paths: list[str]
    taken: list[tuple[float, float, int]] = field(default_factory=list)

    async def ask(self, http: aiohttp.ClientSession, path: str) -> None:
        """Ask for one octet, and note when, how long it took, and the status."""
        began = time.monotonic()
        url = URL(self.base + path, encoded=True)
        async with http.get(url, headers={"Range": "bytes=0-0"}) as answer:
            await answer.read()
            self.taken.append((began, time.monotonic() - began, answer.status))

    async def run(self, seconds: float) -> None:
        """Ask for all paths in turn, for so long, and wait for the answers."""
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as asking:
            for number in range(int(seconds * _PER_S)):
                _ = asking.create_task(self.ask(http, self.paths[number % len(self.paths)]))
                await asyncio.sleep(1 / _PER_S)


async def test_an_api_that_is_stopped_under_load(tmp_path: Path) -> None:
    """The times of known links, whose resolutions last a second, before and after the stop."""
    async with Sandbox() as cdn, beside("sandbox", environ={}) as api:
        wanted = by_id(cdn, delivery=DeliveryMode.PUBLISHED)
        async with catalogued(cdn, tmp_path, wanted) as connector:
            paths = await _known(connector)
        told = await asyncio.to_thread(api.printed, "TDC_API_URL")
        environ = environ_for(cdn, tmp_path) | {
            "TDC_API_URL": told.partition("=")[2],
            "TDC_RESOLUTION_TTL_S": "1",
            "TDC_LOG_LEVEL": "info",
        }
        async with served(environ) as (_, public, _admin):
            load = Load(f"http://{public}", paths)
            running_load = asyncio.create_task(load.run(_BEFORE_S + _SETTLING_S + _FROZEN_S))
            await asyncio.sleep(_BEFORE_S)
            api.tell(signal.SIGSTOP)
            stopped = time.monotonic()
            await running_load
            api.tell(signal.SIGCONT)
    assert {status for _, _, status in load.taken} <= {206, 416}  # one content is empty
    settled = stopped + _SETTLING_S
    for name, first, last in (
        ("before", 0.0, stopped),
        ("first seconds", stopped, settled),
        ("after", settled, float("inf")),
    ):
        times = sorted(took for began, took, _ in load.taken if first <= began < last)
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(f"{name}: {len(times)} requests, p50 {p50:.3f} s, p99 {p99:.3f} s, {times[-1]:.3f} s")
    assert p99 < 3  # nobody waits for THRON any more, however busy the machine is


async def _known(connector: Running) -> list[str]:
    """Return the paths that have a rendition."""
    ids = [each.id for each in connector.thron.tenant.contents()]
    answers = [(f"/files/{each}", await connector.ask("HEAD", f"/files/{each}")) for each in ids]
    return [path for path, answer in answers if answer.status == 200]


async def test_three_thousand_unknown_addresses(tmp_path: Path) -> None:
    """The questions at THRON, and what is answered."""
    async with Sandbox() as thron, running(thron, tmp_path, by_id(thron)) as connector:
        thron.log.clear()
        paths = [f"/files/{UUID(int=number)}" for number in range(3000)]
        began = time.monotonic()
        answers = await asyncio.gather(*[connector.get(path) for path in paths])
        took = time.monotonic() - began
        statuses = [answer.status for answer in answers]
        counts = {status: statuses.count(status) for status in sorted(set(statuses))}
        print(f"unknown: {counts} in {took:.1f} s, {len(thron.log.of('api'))} questions")


async def test_first_requests_of_many_contents(tmp_path: Path) -> None:
    """The questions at THRON for the first requests of contents that the catalogue knows."""
    async with Sandbox(generated=1000) as thron:
        wanted = by_name(thron, delivery=DeliveryMode.PUBLISHED)
        async with catalogued(thron, tmp_path, wanted):
            pass
        async with running(thron, tmp_path, resolution_ttl_s=600) as connector:
            (found,) = connector.gateway.watch.connectors.all
            contents = await connector.gateway.contents.page(found, limit=1000)
            paths = [f"/media/{line.language}/{line.value}" for line in contents.lines]
            await connector.tenant.thron.session()
            thron.log.clear()
            answers = await asyncio.gather(*[connector.ask("HEAD", path) for path in paths])
            statuses = [answer.status for answer in answers]
            counts = {status: statuses.count(status) for status in sorted(set(statuses))}
            print(f"first requests: {counts}, {len(thron.log.of('api'))} questions")
