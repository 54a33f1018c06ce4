"""Addresses as texts."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.purges import cache_key
from proxy.connectors.addresses import Address

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
