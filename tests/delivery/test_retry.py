"""Retries: the waits before them, and their budget."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.backoff import Backoff
from proxy.delivery.retry import RetryBudget, RetryPolicy


@given(attempt=st.integers(1, 30), dice=st.floats(0, 1))
def test_waits_grow_to_a_limit(attempt: int, dice: float) -> None:
    """Doubled each time, less by chance, never longer than the longest."""
    retry_policy = RetryPolicy(lambda: dice, attempts=30, backoff=Backoff(0.1, longest_s=5))
    doubled = min(5.0, 0.1 * 2 ** (attempt - 1))
    assert doubled / 2 <= retry_policy.wait_s(attempt) <= doubled


def test_a_few_may_be_spent_at_once() -> None:
    """Ten are saved up, no more however many calls there were."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.calls += 1
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2


def test_while_all_fails_one_in_ten_is_tried_again() -> None:
    """In the long run retries are a tenth of the calls."""
    budget = RetryBudget()
    spent = 0
    for _ in range(1000):
        budget.calls += 1
        spent += budget.spend()
    assert 100 <= spent <= 110
