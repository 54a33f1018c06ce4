"""What an address led to by the last listings."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.known_contents import KnownContents
from proxy.connectors.addresses import Address
from proxy.connectors.identifiers import claims
from proxy.thron.content import PrettyId
from tests.catalogue.entering import NAMES, SKUS, Catalogue, content, named, with_sku


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


async def test_a_known_content_is_enough_to_deliver_it(catalogue: Catalogue) -> None:
    """It has its type, names, channels and claims, and tells when THRON last said so."""
    await catalogue.listed(SKUS, with_sku(1, "A", "B"))
    catalogue.at += timedelta(seconds=30)
    known = KnownContents(catalogue.database, now=catalogue.now)
    (found,) = await known.of(SKUS, Address("skus", None, "B"))
    assert (found.is_current, found.age_s) == (True, 30.0)
    assert {each.value for each in claims(SKUS, found.content)} == {"A", "B"}
    assert found.content.channels == ("WEB",)
    assert found.content.file_name == "file-1.pdf"


async def test_a_former_name_knows_the_current_one(catalogue: Catalogue) -> None:
    """Of a renamed content the prettyID of now is known, for the canonical link."""
    await catalogue.listed(NAMES, named(1, "en:old"))
    await catalogue.listed(NAMES, named(1, "en:new"))
    known = KnownContents(catalogue.database, now=catalogue.now)
    (found,) = await known.of(NAMES, Address("names", "en", "old"))
    assert not found.is_current
    assert found.content.pretty_ids == (PrettyId("en", "new"),)
    assert await known.of(NAMES, Address("names", "it", "old")) == ()
    assert await known.of(NAMES, Address("names", "en", "OLD")) == ()


async def test_what_is_not_confirmed_has_no_age(catalogue: Catalogue) -> None:
    """After a change of the connector nothing counts until a listing has shown it."""
    await catalogue.listed(NAMES, named(1, "en:a"))
    changed = NAMES.model_copy(update={"subfolders": False})
    await Fingerprints(catalogue.database).fit(changed, client_id="acme")
    known = KnownContents(catalogue.database, now=catalogue.now)
    assert await known.of(NAMES, Address("names", "en", "a")) == ()
    (found,) = await known.of(changed, Address("names", "en", "a"))
    assert found.age_s is None


async def test_was_published(catalogue: Catalogue) -> None:
    """It is known whether a content was published when it was last settled."""
    known = KnownContents(catalogue.database, now=catalogue.now)
    assert not await known.was_published(NAMES, "id-1")
    await catalogue.listed(NAMES, content(1), content(2, status="READY", channels=()))
    assert await known.was_published(NAMES, "id-1")
    assert not await known.was_published(NAMES, "id-2")
    await catalogue.listed(NAMES)
    assert not await known.was_published(NAMES, "id-1")


async def test_has_any(catalogue: Catalogue) -> None:
    """There is something to serve as soon as one address leads somewhere."""
    known = KnownContents(catalogue.database, now=catalogue.now)
    assert not await known.has_any()
    await catalogue.listed(NAMES, named(1))
    assert not await known.has_any()
    await catalogue.listed(NAMES, named(1, "en:a"))
    assert await known.has_any()
