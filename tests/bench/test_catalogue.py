"""What 100,000 contents cost: listing them, and the pages and searches of the summary table.

Server time of the query and the processor's time of this process, the best of some runs: on a busy
machine the second is the one to read. CONTENTS in the environment takes another number.
"""

import os
import resource
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import Selection, Sort
from proxy.connectors.model import Connector, Identifier
from proxy.sandbox.server import Sandbox
from tests.catalogue.listing import Listed, listing, on_root

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]

_CONTENTS = int(os.environ.get("CONTENTS", "100000"))
_ROUNDS = 5
_NAMES = Connector(slug="names", folder="root", identifier=Identifier.PRETTY_ID)

T = TypeVar("T")


async def test_catalogue(tmp_path: Path) -> None:
    """Figures of one connector whose contents have a prettyID in two languages each."""
    async with Sandbox(generated=_CONTENTS) as thron, listing(thron, tmp_path) as listed:
        connector = on_root(thron, _NAMES)
        await _listings(listed, connector)
        await _queries(listed, connector)


async def _listings(listed: Listed, connector: Connector) -> None:
    for name in ("first listing", "the same again"):
        before, cpu = time.perf_counter(), time.process_time()
        run = await listed.full(connector)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        _print(
            name,
            time.perf_counter() - before,
            time.process_time() - cpu,
            f"{run.seen} contents, at most {memory} MB with the sandbox in this process",
        )


async def _queries(listed: Listed, connector: Connector) -> None:
    contents = listed.contents
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
