"""How somebody likes the table, kept in a cookie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.web.table_view import SIZES, USUAL, Column, TableView


@given(
    size=st.sampled_from(SIZES),
    names=st.booleans(),
    columns=st.frozensets(st.sampled_from(Column)),
)
def test_a_cookie_keeps_it(size: int, names: bool, columns: frozenset[Column]) -> None:  # noqa: FBT001 - drawn
    """What was chosen comes back, and needs no character that cookies cannot hold."""
    view = TableView.model_validate({"size": size, "names": names, "columns": columns})
    assert TableView.parse(view.cookie) == view
    assert view.cookie.replace(".", "").replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("cookie", ["", "x", "50", "7.on.type", "50.maybe.", "50.on.colour", "..."])
def test_a_cookie_that_says_nothing(cookie: str) -> None:
    """What cannot be read is as if there were none: file names, and the usual columns."""
    assert TableView.parse(cookie) == TableView(size=50, names=True, columns=USUAL)


@given(st.text())
def test_a_cookie_of_anybody(cookie: str) -> None:
    """No cookie fails the page."""
    assert TableView.parse(cookie).size in SIZES
