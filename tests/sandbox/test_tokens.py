"""Session tokens and their sliding life."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.switches import Switches
from proxy.sandbox.tokens import Tokens, TokenStatus


def test_unknown_and_expired_are_told_apart() -> None:
    """A token that was never issued is not one that has expired."""
    tokens = Tokens(Switches())
    token = tokens.issue(now=0)
    assert tokens.use("no", now=0) is TokenStatus.UNKNOWN
    assert tokens.expire_all() == 1
    assert tokens.use(token, now=0) is TokenStatus.EXPIRED
    assert (tokens.living, tokens.all) == ((), frozenset({token}))


def test_standing_does_not_renew() -> None:
    """Looking is not using."""
    tokens = Tokens(Switches(token_life_s=10))
    token = tokens.issue(now=0)
    assert tokens.status(token, now=9) is TokenStatus.OK
    assert tokens.status(token, now=10) is TokenStatus.EXPIRED


def test_fixed_life() -> None:
    """By switch use does not prolong."""
    tokens = Tokens(Switches(token_life_s=10, token_slides=False))
    token = tokens.issue(now=0)
    assert tokens.use(token, now=9) is TokenStatus.OK
    assert tokens.use(token, now=10) is TokenStatus.EXPIRED


@given(st.lists(st.integers(0, 3599), max_size=30))
def test_a_token_in_use_lives_on(pauses: list[int]) -> None:
    """However often, as long as no pause reaches the life."""
    tokens = Tokens(Switches())
    now = 0
    token = tokens.issue(now=now)
    for pause in pauses:
        now += pause
        assert tokens.use(token, now=now) is TokenStatus.OK
    assert tokens.use(token, now=now + 3600) is TokenStatus.EXPIRED
