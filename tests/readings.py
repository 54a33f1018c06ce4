"""The readings of THRON that a suite holds under: every two together, all together, each alone.

A reading is what one switch of the sandbox says. The rows in which every two readings meet once are
a sample that finds what one reading, or two together, break; all other combinations are left out.
"""

import pytest

from proxy.sandbox.server import Switches
from tests.pairs import pairs

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
