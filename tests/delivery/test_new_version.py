"""A new version, an unlinked and an unpublished content take effect at the same URL."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from proxy.connectors.model import DeliveryMode
from proxy.sandbox.server import Sandbox
from tests.logs import logged
from tests.running import Answer, Running, by_id, by_name, by_sku, running
from tests.waiting import until

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
# Long enough for several requests within it, short enough to be waited for.
TTL_S = 0.15
NEW = b"another film" * 1000


@dataclass(frozen=True, slots=True)
class Watched:
    """A content behind one address of each identifier, in one delivery mode."""

    connector: Running
    paths: tuple[str, ...] = (
        f"/files/{FILM}/x.mp4",
        "/media/EN/strada-sl-film/x.mp4",
        "/products/VA-1001-FILM",
    )

    async def answers(self) -> list[Answer]:
        """Ask for every address."""
        return [await self.connector.get(path) for path in self.paths]

    async def until_all(self, status: int, body: bytes | None = None) -> None:
        """Ask until every address answers so; meanwhile each gives what was or what is."""

        async def are_all() -> bool:
            answers = await self.answers()
            assert {answer.status for answer in answers} <= {200, 404}
            return all(
                answer.status == status and body in {None, answer.body} for answer in answers
            )

        await until(are_all)


@pytest.fixture(params=DeliveryMode)
async def film(
    request: pytest.FixtureRequest, thron: Sandbox, tmp_path: Path
) -> AsyncIterator[Watched]:
    wanted = [kind(thron, delivery=request.param) for kind in (by_id, by_name, by_sku)]
    async with running(
        thron, tmp_path, *wanted, resolution_ttl_s=TTL_S, negative_ttl_s=TTL_S
    ) as connector:
        watched = Watched(connector)
        assert {answer.status for answer in await watched.answers()} == {200}
        yield watched


@pytest.mark.parametrize("old_static_life_s", [60.0, 0.0])
async def test_a_new_version(film: Watched, old_static_life_s: float) -> None:
    """The same URLs give the new bytes, whether or not the old ones are still there."""
    film.connector.thron.switches.old_static_life_s = old_static_life_s
    film.connector.thron.publish_new_version(FILM, NEW)
    await film.until_all(200, NEW)
    ranged = await film.connector.get(film.paths[0], Range="bytes=-4")
    assert (ranged.status, ranged.body) == (206, b"film")


async def test_a_new_version_makes_old_validators_stale(film: Watched) -> None:
    """The old entity-tag is no 304 any more once the new version is out."""
    path = film.paths[0]
    tag = (await film.connector.get(path)).fields["ETag"]
    assert (await film.connector.get(path, If_None_Match=tag)).status == 304
    film.connector.thron.publish_new_version(FILM, NEW)
    await film.until_all(200, NEW)
    assert (await film.connector.get(path, If_None_Match=tag)).status == 200


async def test_an_unlinked_content(film: Watched) -> None:
    """Out of the folder is out of its addresses, although THRON delivers it by URL still."""
    folders = film.connector.thron.tenant.find(FILM).folder_ids
    film.connector.thron.unlink(FILM)
    await film.until_all(404)
    for folder_id in folders:
        film.connector.thron.tenant.link(FILM, folder_id, now=time.time())
    await film.until_all(200)


async def test_an_unpublished_content(film: Watched) -> None:
    """Off its channels is off its addresses, in both modes."""
    film.connector.thron.unpublish(FILM, status="DRAFT")
    await film.until_all(404)
    film.connector.thron.publish(FILM)
    await film.until_all(200)


async def test_a_range_of_a_version_that_is_not_known_yet(thron: Sandbox, tmp_path: Path) -> None:
    """Within the TTL, too, the last octets and the open end are those of what is sent."""
    thron.switches.source_by = "bytes"
    async with running(thron, tmp_path, by_id(thron)) as connector:
        length = len((await connector.get(f"/files/{FILM}")).body)
        new = bytes(range(251)) * (length // 100)
        thron.publish_new_version(FILM, new)
        last = await connector.get(f"/files/{FILM}", Range="bytes=-4")
        assert (last.status, last.body) == (206, new[-4:])
        thron.publish_new_version(FILM, new + b"more")
        rest = await connector.get(f"/files/{FILM}", Range="bytes=4-")
        assert (rest.status, rest.body) == (206, new[4:] + b"more")


async def test_another_content_at_the_address(thron: Sandbox, tmp_path: Path) -> None:
    """Where the origin's 404 tells that the address is another's, all of the answer is of that."""
    thron.switches.old_static_life_s = 0.0
    other = thron.tenant.find("press-kit")
    connector = by_name(thron, delivery=DeliveryMode.PUBLISHED)
    async with running(
        thron, tmp_path, connector, resolution_ttl_s=3600.0, negative_ttl_s=1e-6
    ) as whole:
        path = "/media/en/strada-sl-film"
        assert (await whole.get(path)).status == 200
        own = await whole.get("/media/en/press-kit")
        thron.unpublish(FILM, status="DRAFT")
        thron.tenant.rename(FILM, now=0.0, pretty_ids=(("EN", "withdrawn"),))
        thron.tenant.rename(other.id, now=0.0, pretty_ids=(("EN", "strada-sl-film"),))
        with logged() as log:
            answer = await whole.get(path)
            record = await log.wait("download")
        assert (answer.status, answer.body) == (200, own.body)
        assert record["content_id"] == other.id
        for name in ("Content-Type", "Content-Disposition", "Cache-Tag", "ETag"):
            assert answer.fields.get(name) == own.fields.get(name)
