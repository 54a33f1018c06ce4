"""Whether a refusal may mean that the session has ended."""

import pytest

from proxy.errors import (
    ThronAnswerInvalid,
    ThronBusy,
    ThronError,
    ThronUnreachable,
    TokenRejected,
)
from proxy.thron.refusals import Refusals

SEARCH, SUBJECT = "search", "contents"


def answering() -> Refusals:
    """Return what there is once a search was answered."""
    refusals = Refusals()
    refusals.note_answer(SEARCH, SUBJECT)
    return refusals


@pytest.mark.parametrize(
    ("error", "is_unusual"),
    [
        (TokenRejected(), True),
        (ThronAnswerInvalid(received_status=302), True),
        (ThronAnswerInvalid(received_status=400), True),
        (ThronAnswerInvalid(received_status=418), True),
        (ThronUnreachable(received_status=500), True),
        (ThronUnreachable(received_status=503), False),
        (ThronBusy(received_status=429), False),
        (ThronAnswerInvalid(received_status=405), False),
        (ThronAnswerInvalid("a page with status 200"), False),
        (ThronUnreachable("no connection"), False),
    ],
)
def test_what_may_be_an_end(error: ThronError, *, is_unusual: bool) -> None:
    """A redirect, a client error and 500 may be, of a service that answered before."""
    assert answering().is_unusual(error, SEARCH, SUBJECT) is is_unusual


def test_a_service_that_never_answered() -> None:
    """What it says is no sign of an end, unless it names the token."""
    refusals = Refusals()
    assert not refusals.is_unusual(ThronUnreachable(received_status=500), SEARCH, SUBJECT)
    assert refusals.is_unusual(TokenRejected(), SEARCH, SUBJECT)
    assert not refusals.may_disbelieve(SEARCH, SUBJECT, is_shared=False, now=0)
    assert refusals.may_disbelieve(SEARCH, SUBJECT, is_shared=True, now=0)


def test_once_a_minute() -> None:
    """A validation is disbelieved once a minute, whatever is refused."""
    refusals = answering()
    times = [0.0, 1.0, 59.0, 60.0, 61.0, 119.0, 120.0]
    disbelieved = [
        now
        for now in times
        if refusals.may_disbelieve(SEARCH, f"s-{now}", is_shared=False, now=now)
    ]
    assert disbelieved == [0.0, 60.0, 120.0]


def test_what_a_new_session_was_refused_as_well() -> None:
    """That is a matter of rights, until it is answered."""
    refusals = answering()
    refusals.note_denial("secret")
    assert not refusals.is_unusual(ThronUnreachable(received_status=500), SEARCH, "secret")
    assert not refusals.may_disbelieve(SEARCH, "secret", is_shared=True, now=0)
    refusals.note_answer(SEARCH, "secret")
    assert refusals.may_disbelieve(SEARCH, "secret", is_shared=True, now=0)


def test_it_is_bounded() -> None:
    """The oldest of a thousand denials is forgotten."""
    refusals = answering()
    for number in range(1001):
        refusals.note_denial(number)
    assert refusals.may_disbelieve(SEARCH, 0, is_shared=False, now=0)
    assert not refusals.may_disbelieve(SEARCH, 1, is_shared=False, now=60)


def test_services_are_bounded() -> None:
    """Those that answer again and again are known still; a content's own, long ago, is not."""
    refusals = answering()
    for number in range(2000):
        refusals.note_answer(f"detail/{number}", SUBJECT)
        refusals.note_answer(SEARCH, SUBJECT)
    refused = ThronAnswerInvalid(received_status=400)
    assert refusals.is_unusual(refused, SEARCH, SUBJECT)
    assert refusals.is_unusual(refused, "detail/1999", SUBJECT)
    assert not refusals.is_unusual(refused, "detail/0", SUBJECT)
