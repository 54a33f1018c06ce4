"""How a delivery has failed, remembered for a short while."""

import asyncio

import pytest

from proxy.delivery.failures import NegativeCache
from proxy.errors import GatewayError, OriginGone, OriginTimeout, OriginUnreachable


class Bench:
    """A negative cache with a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.cache = NegativeCache(now=lambda: self.seconds)
        self.asked = 0

    def ask(self, key: str = "film", failure: GatewayError | None = None) -> None:
        """Let a request try, and succeed or fail."""
        with self.cache.trial(key):
            self.asked += 1
            if failure is not None:
                raise failure


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_failure_is_told_again_for_its_time(bench: Bench) -> None:
    """The same words and name, with the seconds that are left; other keys are not concerned."""
    with pytest.raises(OriginTimeout) as first:
        bench.ask(
            failure=OriginTimeout(
                "silent", proxy_status="http_response_timeout", received_status=504
            )
        )
    bench.seconds += 2
    with pytest.raises(OriginTimeout, match="silent") as again:
        bench.ask()
    bench.ask("another")
    assert bench.asked == 2
    assert (first.value.retry_after_s, again.value.retry_after_s) == (5, 3)
    assert again.value.proxy_status == "http_response_timeout"
    assert again.value.received_status == 504


def test_then_one_may_try(bench: Bench) -> None:
    """Until its outcome is known the others are told what is known."""
    with pytest.raises(OriginTimeout):
        bench.ask(failure=OriginTimeout())
    bench.seconds += 5
    with bench.cache.trial("film"), pytest.raises(OriginTimeout):
        bench.ask()
    bench.ask()
    assert bench.asked == 2


def test_who_leaves_is_no_failure(bench: Bench) -> None:
    """A client that hangs up says nothing of the content, and gives its turn to the next."""
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError), bench.cache.trial("film"):
            raise asyncio.CancelledError
        with pytest.raises(OriginTimeout):
            bench.ask(failure=OriginTimeout())
        bench.seconds += 5


def test_a_failure_beside_a_success_is_forgotten(bench: Bench) -> None:
    """One dead connection does not condemn what others are getting."""
    with pytest.raises(OriginTimeout), bench.cache.trial("film"):
        fail_beside_a_success(bench)
    bench.ask()


def fail_beside_a_success(bench: Bench) -> None:
    bench.seconds += 15
    bench.ask()
    raise OriginTimeout


@pytest.mark.parametrize(("asked_s", "lasts_s"), [(None, 5), (1, 5), (30, 30), (86_400, 60)])
def test_it_lasts_as_long_as_the_origin_asks(
    bench: Bench, asked_s: float | None, lasts_s: float
) -> None:
    """Within bounds: no origin can lock its content up for a day."""
    with pytest.raises(OriginUnreachable):
        bench.ask(failure=OriginUnreachable("503", retry_after_s=asked_s))
    bench.seconds += lasts_s - 0.5
    with pytest.raises(OriginUnreachable):
        bench.ask()
    bench.seconds += 0.5
    bench.ask()


def test_what_is_gone_has_no_time_to_come_back(bench: Bench) -> None:
    """A 404 asks nobody to try again later."""
    for failure in (OriginGone(), None):
        with pytest.raises(OriginGone) as gone:
            bench.ask(failure=failure)
        assert gone.value.retry_after_s is None


def test_a_purge_forgets(bench: Bench) -> None:
    """Whoever purges wants to see what there is now."""
    with pytest.raises(OriginTimeout):
        bench.ask(failure=OriginTimeout())
    bench.cache.forget()
    bench.ask()


def test_it_is_bounded(bench: Bench) -> None:
    """However many different requests fail, the oldest are forgotten."""
    for number in range(10_001):
        with pytest.raises(OriginTimeout):
            bench.ask(str(number), OriginTimeout())
    bench.ask("0")
    with pytest.raises(OriginTimeout):
        bench.ask("10000")


@pytest.mark.parametrize("status", [502, 504])
def test_the_answer_is_the_same_again(bench: Bench, status: int) -> None:
    """Its status and its name in Proxy-Status, too."""
    for _ in range(2):
        with pytest.raises(OriginTimeout) as raised:
            bench.ask(failure=OriginTimeout(status=status, proxy_status="connection_timeout"))
        assert (raised.value.status, raised.value.proxy_status) == (status, "connection_timeout")


def test_a_failure_that_comes_again_is_the_newest(bench: Bench) -> None:
    """When there are too many, those go that were met first; each is kept once."""
    for key in ("first", *map(str, range(9_999))):
        with pytest.raises(OriginTimeout):
            bench.ask(key, OriginTimeout())
    bench.seconds += 5
    for key in ("first", "one more"):
        with pytest.raises(OriginTimeout):
            bench.ask(key, OriginTimeout())
    asked = bench.asked
    with pytest.raises(OriginTimeout, match="a moment ago"):
        bench.ask("first")
    assert bench.asked == asked
