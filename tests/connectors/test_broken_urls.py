"""Which URLs a change breaks, by the catalogue."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from proxy.catalogue.database import Database
from proxy.connectors.broken_urls import broken_urls
from proxy.connectors.changes import BrokenUrls, Reason, ReasonCount, break_reasons
from proxy.connectors.model import Connector, Identifier
from proxy.thron.content import ContentType
from tests.catalogue.entering import NAMES, Catalogue, content, named, with_sku

BASE = "https://dl.example.com"
NO_DOCUMENTS = frozenset({ContentType.IMAGE})


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        yield Catalogue(database)


async def broken(
    catalogue: Catalogue, old: Connector, new: Connector | None, held: str = ""
) -> BrokenUrls:
    return await broken_urls(
        catalogue.database, old, new, base=BASE, holds=lambda content_id: content_id in held.split()
    )


CHANGES = [
    pytest.param({"enabled": False}, Reason.DISABLED, id="switched off"),
    pytest.param({"host": "media.example.com"}, Reason.HOST, id="another host"),
    pytest.param({"identifier": Identifier.CONTENT_ID}, Reason.IDENTIFIER, id="identifier"),
    pytest.param({"content_types": NO_DOCUMENTS}, Reason.TYPE, id="without documents"),
    pytest.param({"folder_id": "other"}, Reason.FOLDER, id="another folder"),
    pytest.param({"subfolders": False}, Reason.FOLDER, id="without folders below"),
]


@pytest.mark.parametrize(("change", "reason"), CHANGES)
async def test_all_break(catalogue: Catalogue, change: dict[str, Any], reason: Reason) -> None:
    """Every URL that works is told, with the reason: of all languages, and former ones."""
    await catalogue.listed(NAMES, named(1, "en:old", "it:vecchio"))
    await catalogue.listed(NAMES, named(1, "en:new", "it:vecchio"))
    found = await broken(catalogue, NAMES, NAMES.model_copy(update=change))
    assert (found.total, found.by_reason) == (3, (ReasonCount(reason, 3),))
    assert {each.url for each in found.sample} == {
        f"{BASE}/names/en/new",
        f"{BASE}/names/en/old",
        f"{BASE}/names/it/vecchio",
    }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"force_https": True}, id="forcing HTTPS"),
        pytest.param({"max_age_s": 1, "robots": "noindex"}, id="caching"),
        pytest.param({"delivery": "published"}, id="delivery"),
    ],
)
async def test_nothing_breaks(catalogue: Catalogue, change: dict[str, Any]) -> None:
    """What changes no address and no reach breaks nothing."""
    await catalogue.listed(NAMES, content(1))
    assert not break_reasons(NAMES, NAMES.model_copy(update=change))
    assert (await broken(catalogue, NAMES, NAMES.model_copy(update=change))).total == 0


async def test_only_some_break(catalogue: Catalogue) -> None:
    """Of several contents those are told that are of lost types, or outside the new folder."""
    await catalogue.listed(
        NAMES, named(1, "en:a"), named(2, "en:b"), named(3, "en:c", content_type="IMAGE")
    )
    new = NAMES.model_copy(
        update={"folder_id": "other", "content_types": frozenset(ContentType) - {"OTHER"}}
    )
    found = await broken(catalogue, NAMES, new, held="id-1 id-2")
    assert found.by_reason == (ReasonCount(Reason.TYPE, 2), ReasonCount(Reason.FOLDER, 1))
    new = NAMES.model_copy(update={"folder_id": "other"})
    assert [
        each.url for each in (await broken(catalogue, NAMES, new, held="id-1 id-2")).sample
    ] == [f"{BASE}/names/en/c"]


async def test_what_is_not_published_breaks(catalogue: Catalogue) -> None:
    """Where drafts were public, their URLs are told, and no others."""
    everything = NAMES.model_copy(update={"only_published": False})
    await catalogue.listed(
        everything, named(1, "en:public"), named(2, "en:draft", status="DRAFT", channels=())
    )
    assert (await broken(catalogue, NAMES, everything)).total == 0
    found = await broken(catalogue, everything, NAMES)
    assert found.by_reason == (ReasonCount(Reason.UNPUBLISHED, 1),)
    assert [each.url for each in found.sample] == [f"{BASE}/names/en/draft"]


async def test_what_does_not_work_cannot_break(catalogue: Catalogue) -> None:
    """Removal tells of no URL that leads nowhere, and of a shared one once."""
    skus = NAMES.model_copy(
        update={
            "slug": "skus",
            "identifier": Identifier.METADATA,
            "metadata": "sku",
            "classification_id": "c",
        }
    )
    await catalogue.listed(
        skus,
        with_sku(1, "same"),
        with_sku(2, "same"),
        with_sku(3),
        with_sku(4, "hidden", status="UNPUBLISHED", channels=()),
        with_sku(5, "a b"),
    )
    found = await broken(catalogue, skus, None)
    assert {each.url for each in found.sample} == {f"{BASE}/skus/same", f"{BASE}/skus/a%20b"}
    assert found.by_reason == (ReasonCount(Reason.REMOVED, 2),)
    assert (await broken(catalogue, skus.model_copy(update={"enabled": False}), None)).total == 0
    other = skus.model_copy(update={"metadata": "ean"})
    assert (await broken(catalogue, skus, other)).by_reason == (ReasonCount(Reason.METADATA, 2),)


async def test_many(catalogue: Catalogue) -> None:
    """However many break, all are counted and the first are told."""
    await catalogue.listed(NAMES, *(named(number, f"en:n{number}") for number in range(1100)))
    found = await broken(catalogue, NAMES, None)
    assert (found.total, len(found.sample)) == (1100, 20)
