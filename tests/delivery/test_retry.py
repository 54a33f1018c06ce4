"""A budget of retries."""

from proxy.delivery.retry import RetryBudget


def test_a_few_may_be_spent_at_once() -> None:
    """Ten are saved up, no more however many calls there were."""
    budget = RetryBudget()
    for _ in range(1000):
        budget.earn()
    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2


def test_while_all_fails_one_in_ten_is_tried_again() -> None:
    """In the long run retries are a tenth of the calls."""
    budget = RetryBudget()
    spent = 0
    for _ in range(1000):
        budget.earn()
        spent += budget.spend()
    assert 100 <= spent <= 110
