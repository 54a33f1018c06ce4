"""HTTP-date: the three formats in, the preferred one out; and Retry-After, which may be one."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import lru_cache

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH = rf"(?P<month>{'|'.join(_MONTHS)})"
_TIME = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"

_FORMATS = (
    re.compile(rf"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_LONG_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_DAY} {_MONTH} (?P<day>[0-9 ][0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)

# The longest day in the format of RFC 850 has 33 characters; a client may send a megabyte.
_LONGEST_DATE = 33

# RFC 9110, 5.6.7 moves two-digit years by the reader's clock, which this floor does not have; the
# pivot of POSIX gives the same for every date from 1970 to 2068.
_FIRST_YEAR_OF_LAST_CENTURY = 69
_LEAP_SECOND = 60

_LONGEST_WAIT_S = 86_400.0
_DELAY_SECONDS = re.compile(r"[0-9]{1,9}")


def parse_http_date(value: str) -> datetime | None:
    """Return the instant that an HTTP-date names, in UTC, or None where it is not one.

    Args:
        value: Such as ``Sun, 06 Nov 1994 08:49:37 GMT``. The day's name is not checked.

    RFC 9110, 5.6.7.
    """
    text = value.strip(" \t")
    return _parsed(text) if len(text) <= _LONGEST_DATE else None


@lru_cache(maxsize=256)  # those of few contents, in every request and answer
def _parsed(text: str) -> datetime | None:
    found = next((match for form in _FORMATS if (match := form.fullmatch(text))), None)
    return None if found is None else _instant(found)


def http_date(instant: datetime) -> str:
    """Return an aware instant as IMF-fixdate, its fraction of a second cut off.

    RFC 9110, 5.6.7.
    """
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def parse_retry_after(value: str | None, *, date: str | None) -> float | None:
    """Return the seconds that a Retry-After field asks to wait.

    Args:
        value: The field value, seconds or an HTTP date; None if there is none.
        date: The same message's Date field, so that no clock of ours is compared with theirs.

    Returns:
        Seconds from 0 to one day, or None if nothing usable is asked.

    RFC 9110, 10.2.3.
    """
    if value is None:
        return None
    value = value.strip()
    if _DELAY_SECONDS.fullmatch(value):
        return min(float(value), _LONGEST_WAIT_S)
    until, now = parse_http_date(value), parse_http_date(date or "")
    if until is None or now is None:
        return None
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT_S)


def _instant(found: re.Match[str]) -> datetime | None:
    second = int(found["second"])
    leap = second == _LEAP_SECOND
    try:
        instant = datetime(
            _full_year(found["year"]),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            second - leap,
            tzinfo=UTC,
        )
        return instant + timedelta(seconds=leap)
    except (ValueError, OverflowError):
        return None


def _full_year(digits: str) -> int:
    year = int(digits)
    if len(digits) > 2:  # noqa: PLR2004 - two digits are what RFC 850 wrote
        return year
    return year + (1900 if year >= _FIRST_YEAR_OF_LAST_CENTURY else 2000)
