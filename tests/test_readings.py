"""The connector does its job whichever way THRON turns out to be (tests/readings.py).

Each switch of the sandbox is something that nobody outside knows about THRON (docs/thron.md 11).
"""

import asyncio
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox, Switches
from tests.pairs import APART, REMEDY, choices, pairs
from tests.readings import READINGS
from tests.running import Running, by_id, by_name, by_sku, running

MANUAL = "strada-sl-manual"
FILM = "dawn-on-the-pass"
PHOTO = "strada-sl"
SOUND = "the-bell"


def test_every_two_readings_meet() -> None:
    """Every two readings of different switches that can hold at once do so in some row."""
    met = {
        both
        for row in pairs()
        for both in combinations([(name, getattr(row, name)) for name in choices()], 2)
    }
    for (name, readings), (other, others) in combinations(choices().items(), 2):
        for both in product(
            [(name, each) for each in readings], [(other, each) for each in others]
        ):
            assert (both in met) is (frozenset(both) not in APART), (both, REMEDY)


@pytest.mark.parametrize("reading", READINGS)
async def test_reading(reading: Switches, tmp_path: Path) -> None:
    """Whatever is asked for comes, or is refused as it should be, at the cost of three logins."""
    print(reading)
    async with Sandbox(switches=reading) as thron:
        wanted = (
            by_id(thron),
            by_name(thron),
            by_sku(thron),
            by_name(thron, "published", delivery=DeliveryMode.PUBLISHED),
        )
        async with running(thron, tmp_path, *wanted) as whole:
            await check_bytes(whole)
            await check_tokens_end(whole)
            await check_refusals(whole)


def originals(thron: Sandbox) -> dict[str, bytes]:
    """Return addresses of all three identifiers, with the bytes of the source file."""
    manual = thron.tenant.find(MANUAL)
    sku = next(value for _, key, _, value in manual.imetadata if key == "sku")
    paths = f"/files/{manual.id}", "/media/it/manuale-strada-sl", f"/products/{sku}"
    return dict.fromkeys(paths, thron.tenant.bytes_of(MANUAL))


def renditions(thron: Sandbox) -> dict[str, bytes]:
    """Return addresses of three types, with the bytes that are published."""
    channels = {PHOTO: "std", FILM: "WEBHD", SOUND: "WEB"}
    return {
        f"/published/en/{name}": thron.tenant.rendition_of(name, channel)
        for name, channel in channels.items()
    }


async def check(whole: Running, path: str, data: bytes) -> None:
    """Ask for the whole, a part and the fields alone."""
    answer = await whole.get(path)
    assert (answer.status, answer.body) == (200, data)
    part: Any = await whole.get(path, Range="bytes=100-199")
    # A THRON that ignores ranges is answered for with the whole: legal, and said by no 206.
    assert (part.status, part.body) in {(206, data[100:200]), (200, data)}
    head = await whole.ask("HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert head.fields.get("Content-Length", str(len(data))) == str(len(data))


async def check_bytes(whole: Running) -> None:
    """Every identifier, type and mode of delivery gives the right bytes."""
    files = {**originals(whole.thron), **renditions(whole.thron)}
    for path, data in files.items():
        await check(whole, path, data)


async def check_refusals(whole: Running) -> None:
    """A lacking right may look like the end of the session, once; what is unknown is 404."""
    for _ in range(2):
        assert (await whole.get("/media/en/dealer-terms")).status == 404
    assert (await whole.get("/media/en/nothing-of-that-name")).status == 404
    assert (await whole.get("/media/en/all-films")).status == 404
    assert whole.thron.logins <= 3


async def check_tokens_end(whole: Running) -> None:
    """When all tokens have ended and nothing is remembered, one login restores everything."""
    await whole.tenant.purge(Purge(PurgeKind.ALL))
    whole.thron.expire_tokens()
    files = {**originals(whole.thron), **renditions(whole.thron)}
    answers = await asyncio.gather(*map(whole.get, files))
    assert [(answer.status, answer.body) for answer in answers] == [
        (200, data) for data in files.values()
    ]
    assert whole.thron.logins == 2
