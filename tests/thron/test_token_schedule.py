"""When a token is refreshed, and how long failures make us wait."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import CredentialsRefused, ThronBusy, ThronError, ThronUnreachable
from proxy.thron.token_schedule import (
    Failure,
    Refresh,
    RefreshAction,
    Schedule,
    backoff_s,
    next_refresh,
)

SCHEDULE = Schedule()
_SECONDS = st.floats(0, 1e9)
_JITTER = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("used_at", "validated_at", "jitter", "refresh"),
    [
        pytest.param(0, 0, 0.0, Refresh(RefreshAction.VALIDATE, 1200), id="idle"),
        pytest.param(0, 0, 0.5, Refresh(RefreshAction.VALIDATE, 1140), id="idle, with jitter"),
        pytest.param(1000, 0, 0.0, Refresh(RefreshAction.VALIDATE, 2200), id="used since"),
        pytest.param(0, 1200, 0.0, Refresh(RefreshAction.VALIDATE, 2400), id="validated since"),
        pytest.param(
            0, 2400, 0.0, Refresh(RefreshAction.LOG_IN, 3000), id="idle for nearly its life"
        ),
        pytest.param(21_000, 0, 0.0, Refresh(RefreshAction.LOG_IN, 21_600), id="old"),
    ],
)
def test_next_refresh(used_at: float, validated_at: float, jitter: float, refresh: Refresh) -> None:
    """An idle token is validated, one idle for long or old is replaced."""
    found = next_refresh(
        SCHEDULE, logged_in_at=0, used_at=used_at, validated_at=validated_at, jitter=jitter
    )
    assert found == refresh


@pytest.mark.parametrize(
    ("idle_s", "at"),
    [pytest.param(1200, 60, id="sooner"), pytest.param(30, 30, id="never later")],
)
def test_an_idle_token_while_thron_is_doubted(idle_s: float, at: float) -> None:
    """It is validated within a minute."""
    found = next_refresh(
        Schedule(validate_after_idle_s=idle_s),
        logged_in_at=0,
        used_at=0,
        validated_at=0,
        jitter=0,
        is_doubted=True,
    )
    assert found == Refresh(RefreshAction.VALIDATE, at)


@given(_SECONDS, _SECONDS, _SECONDS, _JITTER)
def test_a_token_never_reaches_its_end(
    logged_in_at: float, used_for: float, validated_for: float, jitter: float
) -> None:
    """Something is due before an hour without use has passed, and not before the login."""
    used_at = logged_in_at + used_for
    found = next_refresh(
        SCHEDULE,
        logged_in_at=logged_in_at,
        used_at=used_at,
        validated_at=logged_in_at + validated_for,
        jitter=jitter,
    )
    assert logged_in_at < found.at < used_at + 3600


@pytest.mark.parametrize(
    ("error", "failures", "jitter", "wait_s"),
    [
        pytest.param(ThronUnreachable(), 1, 1.0, 1, id="first"),
        pytest.param(ThronUnreachable(), 1, 0.0, 0.5, id="first, with jitter"),
        pytest.param(ThronUnreachable(), 4, 1.0, 8, id="fourth"),
        pytest.param(ThronUnreachable(), 5000, 1.0, 60, id="bounded"),
        pytest.param(ThronBusy(retry_after_s=30), 1, 0.0, 30, id="as THRON asks"),
        pytest.param(ThronUnreachable(retry_after_s=86_400), 1, 0.0, 900, id="as asked, bounded"),
        pytest.param(CredentialsRefused(), 1, 1.0, 60, id="refused"),
        pytest.param(CredentialsRefused(), 9, 1.0, 900, id="refused for long"),
    ],
)
def test_backoff(error: ThronError, failures: int, jitter: float, wait_s: float) -> None:
    """Waits double to a bound; a refused login waits long; THRON's own word is kept."""
    assert backoff_s(SCHEDULE, error, failures=failures, jitter=jitter) == wait_s


@given(st.integers(1, 10_000), _JITTER)
def test_backoff_is_bounded(failures: int, jitter: float) -> None:
    """No wait is zero and none is longer than a quarter of an hour."""
    for error in (ThronUnreachable(), CredentialsRefused()):
        assert 0 < backoff_s(SCHEDULE, error, failures=failures, jitter=jitter) <= 900


@pytest.mark.parametrize(
    ("now", "remaining_s"),
    [(100, 60), (130, 30), (160, 0), (1000, 0), (50, 60)],
    ids=["at once", "later", "over", "long over", "the clock was set back"],
)
def test_remaining(now: float, remaining_s: float) -> None:
    """A wait is between nothing and its whole length, wherever the clock stands."""
    failure = Failure(ThronUnreachable("down"), count=1, at=100, delay_s=60)
    assert failure.remaining_s(now) == remaining_s


def test_told_again() -> None:
    """The same error is told to each caller in a new exception, with what is left to wait."""
    failure = Failure(CredentialsRefused("wrong key"), count=1, at=100, delay_s=60)
    told = failure.new_error(130)
    assert type(told) is CredentialsRefused
    assert told is not failure.error
    assert (str(told), told.retry_after_s) == ("wrong key", 30)
