"""One circuit breaker for one host."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.delivery.circuit_breaker import CircuitBreaker, Outage


def test_it_opens_after_failures_of_several_things() -> None:
    """An answer in between begins the count anew."""
    breaker = CircuitBreaker(failures_allowed=3, pause_s=5)
    for about in ("a", "b", None, "a", "b"):
        assert breaker.retry_in_s(0) == 0
        if about is None:
            breaker.succeeded()
        else:
            breaker.failed(0, about=about)
    assert breaker.retry_in_s(0) == 0
    breaker.failed(0, about="c")
    assert breaker.retry_in_s(1) == 4


def test_one_thing_that_fails_is_no_outage() -> None:
    """However often it fails, what it shares its host with goes on."""
    breaker = CircuitBreaker(failures_allowed=2, pause_s=5)
    for now in range(100):
        breaker.failed(now, about="bad")
        assert breaker.retry_in_s(now) == 0
    breaker.failed(100, about="another")
    assert breaker.retry_in_s(100) == 5


def test_after_the_pause_one_may_try() -> None:
    """The first who asks is the one; the others go on waiting until it knows."""
    breaker = CircuitBreaker(failures_allowed=1, pause_s=5)
    breaker.failed(0, about="a")
    assert breaker.retry_in_s(5) == 0
    assert breaker.retry_in_s(5) == 5
    breaker.succeeded()
    assert breaker.retry_in_s(5) == 0
    assert breaker.retry_in_s(5) == 0


def test_a_try_that_fails_begins_a_new_pause() -> None:
    """One failure is enough while it has not closed."""
    breaker = CircuitBreaker(failures_allowed=3, pause_s=5)
    for about in "abc":
        breaker.failed(0, about=about)
    assert breaker.retry_in_s(6) == 0
    breaker.failed(7, about="a")
    assert breaker.retry_in_s(8) == 4


def test_a_try_that_says_nothing_of_the_host_leaves_its_turn_to_the_next() -> None:
    """One bad file does not lengthen the outage of the others."""
    breaker = CircuitBreaker(failures_allowed=1, pause_s=5)
    breaker.failed(0, about="a")
    assert breaker.retry_in_s(5) == 0
    breaker.undecided(6)
    assert breaker.retry_in_s(6) == 0
    assert breaker.retry_in_s(6) == 5


def test_an_outage_is_told_until_an_answer_ends_it() -> None:
    """Since when, how often, why and for how long it is left alone, for people who look."""
    breaker = CircuitBreaker(failures_allowed=2, pause_s=5)
    assert breaker.outage(0) is None
    breaker.failed(10, about="a", problem="no route")
    assert breaker.outage(11) == Outage(
        since=10, failures=1, problem="no route", is_down=False, retry_in_s=0
    )
    breaker.failed(12, about="b", problem="503")
    assert breaker.outage(13) == Outage(
        since=10, failures=2, problem="503", is_down=True, retry_in_s=4
    )
    assert breaker.outage(60) == Outage(
        since=10, failures=2, problem="503", is_down=True, retry_in_s=0
    )
    breaker.succeeded()
    assert breaker.outage(61) is None


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=50))
def test_it_never_stays_open_for_longer_than_a_pause(outcomes: list[tuple[bool, int]]) -> None:
    """Whatever happened, a pause later somebody may try."""
    breaker = CircuitBreaker(failures_allowed=2, pause_s=5)
    now = 0
    for is_answer, later in outcomes:
        now += later
        if breaker.retry_in_s(now) == 0:
            if is_answer:
                breaker.succeeded()
            else:
                breaker.failed(now, about=later)
        assert 0 <= breaker.retry_in_s(now) <= 5
    assert breaker.retry_in_s(now + 5) == 0
