"""What 100,000 contents cost: listing them, and the pages and searches of the summary table.

Server time of the query and the processor's time of this process, the best of some runs: on a busy
machine the second is the one to read. CONTENTS in the environment takes another number.
"""

import asyncio
import os
import random
import resource
import time
from array import array
from bisect import bisect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import aiohttp
import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.folder_sync import FolderSync
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync_runs import RunKind
from proxy.catalogue.url_rows import Selection, Sort
from proxy.commands.running import keep_what_start_made
from proxy.connectors.model import Connector, Identifier
from proxy.thron.client import Client
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper
from tests.process import beside

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]

_CONTENTS = int(os.environ.get("CONTENTS", "100000"))
_ROUNDS = 5
_TURNS_MS = (1, 2, 3, 5)
_NAMES = Connector(slug="names", folder="root", identifier=Identifier.PRETTY_ID)

T = TypeVar("T")


async def test_catalogue(tmp_path: Path) -> None:
    """Figures of one connector whose contents have a prettyID in two languages each."""
    async with (
        _thron() as (credentials, api_url, folder),
        Database.open(f"{tmp_path}/c") as database,
    ):
        connector = _NAMES.model_copy(update={"folder": folder, "folder_id": folder})
        async with (
            aiohttp.ClientSession() as http,
            TokenKeeper(
                Client(http, api_url=api_url), credentials, now=time.time, random=random.random
            ) as keeper,
        ):
            listing = FolderListing(keeper, Search(keeper, client_id=credentials.client_id))
            await _listings(database, listing, connector)
            async with Database.open(f"{tmp_path}/turns") as other:
                await _turns(other, listing, connector)
        await _queries(Contents(database), connector)


@asynccontextmanager
async def _thron() -> AsyncIterator[tuple[Credentials, str, str]]:
    """Run a sandbox in a process of its own, whose time is not counted."""
    async with beside("sandbox", "--contents", str(_CONTENTS), environ={}) as sandbox:
        root = await asyncio.to_thread(sandbox.printed, "# root folder: ")
        exports = [line.split() for line in sandbox.output.splitlines() if "export" in line]
        told = dict(pair.split("=", 1) for _, pair in exports)
        credentials = Credentials(*(told[f"TDC_{n}"] for n in ("CLIENT_ID", "APP_ID", "APP_KEY")))
        yield credentials, told["TDC_API_URL"], root.rpartition(" ")[2]


async def _listings(database: Database, listing: FolderListing, connector: Connector) -> None:
    await Fingerprints(database).fit(connector, client_id=listing.client_id)
    keep_what_start_made()  # as a connector does that has started
    for name in ("first listing", "the same again"):
        before, cpu = time.perf_counter(), time.process_time()
        run = await FolderSync(database, listing).run(connector, RunKind.FULL)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        took, took_cpu = time.perf_counter() - before, time.process_time() - cpu
        _print(name, took, took_cpu, f"{run.seen} contents, at most {memory} MB")


async def _turns(database: Database, listing: FolderListing, connector: Connector) -> None:
    """Measure apart how long others wait for a listing: to look at every turn takes time, too."""
    await Fingerprints(database).fit(connector, client_id=listing.client_id)
    for name in ("first listing", "the same again"):
        async with turns_of_the_loop() as took_s:
            await FolderSync(database, listing).run(connector, RunKind.FULL)
        longer = (f"{len(took_s) - bisect(took_s, ms / 1000)} over {ms}" for ms in _TURNS_MS)
        more = f"of {len(took_s)} turns {', '.join(longer)} ms"
        _print(f"longest turn, {name}", took_s[-1], took_s[-1], more)


@asynccontextmanager
async def turns_of_the_loop() -> AsyncIterator["array[float]"]:
    """Measure the processor's time that each turn of the loop takes; in order after the block."""
    # In a list the garbage collector would look through the millions of them, for 70 ms.
    took_s = array("d")

    async def watch() -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            took_s.append(time.thread_time() - before)

    watching = asyncio.create_task(watch())
    try:
        yield took_s
    finally:
        watching.cancel()
        took_s[:] = array("d", sorted(took_s))


async def _queries(contents: Contents, connector: Connector) -> None:
    for sort in Sort:
        await _best(f"first page by {sort}", partial(contents.page, connector, sort=sort))
    await _best("last page", lambda: contents.page(connector, offset=2 * _CONTENTS - 3000))
    for words in ("0427", "generato 0001", "nothing-has-this", "gener"):
        chosen = Selection(search=words)
        await _best(f"search {words}", partial(contents.page, connector, chosen))
    for status in AddressStatus:
        only = Selection(statuses=frozenset({status}))
        await _best(f"only {status}", partial(contents.page, connector, only))
    await _best("tally", lambda: contents.tally(connector))
    await _best("collisions", lambda: contents.collisions(connector))
    before, cpu = time.perf_counter(), time.process_time()
    number = 0
    async for _ in contents.each(connector):
        number += 1
    _print("export", time.perf_counter() - before, time.process_time() - cpu, f"{number} lines")


async def _best(name: str, ask: Callable[[], Awaitable[T]]) -> None:
    walls, cpus = [], []
    for _ in range(_ROUNDS):
        before, cpu = time.perf_counter(), time.process_time()
        await ask()
        walls.append(time.perf_counter() - before)
        cpus.append(time.process_time() - cpu)
    _print(name, min(walls), min(cpus), "")


def _print(name: str, wall_s: float, cpu_s: float, more: str) -> None:
    print(f"{name:28} {wall_s * 1000:10.1f} ms {cpu_s * 1000:10.1f} ms of processor  {more}")
