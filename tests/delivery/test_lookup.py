"""Which content an address names, by THRON's word."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.delivery.lookup import Lookup
from proxy.errors import ThronFailed
from proxy.sandbox.server import Sandbox
from proxy.thron.content import ContentType
from tests.running import by_id, by_name, by_sku, running
from tests.waiting import PATIENCE_S

FILM = "b68d7e9f-7488-4ff1-bdfe-3af6768a631f"
LAUNCH = "c3560efe-9bc2-418d-bc0e-38b362d82733"  # the folder it is in, four levels down


@pytest.fixture
async def connectors() -> dict[str, Connector]:
    return {}


@pytest.fixture
async def lookup(
    thron: Sandbox, tmp_path: Path, connectors: dict[str, Connector]
) -> AsyncIterator[Lookup]:
    wanted = by_id(thron), by_name(thron), by_sku(thron)
    async with running(thron, tmp_path, *wanted) as connector:
        connectors |= {each.slug: each for each in connector.gateway.watch.connectors.all}
        made = Lookup(connector.tenant.thron, connector.tenant.search, longest_s=PATIENCE_S)
        yield made
        await made.aclose()


@pytest.mark.parametrize(
    ("slug", "language", "value"),
    [("files", None, FILM), ("media", "it", "film-strada-sl"), ("products", None, "VA-1001-FILM")],
)
async def test_found_by_each_identifier(
    lookup: Lookup,
    connectors: dict[str, Connector],
    slug: str,
    language: str | None,
    value: str,
) -> None:
    """The same content, however it is named; the other way round nothing."""
    found = await lookup.find(connectors[slug], Address(slug, language, value))
    assert found is not None
    assert found.id == FILM
    assert await lookup.find(connectors[slug], Address(slug, language, value + "x")) is None


async def test_a_language_is_part_of_the_name(
    lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """A prettyID of another language is another address."""
    wrong = Address("media", "en", "film-strada-sl")
    assert await lookup.find(connectors["media"], wrong) is None


async def test_membership_is_by_folder_type_and_state(
    thron: Sandbox, lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """Out of the folder, of another type or unpublished is not there."""
    connector = connectors["files"]
    assert await lookup.members(connector, [FILM])
    for other in (
        connector.model_copy(update={"folder_id": LAUNCH}),
        connector.model_copy(update={"folder_id": LAUNCH, "subfolders": False}),
    ):
        assert await lookup.members(other, [FILM])
    for other in (
        connector.model_copy(update={"subfolders": False}),
        connector.model_copy(update={"content_types": frozenset({ContentType.IMAGE})}),
    ):
        assert not await lookup.members(other, [FILM])
    thron.unpublish(FILM)
    assert not await lookup.members(connector, [FILM])


async def test_ids_that_wait_together_are_one_question(
    thron: Sandbox, lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """The first goes alone; whatever comes meanwhile goes with the next, up to fifty."""
    ids = [content.id for content in thron.tenant.contents()]
    thron.log.clear()
    found = await asyncio.gather(*[lookup.members(connectors["files"], [each]) for each in ids])
    assert sum(map(len, found)) > 20
    assert len(thron.log.of("api", "search")) <= 1 + -(-len(ids) // 50)


async def test_an_id_that_thron_fails_at_fails_alone(
    thron: Sandbox, lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """Those that are asked for together with it are found all the same."""
    ids = [content.id for content in thron.tenant.contents()]
    thron.switches.exception_ids = (FILM,)
    asked = [lookup.members(connectors["files"], [each]) for each in ids]
    found = dict(zip(ids, await asyncio.gather(*asked, return_exceptions=True), strict=True))
    assert isinstance(found.pop(FILM), ThronFailed)
    assert [each for each in found.values() if isinstance(each, BaseException)] == []


async def test_the_oldest_of_several_wins(
    thron: Sandbox, lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """One metadata value of two contents leads to the one that was there first."""
    values: dict[str, list[str]] = {}
    for content in thron.tenant.contents():
        for _, key, _, value in content.imetadata:
            if key == "sku" and content.status == "PUBLISHED" and thron.tenant.sees(content):
                values.setdefault(value, []).append(content.id)
    shared = {value: ids for value, ids in values.items() if len(ids) > 1}
    assert shared
    for value, ids in shared.items():
        found = await lookup.find(connectors["products"], Address("products", None, value))
        contents = [thron.tenant.find(each) for each in ids]
        oldest = min(contents, key=lambda content: (content.creation_date, content.id))
        assert found is not None
        assert found.id == oldest.id


async def test_anywhere_explains(
    thron: Sandbox, lookup: Lookup, connectors: dict[str, Connector]
) -> None:
    """What is unpublished is found for the operator, and for nobody else."""
    thron.unpublish(FILM)
    for slug, language, value in (
        ("files", None, FILM),
        ("media", "en", "strada-sl-film"),
        ("products", None, "VA-1001-FILM"),
    ):
        address = Address(slug, language, value)
        assert await lookup.find(connectors[slug], address) is None
        found = await lookup.anywhere(connectors[slug], address)
        assert found is not None
        assert found.id == FILM
