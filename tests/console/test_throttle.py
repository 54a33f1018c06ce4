"""Sign-ins wait longer and longer, and nobody is locked out by others for long."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.console.throttle import FOR_ALL, PER_CLIENT, Pauses, Throttle


@pytest.mark.parametrize(
    ("failures", "pause_s"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(3, 0, id="within what is free"),
        pytest.param(4, 2, id="the first beyond"),
        pytest.param(6, 8, id="doubled twice"),
        pytest.param(9, 60, id="the longest"),
        pytest.param(10_000, 60, id="no overflow"),
    ],
)
def test_pauses(failures: int, pause_s: float) -> None:
    """Pauses begin after some free attempts, double, and have an end."""
    assert Pauses(free=3, first_s=2, longest_s=60, forgotten_s=600).after(failures) == pause_s


def test_a_client_waits() -> None:
    """After the free attempts a client waits, each time twice as long; waiting costs nothing."""
    throttle = Throttle()
    assert [throttle.begin("192.0.2.1", now=100) for _ in range(PER_CLIENT.free + 1)][-1] == 0
    assert throttle.begin("192.0.2.1", now=100) == 2
    assert throttle.begin("192.0.2.1", now=101) == 1
    assert throttle.begin("192.0.2.1", now=102) == 0
    assert throttle.begin("192.0.2.1", now=102) == 4


def test_others_do_not_wait() -> None:
    """The failures of one client cost others nothing."""
    throttle = Throttle()
    for _ in range(PER_CLIENT.free + 1):
        throttle.begin("192.0.2.1", now=0)
    assert throttle.begin("192.0.2.1", now=0) > 0
    assert throttle.begin("192.0.2.2", now=0) == 0


def test_one_subscriber_has_many_addresses() -> None:
    """Addresses of one IPv6 network are one client, and a mapped IPv4 address is itself."""
    throttle = Throttle()
    for number in range(PER_CLIENT.free + 1):
        throttle.begin(f"2001:db8:1:2::{number:x}", now=0)
    assert throttle.begin("2001:db8:1:2:ffff::1", now=0) > 0
    assert throttle.begin("2001:db8:1:3::1", now=0) == 0
    for _ in range(PER_CLIENT.free + 1):
        throttle.begin("::ffff:192.0.2.1", now=0)
    assert throttle.begin("192.0.2.1", now=0) > 0
    assert throttle.begin("no address", now=0) == 0


def test_a_crowd_waits_together() -> None:
    """Many clients with a few attempts each are slowed down too, for some seconds at most."""
    throttle = Throttle()
    for number in range(FOR_ALL.free + 1):
        assert throttle.begin(f"198.51.100.{number}", now=0) == 0
    assert 0 < throttle.begin("192.0.2.1", now=0) <= FOR_ALL.longest_s


def test_success_forgets() -> None:
    """Who knows the password starts anew."""
    throttle = Throttle()
    for _ in range(PER_CLIENT.free + 1):
        throttle.begin("192.0.2.1", now=0)
    throttle.succeeded("192.0.2.1")
    throttle.succeeded("192.0.2.99")
    assert throttle.begin("192.0.2.1", now=0) == 0


def test_time_forgets() -> None:
    """After a long while without failures nothing is left of them."""
    throttle = Throttle()
    for _ in range(PER_CLIENT.free + 3):
        throttle.begin("192.0.2.1", now=0)
    later = PER_CLIENT.forgotten_s
    assert [throttle.begin("192.0.2.1", now=later) for _ in range(PER_CLIENT.free)][-1] == 0


@given(st.lists(st.floats(0, 30), max_size=200))
def test_a_patient_guesser_gets_few(gaps: list[float]) -> None:
    """However attempts are spread over an hour, few of them are let through."""
    throttle, now, let = Throttle(), 0.0, 0
    for gap in gaps:
        now += gap
        let += throttle.begin("192.0.2.1", now=now) == 0
    assert let <= PER_CLIENT.free + 14


def test_a_crowd_of_addresses_is_bounded() -> None:
    """Addresses by the ten thousands do not grow the memory for ever."""
    throttle = Throttle()
    for number in range(12_000):
        throttle.begin(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", now=number * 1e6)
    assert len(throttle._clients) == 10_000  # noqa: SLF001 - the bound is the point
