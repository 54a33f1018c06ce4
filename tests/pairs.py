"""Rows of readings in which every two meet: found by ``python -m tests.pairs``, and kept.

To find them takes seconds, and every process of the tests needs them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from allpairspy import AllPairs

from proxy.sandbox.server import Switches

Reading = tuple[str, Any]

# Two readings that cannot hold at once, and why; no row has both.
APART: dict[frozenset[Reading], str] = {}

# Its first line names the switches; in each other one a digit says which reading a switch has.
_TABLE = Path(__file__).with_name("pairs.txt")
REMEDY = "the switches have changed: run .venv/bin/python -m tests.pairs"


def choices() -> dict[str, tuple[Any, ...]]:
    """Return the readings of each switch that has several, those with most first: fewer rows."""
    found = {
        switch.name: (switch.default, *switch.metadata["flipped"])
        for switch in fields(Switches)
        if switch.metadata["flipped"]
    }
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


def pairs() -> tuple[Switches, ...]:
    """Return switches in which every two readings that can go together do so at least once."""
    readings = choices()
    names, *rows = _TABLE.read_text("ascii").splitlines()
    assert names.split() == list(readings), REMEDY
    return tuple(Switches(**dict(_chosen(readings, map(int, row)))) for row in rows)


def _found() -> str:
    """Return the table."""
    readings = choices()

    def go_together(row: Sequence[int]) -> bool:
        chosen = set(_chosen(readings, row))  # a row is asked about as it grows
        return not any(both <= chosen for both in APART)

    rows = AllPairs([range(len(each)) for each in readings.values()], filter_func=go_together)
    return "\n".join([" ".join(readings), *("".join(map(str, row)) for row in rows), ""])


def _chosen(readings: Mapping[str, tuple[Any, ...]], row: Iterable[int]) -> Iterator[Reading]:
    """Give the readings of a row, or of one that is not whole yet."""
    for (name, several), number in zip(readings.items(), row, strict=False):
        yield name, several[number]


if __name__ == "__main__":
    _TABLE.write_text(_found(), "ascii")
