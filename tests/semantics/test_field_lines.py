"""Field lines: joined in order, and fit to be written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.field_lines import combined, connection_options, is_writable


@pytest.mark.parametrize(
    ("value", "writable"),
    [
        pytest.param("text/html; charset=utf-8", True, id="plain"),
        pytest.param("a\tb", True, id="tab"),
        pytest.param("città", True, id="UTF-8"),
        pytest.param("", True, id="empty"),
        pytest.param("a\rb", False, id="CR"),
        pytest.param("a\nSet-Cookie: b", False, id="LF"),
        pytest.param("a\x00", False, id="NUL"),
        pytest.param("a\x7f", False, id="DEL"),
        pytest.param("a\x1b[2J", False, id="escape"),
        pytest.param("caf\udce9", False, id="octet that is no UTF-8"),
    ],
)
def test_is_writable(value: str, *, writable: bool) -> None:
    """Controls and torn text are never written (9110, 5.5)."""
    assert is_writable(value) == writable


def test_combined() -> None:
    """Lines of one name are one value in their order, whatever the name's case (5.3)."""
    fields = CIMultiDict([("Via", "1.1 a "), ("X", "y"), ("via", " 1.0 b")])
    assert combined(fields, "VIA") == "1.1 a, 1.0 b"
    assert combined(fields, "Missing") is None


def test_connection_options() -> None:
    """Every nominated name counts, in any case, on any line."""
    fields = CIMultiDict([("Connection", "Keep-Alive, , RANGE"), ("connection", "etag")])
    assert connection_options(fields) == {"keep-alive", "range", "etag"}
    assert connection_options(CIMultiDict()) == frozenset()


@given(value=st.text(st.characters()))
def test_writable_values_are_one_line_of_utf8(value: str) -> None:
    """What is writable encodes, and stays one line."""
    if is_writable(value):
        assert not set(value.encode()) & {0, 10, 13}
