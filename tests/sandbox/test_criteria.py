"""Dates and expressions in criteria (docs/thron.md 1.2 and 4.4)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.criteria import moment, pattern
from proxy.sandbox.envelope import Refused


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2015", datetime(2015, 1, 1, tzinfo=UTC), id="year"),
        pytest.param("2015-03", datetime(2015, 3, 1, tzinfo=UTC), id="month"),
        pytest.param("2015-03-04", datetime(2015, 3, 4, tzinfo=UTC), id="day"),
        pytest.param(
            "2024-05-01T10:00:00.000Z", datetime(2024, 5, 1, 10, tzinfo=UTC), id="as printed"
        ),
        pytest.param(
            "2024-05-01T10:00:00.000+0000", datetime(2024, 5, 1, 10, tzinfo=UTC), id="offset"
        ),
        pytest.param(1714557600000, datetime(2024, 5, 1, 10, tzinfo=UTC), id="milliseconds"),
        pytest.param("1714557600000", datetime(2024, 5, 1, 10, tzinfo=UTC), id="as text"),
    ],
)
def test_moment(value: object, expected: datetime) -> None:
    """A date may come in several shapes."""
    assert moment(value) == expected


@pytest.mark.parametrize("value", ["", "tomorrow", "2024-13"])
def test_no_moment(value: str) -> None:
    """What is no date is refused."""
    with pytest.raises(Refused):
        moment(value)


@given(st.text())
def test_quoted_values_match_themselves(value: str) -> None:
    r"""``^\Q...\E$`` matches its value and no other, whatever it holds."""
    if r"\E" not in value and "\n" not in value:
        assert pattern(rf"^\Q{value}\E$").search(value)
        assert not pattern(rf"^\Q{value}\E$").search(f"{value}x")


def test_no_pattern() -> None:
    """What is no expression is refused."""
    with pytest.raises(Refused):
        pattern("(")
