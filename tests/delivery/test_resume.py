"""Downloads that survive what networks do, and those that must not look as if they had."""

import asyncio
import os
import random
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest
import trustme
from aiohttp import web
from yarl import URL

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.blob import Blob, BytesBlob, RuleBlob
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from proxy.sandbox.static import ServerBehaviour, respond
from proxy.settings import Pump
from tests.delivery.origin_server import origin_server
from tests.delivery.taking import rest_of, take
from tests.running import LOOPBACK, Running, by_id, running
from tests.waiting import PATIENCE_S

PUBLISHED = DeliveryMode.PUBLISHED
KIT = "88ab533c-2f8d-4746-8910-ccf985a96b48"
MIB = 1024 * 1024
# Short, so that a stall is soon one; a busy machine only makes more of them.
READ_GAP_S = 0.3
Validator = Literal["strong", "weak", "none", "changing"]


class Chaos:
    """An origin that breaks off as dice say, yet never so often that nothing gets through."""

    def __init__(
        self,
        blob: Blob,
        *,
        seed: int,
        behaviour: ServerBehaviour | None = None,
        begins: bool = False,
    ) -> None:
        """Make an origin; with ``begins`` it refuses no request for the whole."""
        self._blob = blob
        self._dice = random.Random(seed)  # noqa: S311 - repeatable mishaps, no secrets
        self._behaviour = behaviour or ServerBehaviour()
        self._begins = begins
        self._barren: Counter[str] = Counter()
        self.broken = 0

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer with the blob, or with a part of what was promised."""
        kind = self._dice.choice(["whole", "reset", "reset", "truncate", "stall", "503", "hang up"])
        asked = request.headers.get("Range", "")
        is_barren = kind in {"503", "hang up"}
        if is_barren and self._begins and not asked:
            kind, is_barren = "reset", False
        # In a row for one question, however the requests of several downloads come: it is asked
        # three times before a client is told of a failure.
        self._barren[asked] = self._barren[asked] + 1 if is_barren else 0
        if kind == "whole" or self._barren[asked] > 2:
            return await respond(request, self._blob, behaviour=self._behaviour)
        self.broken += 1
        if kind == "503":
            return web.Response(status=503)
        if kind == "hang up":
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        at = self._dice.randrange(1, self._blob.length)
        return await respond(request, self._blob, behaviour=self._breaking(kind, at))

    def _breaking(self, kind: str, at: int) -> ServerBehaviour:
        match kind:
            case "reset":
                return replace(self._behaviour, reset_at=at)
            case "truncate":
                return replace(self._behaviour, truncate_at=at)
            case _:
                return replace(self._behaviour, stall_at=at)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def chaotic(
    thron: Sandbox,
    tmp_path: Path,
    chaos: Chaos,
    authority: trustme.CA | None = None,
    pump: Pump | None = None,
) -> AsyncIterator[Running]:
    """Run a connector whose published contents all come from a chaotic origin.

    Args:
        thron: Redirects there.
        tmp_path: For the database.
        chaos: The origin.
        authority: Makes it an https origin.
        pump: Carries the octets; None: the usual one.
    """
    ca_file = tls = None
    if authority is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(LOOPBACK).configure_cert(tls)
        ca_file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(ca_file)
    wanted = by_id(thron, delivery=PUBLISHED)
    changed: dict[str, Any] = {"read_gap_s": READ_GAP_S, "ca_file": ca_file}
    if pump is not None:
        changed["pump"] = pump
    async with (
        origin_server(chaos, tls=tls) as origin,
        running(thron, tmp_path, wanted, **changed) as connector,
    ):
        location = f"{origin.url}/static/kit.zip"
        thron.faults.add(Fault(Kind.REDIRECT_TO, "delivery", times=None, location=location))
        yield connector


def digest(blob: Blob, first: int = 0, stop: int | None = None) -> str:
    """Return the SHA-256 of a blob's octets."""
    found = sha256()
    for chunk in blob.read(first, blob.length if stop is None else stop):
        found.update(chunk)
    return found.hexdigest()


def ranges(blob: Blob, *, seed: int, count: int) -> list[tuple[int, int]]:
    """Return ranges to ask for, the whole among them: first octet, and the one after the last."""
    dice = random.Random(seed)  # noqa: S311 - repeatable, no secrets
    found = [(0, blob.length)]
    for _ in range(count - 1):
        first = dice.randrange(blob.length)
        found.append((first, dice.randrange(first, blob.length) + 1))
    return found


@pytest.mark.parametrize("is_tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize(("seed", "mebibytes"), [(1, 8), (2, 12), (3, 32)])
async def test_every_download_is_whole(
    thron: Sandbox,
    tmp_path: Path,
    authority: trustme.CA,
    *,
    is_tls: bool,
    seed: int,
    mebibytes: int,
) -> None:
    """Kills, stalls and resets at any octet: no client sees an error, each SHA-256 is right."""
    blob = RuleBlob(length=mebibytes * MIB + seed, seed=seed)
    chaos = Chaos(blob, seed=seed)
    async with chaotic(thron, tmp_path, chaos, authority if is_tls else None) as connector:
        url = connector.url(f"/files/{KIT}")
        asked = ranges(blob, seed=seed, count=4)
        taken = await asyncio.gather(
            *[take(connector.http, url, Range=f"bytes={a}-{b - 1}") for a, b in asked],
            take(connector.http, url),
        )
    assert [each.is_whole for each in taken] == [True] * 5
    wanted = [digest(blob, a, b) for a, b in asked] + [digest(blob)]
    assert [sha256(each.body).hexdigest() for each in taken] == wanted
    assert [each.status for each in taken] == [206] * 4 + [200]
    assert chaos.broken


@pytest.mark.parametrize("has_length", [True, False], ids=["length", "no length"])
@pytest.mark.parametrize("validator", ["none", "weak", "changing"])
async def test_without_proof_a_broken_download_is_visibly_broken(
    thron: Sandbox, tmp_path: Path, validator: Validator, *, has_length: bool
) -> None:
    """Either the whole right content, or an error and a beginning of it: never a short whole."""
    blob = RuleBlob(length=2 * MIB + 5, seed=9)
    behaviour = ServerBehaviour(validator=validator, last_modified=False, length=has_length)
    chaos = Chaos(blob, seed=5, behaviour=behaviour)
    data = b"".join(blob.read(0, blob.length))
    async with chaotic(thron, tmp_path, chaos) as connector:
        url = connector.url(f"/files/{KIT}")
        taken = await asyncio.gather(*[take(connector.http, url) for _ in range(12)])
    begun = [each for each in taken if each.status == 200]
    assert all(data.startswith(each.body) for each in begun)
    assert all((each.body == data) is each.is_whole for each in begun)
    assert not all(each.is_whole for each in begun)
    assert {each.status for each in taken} <= {200, 502}


async def test_an_origin_without_ranges_is_resumed_by_skipping(
    thron: Sandbox, tmp_path: Path
) -> None:
    """A 200 with the same strong entity-tag is read again up to the octet that is missing."""
    blob = RuleBlob(length=3 * MIB, seed=4)
    chaos = Chaos(blob, seed=11, behaviour=ServerBehaviour(ranges=False))
    async with chaotic(thron, tmp_path, chaos) as connector:
        taken = await take(connector.http, connector.url(f"/files/{KIT}"))
    assert taken.is_whole
    assert sha256(taken.body).hexdigest() == digest(blob)


@pytest.mark.parametrize("breaks", [Kind.STALL, Kind.RESET, Kind.TRUNCATED])
@pytest.mark.parametrize("old_static_life_s", [0.0, 60.0])
@pytest.mark.parametrize("mode", DeliveryMode)
async def test_never_two_versions_in_one_body(
    thron: Sandbox, tmp_path: Path, mode: DeliveryMode, old_static_life_s: float, breaks: Kind
) -> None:
    """A new version published in the middle: the old one to its end, or an error."""
    thron.switches.old_static_life_s = old_static_life_s
    old, new = b"old version " * 20_000, b"new version " * 20_000
    thron.publish_new_version(KIT, old)
    where: Literal["source", "static"] = "source" if mode is DeliveryMode.ORIGINAL else "static"
    async with running(
        thron, tmp_path, by_id(thron, delivery=mode), read_gap_s=READ_GAP_S
    ) as connector:
        thron.faults.add(Fault(breaks, where, at=len(old) // 2))
        thron.faults.add(Fault(Kind.TRICKLE, where, octets_per_s=4_000_000))
        async with connector.http.get(connector.url(f"/files/{KIT}")) as response:
            begun = await response.content.readexactly(1000)
            thron.publish_new_version(KIT, new)
            taken = await rest_of(response)
    body = begun + taken.body
    assert old.startswith(body)
    assert taken.is_whole is (body == old)
    # Where the old file is still there the client notices nothing; else it must.
    assert taken.is_whole is (mode is PUBLISHED and old_static_life_s > 0)


async def test_a_break_after_the_last_octet_is_none(thron: Sandbox, tmp_path: Path) -> None:
    """All that was promised has come: the download is whole, whatever follows."""
    data = bytes(100_000)
    thron.publish_new_version(KIT, data)
    async with running(thron, tmp_path, by_id(thron, delivery=PUBLISHED)) as connector:
        thron.faults.add(Fault(Kind.RESET, "static", at=len(data)))
        taken = await take(connector.http, connector.url(f"/files/{KIT}"))
    assert (taken.is_whole, taken.body == data) == (True, True)


async def test_an_origin_that_never_recovers_is_given_up(thron: Sandbox, tmp_path: Path) -> None:
    """After its last attempt the connection to the client is broken, and the record says why."""
    data = bytes(range(256)) * 1000
    blob = BytesBlob(data)
    first = True

    async def dying(request: web.Request) -> web.StreamResponse:
        nonlocal first
        if first:
            first = False
            return await respond(request, blob, behaviour=ServerBehaviour(truncate_at=1000))
        return web.Response(status=404)

    wanted = by_id(thron, delivery=PUBLISHED)
    async with origin_server(dying) as origin, running(thron, tmp_path, wanted) as connector:
        location = f"{origin.url}/static/kit.zip"
        thron.faults.add(Fault(Kind.REDIRECT_TO, "delivery", times=None, location=location))
        taken = await take(connector.http, connector.url(f"/files/{KIT}"))
    assert (taken.status, taken.is_whole) == (200, False)
    assert data.startswith(taken.body)


async def test_a_client_that_leaves_closes_the_upstream(thron: Sandbox, tmp_path: Path) -> None:
    """The origin sees it at once, and no download is counted any more."""
    left = asyncio.Event()

    async def endless(request: web.Request) -> web.StreamResponse:
        try:
            return await respond(request, RuleBlob(), behaviour=ServerBehaviour(stall_at=MIB))
        finally:
            left.set()

    wanted = by_id(thron, delivery=PUBLISHED)
    async with origin_server(endless) as origin, running(thron, tmp_path, wanted) as connector:
        location = f"{origin.url}/static/kit.zip"
        thron.faults.add(Fault(Kind.REDIRECT_TO, "delivery", times=None, location=location))
        async with connector.http.get(connector.url(f"/files/{KIT}")) as response:
            await response.content.readexactly(1000)
            assert connector.gateway.admission.running == 1
            response.close()
        async with asyncio.timeout(PATIENCE_S):
            await left.wait()
            assert await connector.gateway.admission.drained(at_most_s=PATIENCE_S) == 0


@pytest.mark.soak
@pytest.mark.parametrize(
    ("downloads", "mebibytes"),
    [pytest.param(100, 64, id="100 of 64 MiB"), pytest.param(50, 1024, id="50 of 1 GiB")],
)
async def test_many_downloads_are_whole(
    thron: Sandbox, tmp_path: Path, authority: trustme.CA, *, downloads: int, mebibytes: int
) -> None:
    """Many downloads, and as many by TLS, from origins that are killed at random: each whole."""
    blob = RuleBlob(length=mebibytes * MIB, seed=100)
    wanted = digest(blob)
    for is_tls in (False, True):
        # What is refused before its first octet is a matter of retries, not of octets.
        chaos = Chaos(blob, seed=100, begins=True)
        async with chaotic(thron, tmp_path, chaos, authority if is_tls else None) as connector:
            for number in range(downloads):
                async with connector.http.get(connector.url(f"/files/{KIT}")) as response:
                    assert response.status == 200
                    found = sha256()
                    async for chunk in response.content.iter_any():
                        found.update(chunk)
                assert found.hexdigest() == wanted, number
        thron.faults.clear()
        print(f"{downloads} whole of {mebibytes} MiB, TLS {is_tls}: {chaos.broken} breaks")
        assert chaos.broken


async def _as_curl_does(
    connector: Running, url: URL, dice: random.Random, *, length: int
) -> tuple[str, int]:
    """Download as ``curl -C -`` does, killed at random; return the SHA-256, and how often it was.

    A range without If-Range, from where the last one ended.
    """
    found, have, kills = sha256(), 0, 0
    while have < length:
        fields = {"Range": f"bytes={have}-"} if have else {}
        # Mostly in the rest, now and then not any more.
        until = dice.randrange(have, length + length // 4)
        try:
            async with connector.http.get(url, headers=fields) as response:
                if response.status in {502, 503, 504}:  # as with curl --retry
                    kills += 1
                    continue
                assert response.status == (206 if have else 200)
                async for chunk in response.content.iter_any():
                    found.update(chunk)
                    have += len(chunk)
                    if have > until:
                        kills += 1
                        response.close()
                        break
        except aiohttp.ClientError:
            kills += 1
    return found.hexdigest(), kills


@pytest.mark.soak
async def test_killed_downloads_are_whole(
    thron: Sandbox, tmp_path: Path, authority: trustme.CA
) -> None:
    """Whatever carries them, with clients and origins killed at random, and resumed: each whole.

    SOAK_DOWNLOADS and SOAK_MIB in the environment say how many, and of what size.
    """
    downloads = int(os.environ.get("SOAK_DOWNLOADS", "100"))
    blob = RuleBlob(length=int(os.environ.get("SOAK_MIB", "1024")) * MIB, seed=10)
    wanted, dice = digest(blob), random.Random(10)  # noqa: S311 - repeatable mishaps, no secrets
    kills: Counter[str] = Counter()
    left = Counter(dice.choices([*Pump], k=downloads))
    for number, (pump, times) in enumerate(left.items()):
        state = tmp_path / pump
        state.mkdir()
        chaos = Chaos(blob, seed=number, begins=True)
        tls = authority if pump is Pump.DIRECT else None  # nothing crosses in the kernel then
        async with chaotic(thron, state, chaos, tls, pump) as connector:
            url = connector.url(f"/files/{KIT}")
            for _ in range(times):
                came, times_killed = await _as_curl_does(connector, url, dice, length=blob.length)
                assert came == wanted, pump
                kills[pump] += times_killed
        thron.faults.clear()
        print(f"{pump}: {times} whole, {kills[pump]} clients and {chaos.broken} origins killed")
