"""Amounts as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.admin.web import formatting
from proxy.admin.web.i18n import Language, Words

ENGLISH, ITALIAN = Words(Language.ENGLISH), Words(Language.ITALIAN)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        pytest.param(0, "0 bytes", id="nothing"),
        pytest.param(1, "1 byte", id="one"),
        pytest.param(999, "999 bytes", id="below a unit"),
        pytest.param(999.7, "1.0 kB", id="rounded up to a unit"),
        pytest.param(1500, "1.5 kB", id="a unit and a half"),
        pytest.param(99_900, "99.9 kB", id="three digits"),
        pytest.param(123_456, "123 kB", id="no more than three digits"),
        pytest.param(999_950_000, "1.0 GB", id="rounded up to the next unit"),
        pytest.param(7_200_000_000_000, "7.2 TB", id="large"),
        pytest.param(10**21, "1,000,000 PB", id="beyond all units"),
    ],
)
def test_size(amount: float, text: str) -> None:
    """Sizes are told in decimal units, with as many digits as help."""
    assert formatting.size(amount, ENGLISH) == text


def test_in_italian() -> None:
    """Italian has a comma there."""
    assert formatting.size(999, ITALIAN) == "999 byte"
    assert formatting.size(1500, ITALIAN) == "1,5 kB"
    assert formatting.rate(1500, ITALIAN) == "1,5 kB/s"
    assert formatting.share(1, 3, ITALIAN) == "33,3%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(0.0004, "0 ms", id="less than a millisecond"),
        pytest.param(0.25, "250 ms", id="milliseconds"),
        pytest.param(1.25, "1.2 s", id="seconds"),
        pytest.param(60, "1 min", id="a minute"),
        pytest.param(185.4, "3 min 5 s", id="minutes"),
        pytest.param(3600, "1 h", id="an hour"),
        pytest.param(7800, "2 h 10 min", id="hours"),
    ],
)
def test_span(seconds: float, text: str) -> None:
    """Spans are told in the two units that matter."""
    assert formatting.span(seconds, ENGLISH) == text


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_share(part: int, whole: int) -> None:
    """All and nothing are told only where it is so."""
    part = min(part, whole)
    text = formatting.share(part, whole, ENGLISH)
    assert (text == "100%") == (part == whole)
    assert (text == "0%") == (part == 0)
