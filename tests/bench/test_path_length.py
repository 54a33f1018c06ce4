"""How many files and functions of ours one request crosses, traced while the connector runs.

Figures to look at, not checks: a short path is one that can be read, and one that can be fast.
The sandbox runs in the same process and is left out. With ``PATH_LIST=1`` each function is listed.
"""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from operator import itemgetter
from pathlib import Path
from types import CodeType, FrameType

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from tests.admin.visitor import visitor
from tests.running import Running

pytestmark = pytest.mark.bench

_OURS = str(Path(__file__).parents[2] / "proxy")
_SANDBOX = str(Path(_OURS) / "sandbox")
_ROUNDS = 5


@contextmanager
def _traced(crossed: set[CodeType]) -> Iterator[None]:
    """Collect the functions of ours that this thread enters during the block."""

    def enter(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(_OURS):
            crossed.add(frame.f_code)

    sys.setprofile(enter)
    try:
        yield
    finally:
        sys.setprofile(None)


async def _crossed(
    request: Callable[[], Awaitable[object]], before: Callable[[], Awaitable[object]] | None = None
) -> set[CodeType]:
    """Return the functions of ours that every round of a request crosses.

    What only some rounds cross belongs to background tasks that ran meanwhile.
    """
    rounds: list[set[CodeType]] = []
    for _ in range(_ROUNDS):
        if before is not None:
            await before()
        await asyncio.sleep(0.05)  # what the former round left behind ends outside of the trace
        crossed: set[CodeType] = set()
        with _traced(crossed):
            await request()
        rounds.append({code for code in crossed if not code.co_filename.startswith(_SANDBOX)})
    return set.intersection(*rounds)


async def test_path_length(connector: Running) -> None:
    """Files and functions crossed by a remembered GET, a miss, a 304, and a connector saved."""
    # Whole, since the traced rounds are to make nothing of the gateway tell its address.
    path = f"{connector.gateway.public_url}/media/en/under-the-northern-lights"
    first = await connector.get(path)
    assert first.status == 200, first
    tag = first.fields["ETag"]

    async def remembered() -> None:
        assert (await connector.get(path)).status == 200

    async def not_modified() -> None:
        assert (await connector.get(path, If_None_Match=tag)).status == 304

    async def forget() -> None:
        await connector.tenant.purge(Purge(PurgeKind.ALL))

    lifetimes = count(60)

    async with visitor(connector.gateway) as admin:
        await admin.enter(connector.gateway.demo_url())
        known = (await admin.call("GET", "/api/connectors/media")).json["connector"]

        async def save() -> None:
            wanted = {"connector": {**known, "max_age_s": next(lifetimes)}}
            saved = await admin.call("PUT", "/api/connectors/media", wanted)
            assert saved.status == 200, saved

        for name, request, before in (
            ("remembered GET", remembered, None),
            ("miss", remembered, forget),
            ("304 from memory", not_modified, None),
            ("connector saved", save, None),
        ):
            crossed = await _crossed(request, before)
            files = {code.co_filename for code in crossed}
            print(f"{name:<16} {len(files):3} files {len(crossed):4} functions")
            if "PATH_LIST" in os.environ:
                places = [(each.co_filename, each.co_firstlineno, each) for each in crossed]
                for file, line, code in sorted(places, key=itemgetter(0, 1)):
                    print(f"    {Path(file).relative_to(_OURS)}:{line} {code.co_qualname}")
