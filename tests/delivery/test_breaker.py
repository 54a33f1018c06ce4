"""One circuit breaker for one peer."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.delivery.breaker import Breaker, Outage


def test_it_opens_after_failures_in_a_row_only() -> None:
    """An answer in between begins the count anew."""
    breaker = Breaker(failures_allowed=3, pause_s=5)
    for outcome in (False, False, True, False, False):
        assert breaker.retry_in_s(0) == 0
        if outcome:
            breaker.succeeded()
        else:
            breaker.failed(0)
    assert breaker.retry_in_s(0) == 0
    breaker.failed(0)
    assert breaker.retry_in_s(1) == 4


def test_after_the_pause_one_may_try() -> None:
    """The first who asks is the one; the others go on waiting until it knows."""
    breaker = Breaker(failures_allowed=1, pause_s=5)
    breaker.failed(0)
    assert breaker.retry_in_s(5) == 0
    assert breaker.retry_in_s(5) == 5
    breaker.succeeded()
    assert breaker.retry_in_s(5) == 0
    assert breaker.retry_in_s(5) == 0


def test_a_try_that_fails_begins_a_new_pause() -> None:
    """One failure is enough while it has not closed."""
    breaker = Breaker(failures_allowed=3, pause_s=5)
    for _ in range(3):
        breaker.failed(0)
    assert breaker.retry_in_s(6) == 0
    breaker.failed(7)
    assert breaker.retry_in_s(8) == 4


def test_an_outage_is_told_until_an_answer_ends_it() -> None:
    """Since when, how often, why and for how long it is left alone, for people who look."""
    breaker = Breaker(failures_allowed=2, pause_s=5)
    assert breaker.outage(0) is None
    breaker.failed(10, problem="no route")
    assert breaker.outage(11) == Outage(since=10, failures=1, problem="no route", retry_in_s=0)
    breaker.failed(12, problem="503")
    assert breaker.outage(13) == Outage(since=10, failures=2, problem="503", retry_in_s=4)
    assert breaker.outage(60) == Outage(since=10, failures=2, problem="503", retry_in_s=0)
    breaker.succeeded()
    assert breaker.outage(61) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=50))
def test_it_never_stays_open_for_longer_than_a_pause(outcomes: list[tuple[bool, int]]) -> None:
    """Whatever happened, a pause later somebody may try."""
    breaker = Breaker(failures_allowed=2, pause_s=5)
    now = 0
    for is_answer, later in outcomes:
        now += later
        if breaker.retry_in_s(now) == 0:
            if is_answer:
                breaker.succeeded()
            else:
                breaker.failed(now)
        assert 0 <= breaker.retry_in_s(now) <= 5
    assert breaker.retry_in_s(now + 5) == 0
