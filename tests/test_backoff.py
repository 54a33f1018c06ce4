"""Exponential back-off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.backoff import Backoff


@pytest.mark.parametrize(
    ("failures", "jitter", "wait_s"),
    [
        pytest.param(1, 1.0, 1, id="first"),
        pytest.param(1, 0.0, 0.5, id="half of it is chance"),
        pytest.param(4, 1.0, 8, id="doubled each time"),
        pytest.param(7, 1.0, 60, id="bounded"),
        pytest.param(5000, 1.0, 60, id="no overflow"),
    ],
)
def test_wait(failures: int, jitter: float, wait_s: float) -> None:
    """Waits double up to a bound."""
    assert Backoff(first_s=1, longest_s=60).wait_s(failures, jitter=jitter) == wait_s


def test_factor() -> None:
    """Waits may grow faster than by two."""
    backoff = Backoff(first_s=0.1, longest_s=0.4, factor=4)
    assert [backoff.wait_s(failures, jitter=1) for failures in (1, 2, 3)] == [0.1, 0.4, 0.4]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_bounds(failures: int, jitter: float) -> None:
    """No wait is zero, and none is longer than the longest."""
    assert 0 < Backoff(first_s=0.5, longest_s=900).wait_s(failures, jitter=jitter) <= 900
