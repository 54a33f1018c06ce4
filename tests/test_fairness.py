"""Clients by their addresses, and their shares in constant time."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.fairness import Shares, client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("::ffff:192.0.2.1", "192.0.2.1", id="IPv4 within IPv6"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="IPv6"),
        pytest.param("2001:db8:1:2:ffff::", "2001:db8:1:2::/64", id="IPv6 of the same subscriber"),
        pytest.param("fe80::1%eth0", "fe80::/64", id="IPv6 with a zone"),
        pytest.param("", "", id="no address"),
    ],
)
def test_client_of(address: str, client: str) -> None:
    """IPv4 counts by the address, IPv6 by its /64."""
    assert client_of(address) == client


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.booleans()), max_size=60))
def test_shares(steps: list[tuple[str, bool]]) -> None:
    """Whatever comes and goes, counts and the highest are those of a plain count."""
    shares, plain = Shares(), Counter[str]()
    for client, is_more in steps:
        if is_more:
            shares.change(client, 1)
            plain[client] += 1
        elif plain[client]:
            shares.change(client, -1)
            plain[client] -= 1
        plain = +plain
        assert (shares.total, shares.clients) == (plain.total(), len(plain))
        assert shares.highest == max(plain.values(), default=0)
        most = shares.most_numerous()
        assert (most is None) == (not plain)
        assert most is None or shares.of(most) == shares.highest


def test_the_first_of_equals() -> None:
    """Of clients with equally many, the one that has had them the longest is named."""
    shares = Shares()
    for client in "abb":
        shares.change(client, 1)
    shares.change("a", 1)
    assert shares.most_numerous() == "b"
