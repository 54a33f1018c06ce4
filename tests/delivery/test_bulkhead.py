"""How much may wait at once, shared among clients."""

from contextlib import ExitStack

import pytest

from proxy.delivery.bulkhead import Bulkhead
from proxy.errors import ThronBusy


def taken(stack: ExitStack, bulkhead: Bulkhead, client: str) -> int:
    """Take places for a client until it is refused, and return how many there were."""
    number = 0
    while True:
        try:
            stack.enter_context(bulkhead.place(client))
        except ThronBusy:
            return number
        number += 1


def test_no_client_takes_all() -> None:
    """One alone gets half of the places, the next half of the rest; what is left is free again."""
    bulkhead = Bulkhead(places=16)
    with ExitStack() as stack:
        assert [taken(stack, bulkhead, client) for client in "aba"] == [8, 4, 0]
        with pytest.raises(ThronBusy) as refused, bulkhead.place("a"):
            pass
        assert refused.value.retry_after_s
    with ExitStack() as stack:
        assert taken(stack, bulkhead, "b") == 8


def test_a_failing_look_up_gives_its_place_back() -> None:
    """Errors inside the block leave no place taken."""
    bulkhead = Bulkhead(places=2)
    for _ in range(3):
        with pytest.raises(RuntimeError), bulkhead.place("a"):
            raise RuntimeError
