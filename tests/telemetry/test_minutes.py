"""The last hour, minute by minute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.minutes import KEPT, Minute, Minutes, number_at, whole

NOW = 1_700_000_000.0


def test_an_hour_of_nothing() -> None:
    """Where nothing came there are sixty empty minutes, the last one this one."""
    hour = Minutes().hour(now=NOW)
    assert len(hour) == KEPT
    assert hour[-1] == Minute(number_at(NOW))
    assert hour[0].begins == hour[-1].begins - 59 * 60


def test_what_came_is_counted_in_its_minute() -> None:
    """Figures of one minute add up, those of two stay apart."""
    minutes = Minutes()
    minutes.count(Minute(100, octets=5, requests=1))
    minutes.count(Minute(100, octets=7, failed=1))
    minutes.count(Minute(102, hits=1, resolved=1))
    hour = minutes.hour(now=102 * 60 + 59.9)
    assert hour[-3:] == (
        Minute(100, octets=12, requests=1, failed=1),
        Minute(101),
        Minute(102, resolved=1, hits=1),
    )


def test_what_is_older_than_an_hour_is_gone() -> None:
    """After an hour without traffic nothing of it is left."""
    minutes = Minutes()
    minutes.count(Minute(100, octets=5))
    assert whole(minutes.hour(now=159 * 60.0)).octets == 5
    assert whole(minutes.hour(now=160 * 60.0)).octets == 0


def test_a_clock_that_is_set_back_loses_nothing() -> None:
    """What comes after it counts into the newest minute, and the hour ends there."""
    minutes = Minutes()
    minutes.count(Minute(100, octets=5))
    minutes.count(Minute(90, octets=7))
    assert minutes.hour(now=90 * 60.0)[-1] == Minute(100, octets=12)


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 10)), max_size=500))
def test_bounded_and_exact(came: list[tuple[int, int]]) -> None:
    """However much comes, an hour of minutes is kept, and of that hour every octet."""
    minutes, newest = Minutes(), 0
    counted: dict[int, int] = {}
    for number, octets in came:
        minutes.count(Minute(number, octets=octets))
        newest = max(newest, number)
        counted[newest] = counted.get(newest, 0) + octets
    hour = minutes.hour(now=newest * 60.0)
    assert len(hour) == KEPT
    for each in hour:
        assert each.octets == counted.get(each.number, 0)


@pytest.mark.parametrize(("at", "number"), [(0.0, 0), (59.9, 0), (60.0, 1), (NOW, 28333333)])
def test_number_at(at: float, number: int) -> None:
    """A minute begins with its first second."""
    assert number_at(at) == number
