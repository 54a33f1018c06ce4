"""What the catalogue knows: asked first, verified, and served from while THRON cannot answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.connectors.model import Connector, DeliveryMode
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.content import SimulatedContent
from proxy.sandbox.server import Sandbox
from tests.listed import listed
from tests.running import Running, by_id, by_name, by_sku, running

PUBLISHED = DeliveryMode.PUBLISHED
FILM_ID = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
FILE, NAME, SKU = f"/files/{FILM_ID}", "/media/EN/strada-sl-film", "/products/VA-1001-FILM"
PATHS = (FILE, NAME, SKU)


def published(thron: Sandbox) -> tuple[Connector, ...]:
    """Return a connector of each identifier that delivers renditions."""
    return tuple(kind(thron, delivery=PUBLISHED) for kind in (by_id, by_name, by_sku))


@asynccontextmanager
async def catalogued(
    thron: Sandbox, state: Path, *connectors: Connector, **changed: Any
) -> AsyncIterator[Running]:
    """Run connectors whose contents are all in the catalogue, and what the login gave."""
    async with running(thron, state, *connectors, **changed) as connector:
        await listed(connector)
        await connector.tenant.thron.session()
        yield connector


async def test_a_known_address_is_only_verified(thron: Sandbox, tmp_path: Path) -> None:
    """No prettyID and no metadata is looked up; the content is asked for by its id."""
    async with catalogued(thron, tmp_path, *published(thron)) as connector:
        thron.log.clear()
        film = thron.tenant.rendition_of(FILM_ID, "WEBHD")
        for path in PATHS:
            answer = await connector.get(path)
            assert (answer.status, answer.body) == (200, film)
        assert not thron.log.of("api", "findByProperties")
        asked = [entry.body for entry in thron.log.of("api", "content/search")]
        assert len(asked) == 3
        assert all(FILM_ID.encode() in body for body in asked)


async def test_what_the_catalogue_does_not_know_is_asked_of_thron(
    thron: Sandbox, tmp_path: Path
) -> None:
    """A content that is published after the last listing is found all the same."""
    async with catalogued(thron, tmp_path, *published(thron)) as connector:
        thron.tenant.rename(FILM_ID, now=0.0, pretty_ids=(("EN", "brand-new"),))
        assert (await connector.get("/media/en/brand-new")).status == 200
        assert (await connector.get("/media/en/never-heard-of")).status == 404


async def test_known_addresses_have_no_budget(thron: Sandbox, tmp_path: Path) -> None:
    """Questions for unknown addresses do not keep known ones waiting."""
    async with catalogued(thron, tmp_path, *published(thron)) as connector:
        unknown = [connector.get(f"/media/en/unknown-{number}") for number in range(150)]
        answers = asyncio.gather(*unknown)
        assert [(await connector.get(path)).status for path in PATHS] == [200] * 3
        assert {answer.status for answer in await answers} <= {404, 503}


@pytest.mark.parametrize("path", PATHS)
async def test_a_restart_while_thron_is_down(path: str, thron: Sandbox, tmp_path: Path) -> None:
    """Known links work though the process is new and THRON cannot be asked; it is ready."""
    async with catalogued(thron, tmp_path, *published(thron)):
        pass
    thron.api_down = True
    async with running(thron, tmp_path, resolution_ttl_s=1e-6) as connector:
        ready = await connector.get(f"{connector.gateway.public_url}/-/readyz")
        assert ready.status == 200
        film = thron.tenant.rendition_of(FILM_ID, "WEBHD")
        for _ in range(2):
            answer = await connector.get(path)
            assert (answer.status, answer.body) == (200, film)
        assert (await connector.get("/media/en/unknown")).status == 503
        thron.api_down = False
        thron.unlink(FILM_ID)
        await _logged_in(connector)
        assert (await connector.get(path)).status == 404


async def _logged_in(connector: Running) -> None:
    """Wait until the connector talks with THRON again."""
    while True:
        answer = await connector.get("/files/00000000-0000-4000-8000-000000000000")
        if answer.status == 404:
            return
        await asyncio.sleep(0.05)


async def test_stale_for_so_long_only(thron: Sandbox, tmp_path: Path) -> None:
    """What THRON has not confirmed for TDC_STALE_IF_ERROR_S is not served without its word."""
    async with catalogued(thron, tmp_path, *published(thron)):
        pass
    thron.api_down = True
    async with running(thron, tmp_path, stale_if_error_s=0.001) as connector:
        assert [(await connector.get(path)).status for path in PATHS] == [503] * 3


async def test_thron_that_stalls(thron: Sandbox, tmp_path: Path) -> None:
    """A new process waits for THRON's word a few seconds, not for ever."""
    async with catalogued(thron, tmp_path, *published(thron)):
        pass
    thron.faults.stall_after(0, where="login", times=None)
    async with running(thron, tmp_path) as connector:
        assert (await connector.get(FILE)).status == 200
        thron.faults.clear()


async def test_unlinked_contents_are_not_served(thron: Sandbox, tmp_path: Path) -> None:
    """The catalogue's word counts only until THRON says otherwise."""
    async with catalogued(thron, tmp_path, *published(thron)) as connector:
        thron.unlink(FILM_ID)
        assert [(await connector.get(path)).status for path in PATHS] == [404] * 3
        thron.api_down = True
        assert [(await connector.get(path)).status for path in PATHS] == [404] * 3


async def test_a_narrower_connector_serves_nothing_of_before(
    thron: Sandbox, tmp_path: Path
) -> None:
    """Contents of the folder before are not served while THRON cannot say whether they belong."""
    async with catalogued(thron, tmp_path, by_id(thron, delivery=PUBLISHED)) as connector:
        (found,) = connector.gateway.watch.connectors.all
        narrow = type(found)(
            slug=found.slug,
            folder=found.folder,
            folder_id=found.folder_id,
            identifier=found.identifier,
            delivery=found.delivery,
            subfolders=False,
        )
        await ConnectorStore(connector.gateway.context.database).apply([narrow], actor="test")
        await connector.gateway.watch.refresh()
        thron.api_down = True
        assert (await connector.get(FILE)).status == 503
        await connector.gateway.sync.tick()
        assert (await connector.get(FILE)).status == 503


async def test_a_former_name_outlives_a_restart(thron: Sandbox, tmp_path: Path) -> None:
    """A renamed content is served under its old prettyID, with a link to the new one."""
    async with catalogued(thron, tmp_path, by_name(thron, delivery=PUBLISHED)) as connector:
        thron.tenant.rename(FILM_ID, now=0.0, pretty_ids=(("EN", "renamed-film"),))
        await listed(connector)
    for is_down in (False, True):
        thron.api_down = is_down
        async with running(thron, tmp_path) as connector:
            answer = await connector.get(NAME)
            assert answer.status == 200
            assert "/media/en/renamed-film" in answer.fields["Link"]
            assert 'rel="canonical"' in answer.fields["Link"]


async def test_a_name_taken_by_another_content(thron: Sandbox, tmp_path: Path) -> None:
    """A current prettyID beats a former one, though the catalogue does not know it yet."""
    async with catalogued(thron, tmp_path, by_name(thron)) as connector:
        thron.tenant.rename(FILM_ID, now=0.0, pretty_ids=(("EN", "renamed-film"),))
        await listed(connector)
        other = next(each.id for each in thron.tenant.contents() if _is_document(thron, each))
        thron.tenant.rename(other, now=0.0, pretty_ids=(("EN", "strada-sl-film"),))
        assert (await connector.get(NAME)).body == thron.tenant.bytes_of(other)


def _is_document(thron: Sandbox, content: SimulatedContent) -> bool:
    is_out = content.status == "PUBLISHED" and content.shareable and thron.tenant.sees(content)
    return is_out and content.content_type == "OTHER" and content.version.source.length < 10**6


async def test_an_image_goes_on_while_its_new_version_is_made(
    thron: Sandbox, tmp_path: Path
) -> None:
    """THRON lists no channel of an image; what was published stays so in between."""
    thron.switches.image_channels = ()
    async with catalogued(thron, tmp_path, by_id(thron), resolution_ttl_s=1e-6) as connector:
        image = next(
            each
            for each in thron.tenant.contents()
            if each.content_type == "IMAGE"
            and thron.tenant.sees(each)
            and each.shareable
            and each.status == "PUBLISHED"
        )
        path = f"/files/{image.id}"
        thron.tenant.change(image.id, now=0.0, status="PUBLISH_IN_PROGRESS", channels=())
        assert (await connector.get(path)).status == 200
        await listed(connector)
        assert (await connector.get(path)).status == 200
        thron.tenant.change(image.id, now=0.0, status="READY", channels=())
        assert (await connector.get(path)).status == 404


async def test_the_oldest_content_has_a_shared_value(thron: Sandbox, tmp_path: Path) -> None:
    """Of contents with one metadata value the one created first is served, and known as such."""
    async with catalogued(thron, tmp_path, by_sku(thron)) as connector:
        (found,) = connector.gateway.watch.connectors.all
        collisions = await connector.gateway.contents.collisions(found)
        assert collisions
        for collision in collisions:
            first, *_ = collision.lines
            answer = await connector.get(f"/products/{collision.value}")
            assert answer.body == thron.tenant.bytes_of(first.content_id)


async def test_a_broken_catalogue_is_no_broken_download(thron: Sandbox, tmp_path: Path) -> None:
    """Where the catalogue is empty THRON alone is asked, as before."""
    async with running(thron, tmp_path, *published(thron)) as connector:
        assert [(await connector.get(path)).status for path in PATHS] == [200] * 3
