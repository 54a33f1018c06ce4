"""The catalogue fitted to connectors as they change."""

from collections.abc import AsyncIterator

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.connectors.store import ConnectorStore
from proxy.thron.content import ContentType
from tests.catalogue.entering import FILES, NAMES, SKUS, Catalogue, named, with_sku


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


async def test_what_does_not_matter_changes_nothing(catalogue: Catalogue) -> None:
    """A connector is fitted once, and again only when its shape is another."""
    fingerprints = Fingerprints(catalogue.database)
    assert await fingerprints.fit(NAMES, client_id="acme")
    assert not await fingerprints.fit(NAMES.model_copy(update={"max_age_s": 0}), client_id="acme")
    assert await fingerprints.fit(NAMES.model_copy(update={"subfolders": False}), client_id="acme")


async def test_another_folder_keeps_former_names_unconfirmed(catalogue: Catalogue) -> None:
    """Nothing of the folder before is looked at, nor served unverified; its names are kept."""
    await catalogue.listed(NAMES, named(1, "en:old"))
    await catalogue.listed(NAMES, named(1, "en:new"))
    narrow = NAMES.model_copy(update={"content_types": frozenset({ContentType.OTHER})})
    assert await catalogue.leads_to(narrow, "new", "en") == []
    assert (await catalogue.contents.page(narrow)).total == 0
    assert await catalogue.contents.content(narrow, "id-1") is None
    await Fingerprints(catalogue.database).fit(narrow, client_id="acme")
    record = await catalogue.contents.content(narrow, "id-1")
    assert record is not None
    assert record.confirmed is None
    await catalogue.listed(narrow, named(1, "en:new"))
    assert await catalogue.leads_to(narrow, "old", "en") == ["id-1"]


async def test_other_identifiers_make_other_addresses(catalogue: Catalogue) -> None:
    """No address of before is left when addresses are made of something else."""
    await catalogue.listed(NAMES, with_sku(1, "A"))
    changed = SKUS.model_copy(update={"slug": NAMES.slug})
    await Fingerprints(catalogue.database).fit(changed, client_id="acme")
    assert await catalogue.lines(changed) == []
    await catalogue.listed(changed, with_sku(1, "A"))
    assert await catalogue.lines(changed) == [("id-1", "A", "ok", True)]


async def test_another_tenant_has_nothing(catalogue: Catalogue) -> None:
    """Contents of one tenant are never served for another."""
    await catalogue.listed(NAMES, named(1, "en:a"))
    assert await Fingerprints(catalogue.database).fit(NAMES, client_id="other")
    assert await catalogue.contents.content(NAMES, "id-1") is None


async def test_another_tenant_is_new_to_caches(catalogue: Catalogue) -> None:
    """Credentials changed in the settings too: what caches hold of the tenant before is purged."""
    purges, fingerprints = PurgeStore(catalogue.database), Fingerprints(catalogue.database)
    await fingerprints.fit(NAMES, client_id="acme")
    await fingerprints.fit(NAMES.model_copy(update={"subfolders": False}), client_id="acme")
    assert await purges.since(0) == ()
    for _ in range(2):
        await fingerprints.fit(NAMES, client_id="other")
    ordered = [each.purge for each in await purges.since(0)]
    assert ordered == [Purge(PurgeKind.CONNECTOR, NAMES.slug)]


async def test_removed_connectors_leave_nothing(catalogue: Catalogue) -> None:
    """What is catalogued of a connector goes with it; that of others stays."""
    await catalogue.listed(NAMES, named(1, "en:a"))
    await catalogue.listed(FILES, named(1, "en:a"))
    await Fingerprints(catalogue.database).retain([FILES.slug])
    assert await catalogue.runs.runs(NAMES.slug) == ()
    assert await catalogue.lines(NAMES) == []
    assert len(await catalogue.lines(FILES)) == 1


async def test_a_connector_that_came_back_keeps_its_contents(catalogue: Catalogue) -> None:
    """Whoever read the connectors before does not drop what is theirs again."""
    await catalogue.listed(NAMES, named(1, "en:a"))
    await ConnectorStore(catalogue.database).apply([NAMES], actor="test")
    await Fingerprints(catalogue.database).retain([])
    assert len(await catalogue.lines(NAMES)) == 1
