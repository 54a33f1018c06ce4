"""What is selected by Range and If-* fields, as RFC 9110 has it (13 and 14)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.selection import (
    Facts,
    SelectedSpans,
    Span,
    content_range,
    is_same,
    parse_date,
    parse_ranges,
    select,
)

MODIFIED = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)
FACTS = Facts(length=10, etag='"one"', last_modified=MODIFIED)
WEAK = Facts(length=10, etag='W/"one"', last_modified=MODIFIED)
BARE = Facts(length=10)
DATE = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
PART = SelectedSpans(206, (Span(0, 5),))
WHOLE = SelectedSpans(200)


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        pytest.param("bytes=0-0", (Span(0, 1),), id="one octet"),
        pytest.param("bytes=0-4", (Span(0, 5),), id="the first five"),
        pytest.param("bytes=4-", (Span(4, 10),), id="open"),
        pytest.param("bytes=4-99", (Span(4, 10),), id="beyond the end"),
        pytest.param("bytes=-4", (Span(6, 10),), id="suffix"),
        pytest.param("bytes=-15", (Span(0, 10),), id="suffix longer than the whole"),
        pytest.param("bytes=-0", (), id="empty suffix"),
        pytest.param("bytes=10-", (), id="at the end"),
        pytest.param("bytes=99-100", (), id="behind the end"),
        pytest.param("bytes=0-1,4-5", (Span(0, 2), Span(4, 6)), id="two"),
        pytest.param("bytes= 4-5 ,\t0-1 ,, ", (Span(4, 6), Span(0, 2)), id="blanks, empty members"),
        pytest.param("bytes=0-1,99-", (Span(0, 2),), id="one of two is satisfiable"),
        pytest.param("BYTES=0-1", (Span(0, 2),), id="range units are case-insensitive"),
        pytest.param("bytes=0-9,0-9", None, id="more octets than there are"),
        pytest.param("bytes=" + "0-0," * 65, None, id="a flood of ranges"),
        pytest.param("items=0-4", None, id="another unit"),
        pytest.param("bytes=5-3", None, id="last before first"),
        pytest.param("bytes=5-3,0-1", None, id="one of two is invalid"),
        pytest.param("bytes=a-b", None, id="no digits"),
        pytest.param("bytes=٣-٤", None, id="digits that are not ASCII"),
        pytest.param("bytes=-", None, id="neither first nor last"),
        pytest.param("bytes=--1", None, id="two hyphens"),
        pytest.param("bytes=", None, id="empty set"),
        pytest.param("bytes=1", None, id="no hyphen"),
        pytest.param("0-4", None, id="no unit"),
        pytest.param("", None, id="empty"),
        pytest.param("bytes=0-" + "9" * 5000, None, id="more digits than Python reads"),
    ],
)
def test_parse_ranges(value: str, spans: tuple[Span, ...] | None) -> None:
    """A field of ranges selects spans of ten octets, none of them, or is ignored."""
    assert parse_ranges(value, length=10) == spans


@pytest.mark.parametrize(
    ("value", "spans"),
    [
        pytest.param("bytes=0-", (), id="no first octet"),
        pytest.param("bytes=-5", None, id="a suffix of nothing is the whole"),
        pytest.param("bytes=-0", (), id="an empty suffix is not satisfiable"),
    ],
)
def test_ranges_of_nothing(value: str, spans: tuple[Span, ...] | None) -> None:
    """An empty representation has no octet to start from."""
    assert parse_ranges(value, length=0) == spans


@given(first=st.integers(0, 2**40), last=st.integers(0, 2**40), length=st.integers(0, 2**40))
def test_spans_lie_within(first: int, last: int, length: int) -> None:
    """A span begins where it was asked for and never goes beyond the end."""
    spans = parse_ranges(f"bytes={first}-{last}", length=length)
    if last < first:
        assert spans is None
    elif first >= length:
        assert spans == ()
    else:
        assert spans == (Span(first, min(last + 1, length)),)


@given(st.text(max_size=40), st.integers(0, 100))
def test_any_value_is_read(value: str, length: int) -> None:
    """Whatever the field says, what is selected lies within the representation."""
    for span in parse_ranges(f"bytes={value}", length=length) or ():
        assert 0 <= span.first < span.stop <= length


@pytest.mark.parametrize(
    ("fields", "facts", "selection"),
    [
        pytest.param({}, FACTS, WHOLE, id="nothing asked"),
        pytest.param({"If-Match": '"one"'}, FACTS, WHOLE, id="match"),
        pytest.param({"If-Match": '"two", "one"'}, FACTS, WHOLE, id="match in a list"),
        pytest.param({"If-Match": "*"}, BARE, WHOLE, id="match anything"),
        pytest.param({"If-Match": '"two"'}, FACTS, SelectedSpans(412), id="no match"),
        pytest.param({"If-Match": 'W/"one"'}, WEAK, SelectedSpans(412), id="match is strong"),
        pytest.param({"If-Match": '"one"'}, BARE, SelectedSpans(412), id="no tag to match"),
        pytest.param({"If-Match": "one"}, FACTS, SelectedSpans(412), id="a tag has quotes"),
        pytest.param({"If-Unmodified-Since": DATE}, FACTS, WHOLE, id="unmodified"),
        pytest.param({"If-Unmodified-Since": EARLIER}, FACTS, SelectedSpans(412), id="modified"),
        pytest.param({"If-Unmodified-Since": EARLIER}, BARE, WHOLE, id="unknown if modified"),
        pytest.param({"If-Unmodified-Since": "?"}, FACTS, WHOLE, id="no date to compare"),
        pytest.param(
            {"If-Match": '"one"', "If-Unmodified-Since": EARLIER},
            FACTS,
            WHOLE,
            id="If-Match goes before If-Unmodified-Since",
        ),
        pytest.param({"If-None-Match": '"one"'}, FACTS, SelectedSpans(304), id="same"),
        pytest.param(
            {"If-None-Match": 'W/"one"'}, FACTS, SelectedSpans(304), id="none-match is weak"
        ),
        pytest.param({"If-None-Match": '"one"'}, WEAK, SelectedSpans(304), id="weak the other way"),
        pytest.param({"If-None-Match": "*"}, BARE, SelectedSpans(304), id="anything is there"),
        pytest.param({"If-None-Match": '"two"'}, FACTS, WHOLE, id="another"),
        pytest.param(
            {"If-None-Match": '"a,b", "one"'}, FACTS, SelectedSpans(304), id="comma in a tag"
        ),
        pytest.param({"If-Modified-Since": DATE}, FACTS, SelectedSpans(304), id="not modified"),
        pytest.param({"If-Modified-Since": LATER}, FACTS, SelectedSpans(304), id="modified before"),
        pytest.param({"If-Modified-Since": EARLIER}, FACTS, WHOLE, id="modified since"),
        pytest.param({"If-Modified-Since": "?"}, FACTS, WHOLE, id="no date"),
        pytest.param(
            {"If-None-Match": '"two"', "If-Modified-Since": DATE},
            FACTS,
            WHOLE,
            id="If-None-Match goes before If-Modified-Since",
        ),
        pytest.param(
            {"If-Match": '"two"', "If-None-Match": '"one"'},
            FACTS,
            SelectedSpans(412),
            id="412 goes before 304",
        ),
        pytest.param({"Range": "bytes=0-4"}, FACTS, PART, id="part"),
        pytest.param({"Range": "bytes=10-"}, FACTS, SelectedSpans(416), id="not satisfiable"),
        pytest.param(
            {"Range": "bytes=10-", "If-None-Match": '"one"'},
            FACTS,
            SelectedSpans(304),
            id="304 goes before 416",
        ),
        pytest.param({"Range": "bytes=0-4", "If-Range": '"one"'}, FACTS, PART, id="still the same"),
        pytest.param({"Range": "bytes=0-4", "If-Range": '"two"'}, FACTS, WHOLE, id="another now"),
        pytest.param(
            {"Range": "bytes=10-", "If-Range": '"two"'}, FACTS, WHOLE, id="another: no 416 either"
        ),
        pytest.param(
            {"Range": "bytes=0-4", "If-Range": 'W/"one"'}, WEAK, WHOLE, id="If-Range is strong"
        ),
        pytest.param({"Range": "bytes=0-4", "If-Range": DATE}, FACTS, PART, id="exact date"),
        pytest.param({"Range": "bytes=0-4", "If-Range": LATER}, FACTS, WHOLE, id="later date"),
        pytest.param({"Range": "bytes=0-4", "If-Range": DATE}, BARE, WHOLE, id="no date known"),
        pytest.param({"Range": "bytes=0-4", "If-Range": "one"}, FACTS, WHOLE, id="neither"),
        pytest.param({"If-Range": '"two"'}, FACTS, WHOLE, id="If-Range alone says nothing"),
    ],
)
def test_select(fields: dict[str, str], facts: Facts, selection: SelectedSpans) -> None:
    """Preconditions come in the order of 13.2.2, and ranges after them."""
    assert select(fields, facts, is_head=False, ranges=True) == selection


@pytest.mark.parametrize(("is_head", "ranges"), [(True, True), (False, False)])
def test_no_ranges(*, is_head: bool, ranges: bool) -> None:
    """HEAD has no ranges (14.2), nor has a server that does not know them."""
    assert select({"Range": "bytes=0-4"}, FACTS, is_head=is_head, ranges=ranges) == WHOLE


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_is_same(one: str, other: str, *, strong: bool, weak: bool) -> None:
    """The table of 8.8.3.2."""
    assert is_same(one, other, strong=True) is strong
    assert is_same(one, other, strong=False) is weak


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("Sun, 06 Nov 1994 08:49:37 GMT", id="IMF-fixdate"),
        pytest.param("Sunday, 06-Nov-94 08:49:37 GMT", id="RFC 850"),
        pytest.param("Sun Nov  6 08:49:37 1994", id="asctime"),
    ],
)
def test_parse_date(value: str) -> None:
    """The three forms of 5.6.7 are one time."""
    assert parse_date(value) == MODIFIED


@pytest.mark.parametrize("value", ["", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", '"one"'])
def test_no_date(value: str) -> None:
    """What is no date is None."""
    assert parse_date(value) is None


def test_seconds_count() -> None:
    """A file's fraction of a second does not make it later than the date sent for it."""
    facts = Facts(
        10, '"one"', MODIFIED.astimezone(timezone(timedelta(hours=2))).replace(microsecond=9)
    )
    assert select({"If-Modified-Since": DATE}, facts, is_head=False, ranges=True).status == 304
    fields = {"Range": "bytes=0-4", "If-Range": DATE}
    assert select(fields, facts, is_head=False, ranges=True) == PART


def test_content_range() -> None:
    """Positions are inclusive; a 416 has an asterisk (14.4)."""
    assert content_range(Span(0, 5), length=10) == "bytes 0-4/10"
    assert content_range(None, length=10) == "bytes */10"
