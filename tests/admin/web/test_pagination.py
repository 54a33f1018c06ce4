"""Pages that are offered beside the one that is shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.web.pagination import GAP, near


@pytest.mark.parametrize(
    ("page", "last", "offered"),
    [
        pytest.param(1, 1, (1,), id="one"),
        pytest.param(1, 3, (1, 2, 3), id="few"),
        pytest.param(1, 9, (1, 2, 3, GAP, 9), id="first"),
        pytest.param(5, 9, (1, GAP, 3, 4, 5, 6, 7, GAP, 9), id="middle"),
        pytest.param(9, 9, (1, GAP, 7, 8, 9), id="last"),
        pytest.param(50, 9, (1, GAP, 7, 8, 9), id="beyond"),
    ],
)
def test_near(page: int, last: int, offered: tuple[int, ...]) -> None:
    """The first, the last and those around are offered, with gaps between."""
    assert near(page, last) == offered


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_few(page: int, last: int) -> None:
    """However many pages there are, few are offered, in order."""
    offered = near(page, last)
    pages = [each for each in offered if each != GAP]
    assert len(offered) <= 9
    assert pages == sorted(set(pages))
    assert {1, last} <= set(pages)
