"""What all processes of one supervisor have together, in memory that they share.

Each writes a slot of its own and reads the others', so nobody waits for a lock, and a process that
is killed in the middle spoils nothing: the supervisor empties its slot. Two processes that take
the last place, or the next turn, at the same moment both get it.
"""

import mmap
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

# Counts of clients are a count-min sketch: a client has a cell in each row, and what the least
# crowded of them says. Some thousand clients in one row of cells share few, and hardly ever all
# four with one that has much.
_ROWS = 4
_COLUMNS = 4096
_DOWNLOADS, _CONNECTIONS, _ASKING, _TO_ASK, _CLIENTS = 0, 1, 2, 3, 4
_SLOT = _CLIENTS + _ROWS * _COLUMNS
# Before the slots: what cells are chosen by, so that nobody can aim at another's.
_KEY_OCTETS = 16
# After the key: when the next question to THRON may begin.
_TURN_OCTETS = 8
_HEADER = _KEY_OCTETS + _TURN_OCTETS
_OCTETS_OF_A_COUNT = 4
# As far above the average, at most, a process takes what any of them could.
_BALANCED_WITHIN = 1 / 16
# A quarter of a limit is shared out evenly, and cannot be taken from a process: one that was
# replaced would else have no place while the others keep theirs.
_RESERVED_SHARE = 4


class SharedCount:
    """How many there are of one thing, process by process; made alone where there is but one.

    Args:
        counts: Of all processes.
        own: Which of them is this process's.
        whole: How many all may have together; None: nobody else has any.
    """

    def __init__(
        self, counts: "memoryview[int] | None" = None, *, own: int = 0, whole: int | None = None
    ) -> None:
        self._counts = counts
        self._own = own
        self._whole = whole
        processes = len(counts) if counts is not None else 1
        self._reserved = whole // (_RESERVED_SHARE * processes) if whole is not None else 0

    @property
    def is_alone(self) -> bool:
        """Whether there are no other processes."""
        return self._counts is None

    def allowed(self, most: int) -> int:
        """Return how many of the ``most`` that this process can have the others leave to it."""
        if self._counts is None or self._whole is None:
            return most
        taken = sum(
            max(count, self._reserved)
            for number, count in enumerate(self._counts)
            if number != self._own
        )
        return min(most, self._whole - taken)

    @property
    def is_ahead(self) -> bool:
        """Whether this process has so many more than all have on average that others should go on.

        Never true of all, so that somebody always does.
        """
        if self._counts is None:
            return False
        own = self._counts[self._own]
        return own - sum(self._counts) / len(self._counts) > max(1, own * _BALANCED_WITHIN)

    def note(self, number: int) -> None:
        """Tell the others how many this process has."""
        if self._counts is not None:
            self._counts[self._own] = number


class SharedClients:
    """How many downloads clients have in other processes; made alone, none."""

    def __init__(
        self,
        slots: "Sequence[memoryview[int]]" = (),
        *,
        own: int = 0,
        key: bytes = b"",
    ) -> None:
        self._others = [slot for number, slot in enumerate(slots) if number != own]
        self._own = slots[own] if slots else None
        self._key = key

    def elsewhere(self, client: str) -> int:
        """Return how many a client has in the other processes; too many where cells collide."""
        if not self._others:
            return 0
        return min(sum(slot[cell] for slot in self._others) for cell in self._cells(client))

    def add(self, client: str) -> None:
        """Tell the others of one more."""
        self._change(client, 1)

    def remove(self, client: str) -> None:
        """Tell the others of one less."""
        self._change(client, -1)

    def _change(self, client: str, difference: int) -> None:
        if self._own is not None:
            for cell in self._cells(client):
                self._own[cell] += difference

    def _cells(self, client: str) -> list[int]:
        digest = blake2b(client.encode(), key=self._key, digest_size=2 * _ROWS).digest()
        return [
            row * _COLUMNS + int.from_bytes(digest[2 * row : 2 * row + 2]) % _COLUMNS
            for row in range(_ROWS)
        ]


class SharedQuestions:
    """What all processes ask THRON together; made alone, there are no others.

    Args:
        turn: When the next question may begin, on the clock that all processes of a machine have.
            One number for all, written by each: what a killed one took of it is over by itself.
        asking: How many questions each process asks now.
        to_ask: The same, and those that wait for a place.
        own: Which of them is this process's.
    """

    def __init__(
        self,
        turn: "memoryview[float] | None" = None,
        asking: "memoryview[int] | None" = None,
        to_ask: "memoryview[int] | None" = None,
        *,
        own: int = 0,
    ) -> None:
        self._turn: memoryview[float] | list[float] = [float("-inf")] if turn is None else turn
        self._asking = asking
        self._to_ask = to_ask
        self._own = own
        self.processes = len(asking) if asking is not None else 1

    @property
    def next_turn(self) -> float:
        """When the next question may begin; in memory that is new, long ago."""
        return self._turn[0]

    @next_turn.setter
    def next_turn(self, at: float) -> None:
        self._turn[0] = at

    def allowed(self, most: int) -> int:
        """Return how many of the ``most`` that all may ask at once this process may.

        A place that nobody else wants can be this process's; but where others wait, each has an
        even share, and at least one place.
        """
        if self._asking is None or self._to_ask is None:
            return most
        whole = max(most, self.processes)
        share = whole // self.processes
        taken = sum(
            max(asking, min(to_ask, share))
            for number, (asking, to_ask) in enumerate(zip(self._asking, self._to_ask, strict=True))
            if number != self._own
        )
        return min(most, whole - taken)

    def note(self, *, asking: int, to_ask: int) -> None:
        """Tell the others how many this process asks, and how many it would."""
        if self._asking is not None and self._to_ask is not None:
            self._asking[self._own] = asking
            self._to_ask[self._own] = to_ask


@dataclass(frozen=True, slots=True)
class Shared:
    """What one process of several knows of all."""

    downloads: SharedCount
    connections: SharedCount
    clients: SharedClients
    questions: SharedQuestions


class SharedMemory:
    """Where the counts are, as the supervisor makes it and each process maps it.

    Args:
        descriptor: As ``make`` made it.
        processes: How many have a slot.
    """

    def __init__(self, descriptor: int, *, processes: int) -> None:
        self.descriptor = descriptor
        self._processes = processes
        self._octets = memoryview(mmap.mmap(descriptor, _size(processes)))
        self._turn = self._octets[_KEY_OCTETS:_HEADER].cast("d")
        self._counts = self._octets[_HEADER:].cast("I")

    @classmethod
    def make(cls, *, processes: int) -> Self:
        """Return new memory without any counts; its descriptor stays open."""
        descriptor = os.memfd_create("thron-connector")
        os.ftruncate(descriptor, _size(processes))
        self = cls(descriptor, processes=processes)
        self._octets[:_KEY_OCTETS] = secrets.token_bytes(_KEY_OCTETS)
        return self

    def of(self, own: int, *, max_downloads: int, max_connections: int | None) -> Shared:
        """Return what a process works with.

        Args:
            own: Which slot is its own.
            max_downloads: Of all processes together.
            max_connections: The same; None: each has as many as it can.
        """
        return Shared(
            SharedCount(self._counts[_DOWNLOADS::_SLOT], own=own, whole=max_downloads),
            SharedCount(self._counts[_CONNECTIONS::_SLOT], own=own, whole=max_connections),
            SharedClients(
                [self._slot(number)[_CLIENTS:] for number in range(self._processes)],
                own=own,
                key=bytes(self._octets[:_KEY_OCTETS]),
            ),
            SharedQuestions(
                self._turn,
                self._counts[_ASKING::_SLOT],
                self._counts[_TO_ASK::_SLOT],
                own=own,
            ),
        )

    def questions_beside(self) -> SharedQuestions:
        """Return what a process works with that has no slot: it takes turns with the others."""
        return SharedQuestions(self._turn)

    def clear(self, number: int) -> None:
        """Empty the slot of a process that has ended."""
        slot = self._slot(number).cast("B")
        slot[:] = bytes(len(slot))

    def _slot(self, number: int) -> "memoryview[int]":
        return self._counts[number * _SLOT : (number + 1) * _SLOT]


def _size(processes: int) -> int:
    return _HEADER + processes * _SLOT * _OCTETS_OF_A_COUNT
