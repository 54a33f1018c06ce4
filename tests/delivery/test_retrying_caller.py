"""How THRON is asked: a retry for what may pass, a pause after failures in a row."""

from collections.abc import Awaitable, Callable, Iterator

import pytest
from structlog.testing import capture_logs

from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.errors import (
    ThronAnswerInvalid,
    ThronError,
    ThronFailed,
    ThronRefused,
    ThronTimeout,
    ThronUnreachable,
)

ANSWER = "yes"


class Thron:
    """Answers after some failures, and counts how often it was asked."""

    def __init__(self, *failures: ThronError) -> None:
        self._failures: Iterator[ThronError] = iter(failures)
        self.asked = 0

    async def __call__(self) -> str:
        """Answer, or fail."""
        self.asked += 1
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return ANSWER


def caller(
    breaker: CircuitBreaker | None = None, *, now: Callable[[], float] = float
) -> RetryingCaller:
    """Return one with a clock that stands."""
    return RetryingCaller(
        breaker or CircuitBreaker(), silent_s=lambda: 3.0, now=now, random=lambda: 0.0
    )


def question(thron: Thron) -> Callable[[], Awaitable[str]]:
    """Return THRON as what is asked."""
    return thron


async def test_a_failure_that_passes_troubles_nobody() -> None:
    """One 5xx is followed by the answer."""
    thron = Thron(ThronUnreachable())
    assert await caller().ask(question(thron), about="a") == ANSWER
    assert thron.asked == 2


@pytest.mark.parametrize(
    ("failure", "asked"),
    [
        pytest.param(ThronUnreachable(), 2, id="failed twice"),
        pytest.param(ThronUnreachable(retry_after_s=30), 1, id="it said when"),
        pytest.param(ThronTimeout(), 1, id="it has had its time"),
        pytest.param(ThronRefused(), 1, id="a refusal is an answer"),
        pytest.param(ThronAnswerInvalid(), 1, id="it would say the same again"),
    ],
)
async def test_what_is_not_asked_again(failure: ThronError, asked: int) -> None:
    """Only what may pass at once is asked once more, and once only."""
    thron = Thron(failure, failure)
    with pytest.raises(type(failure)):
        await caller().ask(question(thron), about="a")
    assert thron.asked == asked


async def test_retries_are_a_share_of_the_questions() -> None:
    """While everything fails, ten saved retries are spent, and then next to none."""
    thron = Thron(*[ThronUnreachable()] * 1000)
    asking = caller(CircuitBreaker(failures_allowed=10_000))
    for _ in range(100):
        with pytest.raises(ThronUnreachable):
            await asking.ask(question(thron), about="a")
    assert 100 + 10 <= thron.asked <= 100 + 20


async def test_after_failures_of_several_questions_it_is_left_alone() -> None:
    """The pause is told, and one question tries at its end."""
    now = [0.0]
    breaker = CircuitBreaker(failures_allowed=2, pause_s=5)
    asking = caller(breaker, now=lambda: now[0])
    thron = Thron(ThronUnreachable(retry_after_s=1), ThronUnreachable(retry_after_s=1))
    for about in "ab":
        with pytest.raises(ThronUnreachable):
            await asking.ask(question(thron), about=about)
    with pytest.raises(ThronUnreachable) as told:
        await asking.ask(question(thron), about="c")
    assert (thron.asked, told.value.retry_after_s) == (2, 5)
    now[0] = 5.0
    assert await asking.ask(question(thron), about="c") == ANSWER


@pytest.mark.parametrize(
    ("failure", "questions"),
    [
        pytest.param(ThronFailed(), 100, id="exceptions, of many"),
        pytest.param(ThronTimeout(), 1, id="silence, of one"),
        pytest.param(ThronUnreachable(), 1, id="no connection, of one"),
    ],
)
async def test_questions_that_fail_silence_no_others(failure: ThronError, questions: int) -> None:
    """Ids that THRON answers with an exception, or one that it never answers, are their own."""
    asking = caller()
    for number in range(100):
        with pytest.raises(type(failure)):
            await asking.ask(question(Thron(*[failure] * 2)), about=number % questions)
    assert await asking.ask(question(Thron()), about="another") == ANSWER


async def test_one_failure_that_many_wait_for_counts_once() -> None:
    """Questions that went to THRON together fail together, and are one failure."""
    breaker = CircuitBreaker(failures_allowed=3)
    asking = caller(breaker)
    shared = ThronTimeout()
    for number in range(10):
        with pytest.raises(ThronTimeout):
            await asking.ask(question(Thron(shared)), about=number)
    outage = asking.outage
    assert outage is not None
    assert outage.failures == 1


async def test_an_answer_to_others_ends_an_outage_where_nobody_asks() -> None:
    """Half a minute after the last failure; until then only a question's own answer does."""
    now = 100.0
    one = caller(now=lambda: now)
    for about in "abc":
        with pytest.raises(ThronTimeout):
            await one.ask(question(Thron(ThronTimeout())), about=about)
    now += 29
    one.note_answer()
    assert one.is_down
    now += 1
    one.note_answer()
    assert (one.is_down, one.outage) == (False, None)


async def test_an_outage_is_logged_as_it_begins_and_ends() -> None:
    """Once each, however many ask meanwhile, with since when."""
    now = 100.0
    one = caller(now=lambda: now)
    with capture_logs() as lines:
        for about in "abcdef":
            with pytest.raises(ThronTimeout):
                await one.ask(question(Thron(ThronTimeout("silent"))), about=about)
            now += 10
        now += 40
        await one.ask(question(Thron()), about="a")
        await one.ask(question(Thron()), about="b")
    told = [(line["log_level"], line["event"]) for line in lines]
    assert told == [("warning", "THRON does not answer"), ("info", "THRON answers again")]
    assert (lines[0]["for_s"], lines[0]["reason"], lines[1]["after_s"]) == (20, "silent", 100)
