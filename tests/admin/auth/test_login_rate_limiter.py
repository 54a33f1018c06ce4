"""Guessing is slow for whoever guesses, and costs nobody else anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.auth.login_rate_limiter import (
    MOST_ADDRESSES_AT_ONCE,
    POLICY,
    LockoutPolicy,
    LoginRateLimiter,
    Party,
)

DEVICE = Party.with_device("mark of a device")


def fail(limiter: LoginRateLimiter, party: Party, *, times: int, now: float = 0) -> None:
    """Let somebody fail, one attempt after the other."""
    for _ in range(times):
        assert limiter.begin(party, now=now) == 0
        limiter.end(party, succeeded=False)


@pytest.mark.parametrize(
    ("failures", "lockout_s"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(3, 0, id="within what is free"),
        pytest.param(4, 2, id="the first beyond"),
        pytest.param(6, 8, id="doubled twice"),
        pytest.param(9, 60, id="the longest"),
        pytest.param(10_000, 60, id="no overflow"),
    ],
)
def test_lockouts(failures: int, lockout_s: float) -> None:
    """Lock-outs begin after some free attempts, double, and have an end."""
    policy = LockoutPolicy(free=3, first_s=2, longest_s=60, forgotten_s=600)
    assert policy.lockout_s(failures) == lockout_s


def test_a_party_waits() -> None:
    """After the free attempts a party waits, each time twice as long; waiting costs nothing."""
    limiter, party = LoginRateLimiter(), Party.at("192.0.2.1")
    fail(limiter, party, times=POLICY.free + 1, now=100)
    assert limiter.begin(party, now=100) == 2
    assert limiter.begin(party, now=101) == 1
    fail(limiter, party, times=1, now=102)
    assert limiter.begin(party, now=102) == 4


def test_one_subscriber_has_many_addresses() -> None:
    """Addresses of one IPv6 network are one party, and a mapped IPv4 address is itself."""
    limiter = LoginRateLimiter()
    for number in range(POLICY.free + 1):
        fail(limiter, Party.at(f"2001:db8:1:2::{number:x}"), times=1)
    assert limiter.begin(Party.at("2001:db8:1:2:ffff::1"), now=0) > 0
    assert limiter.begin(Party.at("2001:db8:1:3::1"), now=0) == 0
    fail(limiter, Party.at("::ffff:192.0.2.1"), times=POLICY.free + 1)
    assert limiter.begin(Party.at("192.0.2.1"), now=0) > 0
    assert limiter.begin(Party.at("no address"), now=0) == 0


def test_a_crowd_locks_nobody_out() -> None:
    """However many addresses fail, one that has not may try at once, and so may a known browser."""
    limiter = LoginRateLimiter()
    for number in range(500):
        fail(limiter, Party.at(f"198.51.{number // 250}.{number % 250}"), times=POLICY.free + 1)
    assert limiter.begin(Party.at("192.0.2.1"), now=0) == 0
    assert limiter.begin(DEVICE, now=0) == 0


def test_few_addresses_are_checked_at_once() -> None:
    """Each address has one attempt at a time, all of them so many; a known browser its own."""
    limiter = LoginRateLimiter()
    crowd = [Party.at(f"198.51.100.{number}") for number in range(MOST_ADDRESSES_AT_ONCE)]
    assert [limiter.begin(party, now=0) for party in crowd] == [0] * len(crowd)
    assert limiter.begin(crowd[0], now=0) > 0
    assert limiter.begin(Party.at("192.0.2.1"), now=0) > 0
    assert limiter.begin(DEVICE, now=0) == 0
    assert limiter.begin(DEVICE, now=0) > 0
    limiter.end(crowd[0], succeeded=False)
    assert limiter.begin(Party.at("192.0.2.1"), now=0) == 0


def test_success_forgets() -> None:
    """Who knows the password starts anew."""
    limiter, party = LoginRateLimiter(), Party.at("192.0.2.1")
    fail(limiter, party, times=POLICY.free)
    assert limiter.begin(party, now=0) == 0
    limiter.end(party, succeeded=True)
    fail(limiter, party, times=POLICY.free + 1)


def test_time_forgets() -> None:
    """After a long while without failures nothing is left of them."""
    limiter, party = LoginRateLimiter(), Party.at("192.0.2.1")
    fail(limiter, party, times=POLICY.free + 1)
    fail(limiter, party, times=POLICY.free, now=POLICY.forgotten_s)


@given(st.lists(st.floats(0, 30), max_size=200))
def test_a_patient_guesser_gets_few(gaps: list[float]) -> None:
    """However attempts are spread over an hour, few of them are let through."""
    limiter, party, now, let = LoginRateLimiter(), Party.at("192.0.2.1"), 0.0, 0
    for gap in gaps:
        now += gap
        if limiter.begin(party, now=now) == 0:
            let += 1
            limiter.end(party, succeeded=False)
    assert let <= POLICY.free + 14


def test_a_crowd_of_addresses_is_bounded() -> None:
    """Addresses by the ten thousands do not grow the memory for ever."""
    limiter = LoginRateLimiter()
    for number in range(12_000):
        party = Party.at(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
        fail(limiter, party, times=1, now=number * 1e6)
    assert len(limiter._failures) == 10_000  # noqa: SLF001 - the bound is the point
