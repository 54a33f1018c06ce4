"""Limits of several processes together, in memory that they share."""

import os
from collections.abc import Iterator

import pytest

from proxy.server.shared_counts import SharedClients, SharedCount, SharedMemory

WHOLE = 100


@pytest.fixture
def memory() -> Iterator[SharedMemory]:
    made = SharedMemory.make(processes=3)
    yield made
    os.close(made.descriptor)


def test_alone() -> None:
    """One process has what it can have, and nobody else anything."""
    count, clients = SharedCount(), SharedClients()
    count.note(7)
    clients.add("192.0.2.1")
    clients.remove("192.0.2.1")
    assert (count.allowed(5), clients.elsewhere("192.0.2.1")) == (5, 0)


def test_what_the_others_leave(memory: SharedMemory) -> None:
    """A process has what the others leave, at most as much as it can have."""
    one, two, _ = (memory.of(n, max_downloads=WHOLE, max_connections=9) for n in range(3))
    two.downloads.note(60)
    assert one.downloads.allowed(1000) == WHOLE - 60 - 8  # the third's eight are reserved
    assert one.downloads.allowed(10) == 10
    assert two.downloads.allowed(1000) == WHOLE - 8 - 8
    assert one.connections.allowed(1000) == 9


def test_nobody_is_left_without(memory: SharedMemory) -> None:
    """However many the others have taken, a replaced process can have its reserved share."""
    shared = [memory.of(n, max_downloads=WHOLE, max_connections=None) for n in range(3)]
    for each in shared[:2]:
        each.downloads.note(each.downloads.allowed(1000))
    left = shared[2].downloads.allowed(1000)
    assert left == WHOLE // 12
    assert sum(each.downloads.allowed(1000) for each in shared) == WHOLE
    assert shared[2].connections.allowed(1000) == 1000


def test_clients(memory: SharedMemory) -> None:
    """What a client has elsewhere is known, and is not taken for another's."""
    one, two, _ = (memory.of(n, max_downloads=WHOLE, max_connections=None) for n in range(3))
    for _ in range(5):
        two.clients.add("192.0.2.1")
    two.clients.remove("192.0.2.1")
    for number in range(200):  # of ten times as many one in fifty runs would have a collision
        two.clients.add(f"198.51.100.{number}")
    assert one.clients.elsewhere("192.0.2.1") == 4
    assert two.clients.elsewhere("192.0.2.1") == 0
    assert one.clients.elsewhere("203.0.113.9") <= 1


def test_a_process_that_was_killed(memory: SharedMemory) -> None:
    """What it had counts no more once its slot is empty."""
    one, two, _ = (memory.of(n, max_downloads=WHOLE, max_connections=None) for n in range(3))
    two.downloads.note(50)
    two.clients.add("192.0.2.1")
    memory.clear(1)
    assert one.downloads.allowed(1000) == WHOLE - 8 - 8
    assert one.clients.elsewhere("192.0.2.1") == 0


def test_another_mapping_sees_the_same(memory: SharedMemory) -> None:
    """Processes map the same memory, each for itself."""
    memory.of(0, max_downloads=WHOLE, max_connections=None).clients.add("192.0.2.1")
    mapped = SharedMemory(memory.descriptor, processes=3)
    other = mapped.of(1, max_downloads=WHOLE, max_connections=None)
    assert other.clients.elsewhere("192.0.2.1") == 1


@pytest.mark.parametrize(
    ("others", "allowed"),
    [
        pytest.param([(0, 0), (0, 0)], 4, id="nobody else asks"),
        pytest.param([(3, 3), (0, 0)], 1, id="one has most"),
        pytest.param([(0, 9), (0, 9)], 2, id="others wait: an even share of each is left to them"),
        pytest.param([(4, 9), (0, 9)], -1, id="one has all, and another waits"),
    ],
)
def test_places_for_questions(
    memory: SharedMemory, others: list[tuple[int, int]], allowed: int
) -> None:
    """What nobody else wants is this process's; where all want, each has its share."""
    first, *rest = (memory.of(n, max_downloads=1, max_connections=1).questions for n in range(3))
    for each, (asking, to_ask) in zip(rest, others, strict=True):
        each.note(asking=asking, to_ask=to_ask)
    assert first.allowed(4) == allowed
    for number in (1, 2):
        memory.clear(number)
    assert first.allowed(4) == 4, "a killed process has none"


def test_one_turn_for_all(memory: SharedMemory) -> None:
    """Every process, and the one without a slot, sees whose turn it is."""
    one, two, _ = (memory.of(n, max_downloads=1, max_connections=1).questions for n in range(3))
    one.next_turn = 1234.5
    memory.clear(0)
    assert two.next_turn == memory.questions_beside().next_turn == 1234.5
    assert (two.processes, memory.questions_beside().processes) == (3, 1)


def test_connections_are_left_to_processes_with_fewer(memory: SharedMemory) -> None:
    """A process that is clearly above the average leaves them; of all, some process never does."""
    shared = [memory.of(n, max_downloads=WHOLE, max_connections=None) for n in range(3)]
    counts = [each.connections for each in shared]
    for numbers, ahead in (
        ((0, 0, 0), []),
        ((1, 0, 0), []),
        ((2, 0, 0), [0]),
        ((9, 9, 9), []),
        ((10, 9, 9), []),
        ((11, 9, 9), [0]),
        ((100, 98, 90), []),
        ((110, 100, 90), [0]),
        ((500, 500, 0), [0, 1]),
    ):
        for count, number in zip(counts, numbers, strict=True):
            count.note(number)
        assert [n for n, count in enumerate(counts) if count.is_ahead] == ahead, numbers
    assert not SharedCount().is_ahead
