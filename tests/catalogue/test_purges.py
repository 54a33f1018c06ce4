"""Addresses as texts, and what the catalogue may still say after a purge."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.database import Database
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.purges import Purge, PurgeKind, cache_key
from proxy.connectors.addresses import Address
from tests.catalogue.entering import NAMES, Catalogue, named

_slugs = st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True)
_languages = st.none() | st.from_regex(r"[a-z]{2,3}(-[a-z0-9]{2,4})?", fullmatch=True)
_addresses = st.builds(Address, _slugs, _languages, st.text(min_size=1))


@given(_addresses, _addresses)
def test_each_address_is_spelled_in_its_own_way(one: Address, other: Address) -> None:
    """Two addresses have one key only if they are one."""
    assert (cache_key(one) == cache_key(other)) == (one == other)


def test_slashes_of_a_value_make_no_other_address() -> None:
    """A value that looks like a language and a value stays a value."""
    assert cache_key(Address("skus", None, "en/x")) != cache_key(Address("skus", "en", "x"))


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
