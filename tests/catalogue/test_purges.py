"""What the catalogue may still say after a purge."""

from collections.abc import AsyncIterator

import pytest

from proxy.catalogue.database import Database
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.connectors.addresses import Address, cache_key
from tests.catalogue.entering import NAMES, Catalogue, named

ONE, TWO = Address("names", "en", "one"), Address("names", "en", "two")


@pytest.fixture
async def catalogue(database_url: str) -> AsyncIterator[Catalogue]:
    async with Database.open(database_url) as database:
        found = Catalogue(database)
        await found.listed(NAMES, named(1, "en:one"), named(2, "en:two"))
        yield found


@pytest.mark.parametrize(
    ("purge", "doubted"),
    [
        pytest.param(Purge(PurgeKind.ALL), [True, True], id="all"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "names"), [True, True], id="connector"),
        pytest.param(Purge(PurgeKind.CONNECTOR, "other"), [False, False], id="another connector"),
        pytest.param(Purge(PurgeKind.CONTENT, "id-1"), [True, False], id="content"),
        pytest.param(Purge(PurgeKind.ADDRESS, cache_key(TWO)), [False, True], id="address"),
    ],
)
async def test_doubt(catalogue: Catalogue, purge: Purge, doubted: list[bool]) -> None:
    """What was purged is not served unverified until a listing has shown it again."""
    await catalogue.database.purge(purge, actor="test")
    assert [await _is_doubted(catalogue, each) for each in (ONE, TWO)] == doubted
    await catalogue.listed(NAMES, named(1, "en:one"), named(2, "en:two"))
    assert [await _is_doubted(catalogue, each) for each in (ONE, TWO)] == [False, False]


async def _is_doubted(catalogue: Catalogue, address: Address) -> bool:
    known = KnownContents(catalogue.database, now=catalogue.now)
    (found,) = await known.of(NAMES, address)
    return found.age_s is None
