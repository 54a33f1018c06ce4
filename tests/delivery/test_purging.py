"""A purge makes the running connector ask THRON anew, from whichever process it comes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.addresses import Address
from proxy.errors import UnknownAddress
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.server import Sandbox
from tests.clients.command import Ran, started
from tests.running import Running, by_id, by_name, running
from tests.waiting import PATIENCE_S

HOUR_S = 3600.0


@pytest.fixture
async def lasting(thron: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    """Run connectors that ask THRON once an hour."""
    wanted = by_id(thron), by_name(thron)
    async with running(
        thron, tmp_path, *wanted, resolution_ttl_s=HOUR_S, negative_ttl_s=HOUR_S
    ) as whole:
        yield whole


async def purged(state: Path, *words: str) -> Ran:
    """Run the purge command beside the running connector."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TDC_")}
    environ = {**kept, "STATE_DIRECTORY": str(state)}
    command = [sys.executable, "-m", "proxy", "purge", *words]
    async with started("env", *(f"{n}={t}" for n, t in environ.items()), *command) as process:
        out, err = await process.communicate()
        return Ran(process.returncode or 0, out, err)


async def test_another_process_s_purge(lasting: Running, tmp_path: Path) -> None:
    """An unlinked content is served until its purge, and then no more, in both connectors."""
    content = lasting.thron.tenant.find("strada-sl-film")
    urls = [f"/files/{content.id}", "/media/en/strada-sl-film"]
    assert [(await lasting.get(url)).status for url in urls] == [200, 200]
    lasting.thron.unlink(content.id)
    assert [(await lasting.get(url)).status for url in urls] == [200, 200]
    ran = await purged(tmp_path, "--content", content.id)
    assert (ran.status, ran.err) == (0, b"")
    async with asyncio.timeout(PATIENCE_S):
        while [(await lasting.get(url)).status for url in urls] != [404, 404]:
            pass


@pytest.mark.parametrize(
    ("kind", "value", "forgotten"),
    [
        pytest.param(PurgeKind.ALL, "", {"film by id", "film by name", "poster"}, id="all"),
        pytest.param(PurgeKind.CONNECTOR, "files", {"film by id", "poster"}, id="connector"),
        pytest.param(PurgeKind.CONTENT, "{film}", {"film by id", "film by name"}, id="content"),
        pytest.param(PurgeKind.ADDRESS, "files//{film}", {"film by id"}, id="address"),
        pytest.param(PurgeKind.ADDRESS, "media/en/{film}", set(), id="no such address"),
    ],
)
async def test_what_is_forgotten(
    lasting: Running, kind: PurgeKind, value: str, forgotten: set[str]
) -> None:
    """A purge forgets what it names, and nothing else."""
    film = lasting.thron.tenant.find("strada-sl-film").id
    poster = lasting.thron.tenant.find("press-kit").id
    addresses = {
        "film by id": Address("files", None, film),
        "film by name": Address("media", "en", "strada-sl-film"),
        "poster": Address("files", None, poster),
    }
    for address in addresses.values():
        await _resolve(lasting, address)
    await lasting.tenant.purge(Purge(kind, value.format(film=film)))
    assert {
        name
        for name, address in addresses.items()
        if await _resolve(lasting, address) == "uri-miss"
    } == forgotten


@pytest.mark.parametrize("kind", [each for each in PurgeKind if each is not PurgeKind.CHANGED])
async def test_negatives_are_forgotten(lasting: Running, kind: PurgeKind) -> None:
    """What was not there is found at once after a purge, though it was asked for before."""
    film = lasting.thron.tenant.find("strada-sl-film")
    address = Address("media", "en", "strada-sl-film")
    folder = film.folder_ids[0]
    lasting.thron.unlink(film.id)
    for _ in range(2):
        with pytest.raises(UnknownAddress):
            await _resolve(lasting, address)
    lasting.thron.link(film.id, folder)
    with pytest.raises(UnknownAddress):
        await _resolve(lasting, address)
    values = {"address": address.cache_key, "content": film.id, "connector": "media", "all": ""}
    await lasting.tenant.purge(Purge(kind, values[kind]))
    assert await _resolve(lasting, address) == "uri-miss"


async def test_refusals_are_forgotten(lasting: Running) -> None:
    """A share right that was given is tried at once after a purge."""
    film = lasting.thron.tenant.find("strada-sl-film").id
    lasting.thron.tenant.app.may_share = False
    assert (await lasting.get(f"/files/{film}")).status == 404
    lasting.thron.tenant.app.may_share = True
    assert (await lasting.get(f"/files/{film}")).status == 404
    await lasting.tenant.purge(Purge(PurgeKind.CONTENT, film))
    assert (await lasting.get(f"/files/{film}")).status == 200


async def test_a_question_from_before_counts_no_more(lasting: Running) -> None:
    """What THRON was asked before a purge is neither remembered nor shared after it."""
    address = Address("files", None, lasting.thron.tenant.find("strada-sl-film").id)
    connector = lasting.gateway.watch.connectors.of_slug("files")
    assert connector is not None
    lasting.thron.faults.add(Fault(Kind.STALL, "api"))
    early = asyncio.create_task(lasting.tenant.resolver.resolve(connector, address))
    await lasting.thron.faults.hit.wait()
    await lasting.tenant.purge(Purge(PurgeKind.ALL))
    late = asyncio.create_task(lasting.tenant.resolver.resolve(connector, address))
    lasting.thron.faults.clear()
    newer = (await late).resolution
    assert (await early).resolution is not newer
    after = await lasting.tenant.resolver.resolve(connector, address)
    assert after.resolution is newer


async def _resolve(lasting: Running, address: Address) -> str | None:
    connector = lasting.gateway.watch.connectors.of_slug(address.connector)
    assert connector is not None
    return (await lasting.tenant.resolver.resolve(connector, address)).forwarded
