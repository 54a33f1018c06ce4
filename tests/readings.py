"""The readings of THRON that a suite holds under: every two together, all together, each alone.

A reading is what one switch of the sandbox says. The rows in which every two readings meet once are
a sample that finds what one reading, or two together, break; all other combinations are left out.
"""

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from typing import Any

import pytest
from allpairspy import AllPairs

from proxy.sandbox.server import Switches

Reading = tuple[str, Any]

# Two readings that cannot hold at once, and why; no row has both.
APART: dict[frozenset[Reading], str] = {}


def choices() -> dict[str, tuple[Any, ...]]:
    """Return the readings of each switch that has several, those with most first: fewer rows."""
    found = {
        switch.name: (switch.default, *switch.metadata["flipped"])
        for switch in fields(Switches)
        if switch.metadata["flipped"]
    }
    return dict(sorted(found.items(), key=lambda each: -len(each[1])))


@cache
def pairs() -> tuple[Switches, ...]:
    """Return switches in which every two readings that can go together do so at least once."""
    names = list(choices())

    def go_together(values: Sequence[Any]) -> bool:
        chosen = set(zip(names, values, strict=False))  # a row is asked about as it grows
        return not any(both <= chosen for both in APART)

    rows = AllPairs(list(choices().values()), filter_func=go_together)
    return tuple(Switches(**dict(zip(names, row, strict=True))) for row in rows)


# For pytest.mark.parametrize: a sample for every run, and each reading alone for ``make matrix``.
READINGS = [
    pytest.param(Switches(), id="the likeliest"),
    pytest.param(Switches.all_flipped(), id="all flipped"),
    *(pytest.param(row, id=f"pairs {number}") for number, row in enumerate(pairs(), start=1)),
    *(
        pytest.param(Switches(**{name: other}), id=f"{name}={other}", marks=pytest.mark.matrix)
        for name, other in Switches.flips()
    ),
]
