"""Which contents are public, and under which addresses, where a tenant is strict or odd."""

from pathlib import Path
from typing import Any

import pytest

from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import Selection
from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox, Switches
from tests.listed import listed
from tests.running import Running, by_id, by_name, by_sku, running
from tests.waiting import until

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
FILE, NAME, SKU = f"/files/{FILM}", "/media/en/strada-sl-film", "/products/VA-1001-FILM"
PATHS = (FILE, NAME, SKU)
ORIGINAL, PUBLISHED = DeliveryMode.ORIGINAL, DeliveryMode.PUBLISHED
UNFINISHED = [other for name, other in Switches.flips() if name == "unfinished_channel"]


async def statuses(connector: Running, *paths: str) -> list[int]:
    """Ask for some addresses."""
    return [(await connector.get(path)).status for path in paths]


@pytest.mark.parametrize("mode", DeliveryMode)
async def test_one_channel_that_is_not_finished(
    thron: Sandbox, mode: DeliveryMode, tmp_path: Path
) -> None:
    """It hides nothing: what is on another channel is public."""
    wanted = [kind(thron, delivery=mode) for kind in (by_id, by_name, by_sku)]
    async with running(thron, tmp_path, *wanted, resolution_ttl_s=1e-6) as connector:
        for state in UNFINISHED:
            thron.switches.unfinished_channel = state
            assert await statuses(connector, *PATHS) == [200, 200, 200]
        await listed(connector)
        found = connector.gateway.watch.connectors.all[0]
        tally = await connector.gateway.contents.tally(found)
        assert tally.by_status[AddressStatus.OK] > 20


async def test_a_content_that_is_being_prepared(thron: Sandbox, tmp_path: Path) -> None:
    """A rendition may come, so it is waited for; an original is public when THRON says so."""
    thron.set_channels(FILM, WEB="PACKAGED", WEBHD="PUBLISHING_INPROGRESS")
    wanted = [kind(thron, delivery=PUBLISHED) for kind in (by_id, by_name, by_sku)]
    originals = by_id(thron, "originals")
    async with running(
        thron, tmp_path, *wanted, originals, negative_ttl_s=0.05, resolution_ttl_s=0.05
    ) as connector:
        for path in PATHS:
            answer = await connector.get(path)
            assert (answer.status, answer.fields["Retry-After"]) == (503, "60")
            assert "no-store" in answer.fields["Cache-Control"]
        assert await statuses(connector, f"/originals/{FILM}") == [404]
        thron.set_channels(FILM, WEB="PACKAGED", WEBHD="PUBLISHED")

        async def are_served() -> bool:
            return await statuses(connector, *PATHS, f"/originals/{FILM}") == [200] * 4

        await until(are_served)


async def test_what_is_being_prepared_is_asked_for_once(thron: Sandbox, tmp_path: Path) -> None:
    """However often it is asked for: it takes nothing of what others may ask."""
    thron.set_channels(FILM, WEBHD="PUBLISHING_INPROGRESS")
    async with running(thron, tmp_path, by_id(thron, delivery=PUBLISHED)) as connector:
        await connector.get(FILE)
        asked = len(thron.log.of("api", "search"))
        assert await statuses(connector, *[FILE] * 5) == [503] * 5
        assert len(thron.log.of("api", "search")) == asked


async def test_all_that_is_linked(thron: Sandbox, tmp_path: Path) -> None:
    """Without "only published" the folder alone decides, and drafts are public too."""
    thron.unpublish(FILM, status="DRAFT")
    published = [kind(thron) for kind in (by_id, by_name, by_sku)]
    everything = [
        kind(thron, f"all-{kind.__name__.replace('_', '-')}", only_published=False)
        for kind in (by_id, by_name, by_sku)
    ]
    async with running(thron, tmp_path, *published, *everything) as connector:
        assert await statuses(connector, *PATHS) == [404, 404, 404]
        paths = [f"/all-by-id/{FILM}", "/all-by-name/en/strada-sl-film", "/all-by-sku/VA-1001-FILM"]
        assert await statuses(connector, *paths) == [200, 200, 200]


@pytest.mark.parametrize("status", ["400 text", "403 text"])
async def test_unknown_names_that_are_refused(status: Any, tmp_path: Path) -> None:
    """THRON's refusal to look something up is no failure of the gateway: it is not there."""
    odd = Switches(
        unknown_pretty_id_as=status,
        unknown_value_as=status,
        search_unknown_ids_refused=True,
    )
    async with Sandbox(switches=odd) as thron:
        wanted = by_id(thron), by_name(thron), by_sku(thron)
        async with running(thron, tmp_path, *wanted) as connector:
            assert await statuses(connector, *PATHS) == [200, 200, 200]
            unknown = "/files/never-heard-of", "/media/en/never-heard-of", "/products/never"
            assert await statuses(connector, *unknown) == [404, 404, 404]


async def test_a_tenant_that_finds_nothing_by_name(thron: Sandbox, tmp_path: Path) -> None:
    """What the catalogue knows is served all the same; the rest is not there."""
    thron.switches.pretty_id_lookup_refused = True
    async with running(thron, tmp_path, by_name(thron)) as connector:
        await listed(connector)
        assert await statuses(connector, NAME, "/media/en/never-heard-of") == [200, 404]


async def test_a_language_with_its_region(thron: Sandbox, tmp_path: Path) -> None:
    """``en_US`` answers under ``en`` too, before and after the folder was listed."""
    thron.switches.pretty_id_with_region = True
    async with running(thron, tmp_path, by_name(thron)) as connector:
        paths = NAME, "/media/en_us/strada-sl-film", "/media/EN_US/strada-sl-film"
        assert await statuses(connector, *paths, "/media/de/strada-sl-film") == [200, 200, 200, 404]
        await listed(connector)
        assert await statuses(connector, *paths) == [200, 200, 200]
        (found,) = connector.gateway.watch.connectors.all
        page = await connector.gateway.contents.page(found, Selection(content_id=FILM))
        shown = {(line.language, line.is_shortened, line.serves) for line in page.lines}
        assert {("en", True, True), ("en_us", False, True)} <= shown


async def test_a_shortened_language_of_two_contents(thron: Sandbox, tmp_path: Path) -> None:
    """Nobody could say which of them is meant, so neither is; each keeps its own address."""
    other = thron.tenant.find("strada-sl-manual").id
    thron.tenant.change(FILM, now=0.0, pretty_ids=(("en_US", "same"),))
    thron.tenant.change(other, now=0.0, pretty_ids=(("en_GB", "same"), ("it", "altro")))
    async with running(thron, tmp_path, by_name(thron)) as connector:
        await listed(connector)
        paths = "/media/en_us/same", "/media/en_gb/same", "/media/it/altro"
        assert await statuses(connector, *paths) == [200, 200, 200]
        (found,) = connector.gateway.watch.connectors.all
        collisions = await connector.gateway.contents.collisions(found)
        (rivals,) = (each.lines for each in collisions if each.value == "same")
        assert [(line.language, line.serves) for line in rivals] == [("en", False)] * 2
        thron.tenant.change(other, now=1.0, pretty_ids=(("en", "same"),))
        await listed(connector)
        collisions = await connector.gateway.contents.collisions(found)
        (rivals,) = (each.lines for each in collisions if each.value == "same")
        assert [(line.content_id, line.serves) for line in rivals] == [(FILM, False)]
        assert (await connector.get("/media/en/same")).body == thron.tenant.bytes_of(other)
