"""HTTP-date, as RFC 9110 section 5.6.7 has it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.dates import http_date, parse_http_date, parse_retry_after

EXAMPLE = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", EXAMPLE, id="IMF-fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", EXAMPLE, id="RFC 850"),
        pytest.param("Sun Nov  6 08:49:37 1994", EXAMPLE, id="asctime"),
        pytest.param(" Sun, 06 Nov 1994 08:49:37 GMT ", EXAMPLE, id="blanks around"),
        pytest.param("Mon, 06 Nov 1994 08:49:37 GMT", EXAMPLE, id="day name is not checked"),
        pytest.param(
            "Wednesday, 01-Jan-25 00:00:00 GMT",
            datetime(2025, 1, 1, tzinfo=UTC),
            id="two digits of this century",
        ),
        pytest.param(
            "Wednesday, 01-Jan-69 00:00:00 GMT",
            datetime(1969, 1, 1, tzinfo=UTC),
            id="the first year of the last century, as POSIX has it",
        ),
        pytest.param(
            "Tuesday, 01-Jan-68 00:00:00 GMT",
            datetime(2068, 1, 1, tzinfo=UTC),
            id="the last year of this one",
        ),
        pytest.param(
            "Sat, 31 Dec 2016 23:59:60 GMT", datetime(2017, 1, 1, tzinfo=UTC), id="leap second"
        ),
        pytest.param("Sun, 31 Feb 1994 08:49:37 GMT", None, id="no such day"),
        pytest.param("Sun, 06 Nov 1994 24:00:00 GMT", None, id="no such hour"),
        pytest.param("Sun, 06 Nov 1994 08:49:61 GMT", None, id="no such second"),
        pytest.param("Fri, 31 Dec 9999 23:59:60 GMT", None, id="leap second at the end of time"),
        pytest.param("Sun, 06 Nov 0000 08:49:37 GMT", None, id="no such year"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 CET", None, id="another zone"),
        pytest.param("Sun, 06 Nov 1994 08:49:37 +0000", None, id="numeric zone"),
        pytest.param("sun, 06 nov 1994 08:49:37 gmt", None, id="dates are case-sensitive"),
        pytest.param("Sun, 6 Nov 1994 08:49:37 GMT", None, id="one digit"),
        pytest.param("1994-11-06T08:49:37Z", None, id="ISO"),
        pytest.param("784111777", None, id="epoch"),
        pytest.param("0", None, id="zero"),
        pytest.param("", None, id="empty"),
        pytest.param(
            "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT", None, id="two lines"
        ),
        pytest.param("Sun, \u0660\u0666 Nov 1994 08:49:37 GMT", None, id="other digits"),
    ],
)
def test_parse_http_date(value: str, instant: datetime | None) -> None:
    """The three formats are read, anything else is no date."""
    assert parse_http_date(value) == instant


instants = st.datetimes(
    min_value=datetime(1000, 1, 2),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001 - the same
    timezones=st.just(UTC) | st.just(timezone(timedelta(hours=5, minutes=30))),
)


@given(instant=instants)
def test_date_is_read_as_written(instant: datetime) -> None:
    """What is written reads back as the same second."""
    assert parse_http_date(http_date(instant)) == instant.replace(microsecond=0)


@given(value=st.text())
def test_any_text_is_a_date_or_not(value: str) -> None:
    """No text raises."""
    instant = parse_http_date(value)
    assert instant is None or instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("value", "date", "seconds"),
    [
        pytest.param("120", None, 120.0, id="seconds"),
        pytest.param(" 0 ", None, 0.0, id="none at all"),
        pytest.param("999999999", None, 86_400.0, id="no more than a day"),
        pytest.param("-5", None, None, id="negative"),
        pytest.param("1.5", None, None, id="not whole"),
        pytest.param("", None, None, id="empty"),
        pytest.param(None, None, None, id="absent"),
        pytest.param("soon", "Thu, 01 Jan 2026 00:00:00 GMT", None, id="a word"),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 GMT", "Thu, 01 Jan 2026 00:00:00 GMT", 120.0, id="a date"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:02:00 GMT", 0.0, id="a past date"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 GMT", None, None, id="a date and nothing to compare"
        ),
        pytest.param(
            "Thu, 01 Jan 2026 00:02:00 -0000",
            "Thu, 01 Jan 2026 00:00:00 GMT",
            None,
            id="a date without a zone",
        ),
    ],
)
def test_retry_after(value: str | None, date: str | None, seconds: float | None) -> None:
    """A wait is read from seconds or from a date against the same message's date."""
    assert parse_retry_after(value, date=date) == seconds
