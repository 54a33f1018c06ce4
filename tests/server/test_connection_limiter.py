"""Which connection gives way to which."""

from ipaddress import ip_network

import pytest

from proxy.semantics.forwarded import TrustedProxies
from proxy.server.connection_limiter import ConnectionLimiter, OpenConnection
from tests.logs import logged

PROXY = "10.0.0.1"


class Listener:
    """Opens connections at a limiter, and notes what is closed."""

    def __init__(self, most: int) -> None:
        self.reasons: list[str] = []
        self.ended: list[str] = []
        self.now = 0.0
        self.limiter = ConnectionLimiter(
            most=most,
            trusted=TrustedProxies([ip_network(f"{PROXY}/32")]),
            count=self.reasons.append,
            now=lambda: self.now,
        )

    def open(self, address: str, name: str = "") -> OpenConnection:
        """Open a connection; its name is noted when it is closed."""
        place = self.limiter.opened(address)
        assert place is not None
        place.abort = lambda: self.ended.append(name or address)
        return place


def test_most_numerous_address_gives_way() -> None:
    """A crowd of one address closes its own, longest idle first; others keep theirs."""
    listener = Listener(most=4)
    listener.open("192.0.2.9")
    for number in range(10):
        listener.open("192.0.2.1", str(number))
    listener.open("192.0.2.8")
    assert listener.ended == [str(number) for number in range(8)]
    assert listener.reasons == ["full"] * 8
    assert listener.limiter.open == 4


def test_addresses_of_one_subscriber_are_one() -> None:
    """IPv6 counts by its /64: many addresses of one give way before another's only one."""
    listener = Listener(most=3)
    listener.open("2001:db8:9::1")
    for number in range(1, 4):
        listener.open(f"2001:db8::{number}")
    assert listener.ended == ["2001:db8::1"]


def test_answering_connections_are_kept() -> None:
    """While a request is answered its connection is not closed; afterwards it is the youngest."""
    listener = Listener(most=2)
    first = listener.open("192.0.2.1", "first")
    listener.open("192.0.2.1", "second")
    first.busy()
    first.idle()
    listener.open("192.0.2.1", "third").busy()
    assert listener.ended == ["second"]
    first.busy()
    assert listener.limiter.opened("192.0.2.2") is None
    assert listener.reasons == ["full", "refused"]
    first.idle()
    listener.open("192.0.2.2")
    assert listener.ended == ["second", "first"]


def test_trusted_proxy_is_not_one_client() -> None:
    """Its connections, however many, give way only where no other connection is idle."""
    listener = Listener(most=4)
    for number in range(3):
        listener.open(PROXY, str(number))
    visitor = listener.open("192.0.2.1")
    listener.open(PROXY, "3")
    assert listener.ended == ["192.0.2.1"]
    visitor.closed()
    listener.open(PROXY, "4")
    assert listener.ended == ["192.0.2.1", "0"]


def test_closed_connections_make_room() -> None:
    """What has ended is counted no longer, however often it is told."""
    listener = Listener(most=1)
    for _ in range(3):
        place = listener.open("192.0.2.1")
        place.busy()
        place.closed()
        place.idle()
        place.closed()
    assert (listener.limiter.open, listener.ended) == (0, [])


@pytest.mark.parametrize(("after_s", "warnings"), [(1, 1), (61, 2)])
def test_fullness_is_logged_now_and_then(after_s: float, warnings: int) -> None:
    """The log names the address with the most, once a minute."""
    listener = Listener(most=2)
    with logged() as log:
        for _ in range(5):
            listener.open("192.0.2.1")
        listener.now += after_s
        listener.open("192.0.2.1")
        found = log.of("connections full")
    assert len(found) == warnings
    assert found[0]["most_numerous"] == "192.0.2.1"
    assert "TDC_MAX_CONNECTIONS" in found[0]["fix"]
