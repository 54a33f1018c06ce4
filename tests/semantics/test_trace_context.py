"""Traceparent, as W3C Trace Context has it."""

import pytest

from proxy.semantics.trace_context import parse

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
FOUND = TRACE, PARENT


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param(f"00-{TRACE}-{PARENT}-01", FOUND, id="sampled"),
        pytest.param(f"00-{TRACE}-{PARENT}-00", FOUND, id="not sampled"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01-what", FOUND, id="a later version"),
        pytest.param(f"00-{TRACE}-{PARENT}-01-what", None, id="more than version 00 has"),
        pytest.param(f"cc-{TRACE}-{PARENT}-01x", None, id="no dash"),
        pytest.param(f"ff-{TRACE}-{PARENT}-01", None, id="version ff"),
        pytest.param(f"00-{'0' * 32}-{PARENT}-01", None, id="no trace"),
        pytest.param(f"00-{TRACE}-{'0' * 16}-01", None, id="no parent"),
        pytest.param(f"00-{TRACE.upper()}-{PARENT}-01", None, id="upper case"),
        pytest.param(f"00-{TRACE}-{PARENT}-01\n", None, id="a line's end"),
        pytest.param(f"00-{TRACE}-{PARENT}-01, 00-{TRACE}-{PARENT}-01", None, id="two"),
        pytest.param("00-" + "0" * 100_000, None, id="endless"),
        pytest.param("", None, id="empty"),
    ],
)
def test_parse(value: str, found: tuple[str, str] | None) -> None:
    """An id that could not be another's counts; what is invalid is as if it were not there."""
    assert parse(value) == found
