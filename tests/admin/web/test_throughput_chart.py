"""The last hour as two rows of bars."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.web.throughput_chart import HEIGHT, chart, round_above
from proxy.telemetry.minutes import KEPT, Minute

NOW = 60 * KEPT - 30.0


def _hour(**by_ago: Minute) -> list[Minute]:
    return [by_ago.get(f"m{KEPT - 1 - number}", Minute(number)) for number in range(KEPT)]


def test_nothing() -> None:
    """An hour of nothing has a scale and no bars."""
    made = chart(_hour(), now=NOW)
    assert made.is_empty
    assert (made.most_rate, made.most_requests) == (1000, 4)
    assert [bar.ago for bar in made.bars] == list(range(KEPT - 1, -1, -1))


def test_rates() -> None:
    """A minute's rate is its average; that of the one that is not over, the average so far."""
    hour = _hour(m1=Minute(58, octets=600_000), m0=Minute(59, octets=600_000))
    made = chart(hour, now=NOW)
    assert (made.bars[-2].rate, made.bars[-1].rate) == (10_000, 20_000)
    assert (made.bars[-2].flow, made.bars[-1].flow) == (50, 100)


def test_the_first_seconds_of_a_minute() -> None:
    """What comes in its first second is not taken for sixty times as much."""
    made = chart(_hour(m0=Minute(59, octets=10_000)), now=59 * 60 + 0.1)
    assert made.bars[-1].rate == 1000


def test_failures_are_seen() -> None:
    """One failure among thousands has a bar that can be seen, within the chart."""
    made = chart(_hour(m5=Minute(54, requests=5000, failed=1)), now=NOW)
    bar = made.bars[-6]
    assert bar.bad > 5
    assert bar.good + bar.bad <= HEIGHT


@pytest.mark.parametrize(
    ("value", "above"), [(0, 1000), (1000, 1000), (1001, 1200), (4100, 5000), (8.1e9, 1e10)]
)
def test_round_above(value: float, above: float) -> None:
    """Scales end at round numbers."""
    assert round_above(value) == above


@given(
    st.lists(
        st.tuples(st.integers(0, 10**13), st.integers(0, 10**6), st.integers(0, 10**6)),
        min_size=KEPT,
        max_size=KEPT,
    )
)
def test_bars_stay_within_the_chart(came: list[tuple[int, int, int]]) -> None:
    """Whatever came, no bar is higher than the chart, and what came has one."""
    hour = [Minute(n, octets=o, requests=r, failed=f) for n, (o, r, f) in enumerate(came)]
    for bar in chart(hour, now=NOW).bars:
        assert 0 <= bar.flow <= HEIGHT + 0.01
        assert 0 <= bar.good + bar.bad <= HEIGHT + 0.01
        assert bool(bar.flow) == bool(bar.minute.octets)
        assert bool(bar.good or bar.bad) == bool(bar.minute.requests)
