"""Range and Content-Range fields, as RFC 9110 section 14 has them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.semantics.ranges import (
    ContentRange,
    SelectedRange,
    Unsatisfiable,
    UnsatisfiedRange,
    forwardable,
    is_part_asked_for,
    parse_content_range,
    select,
)


@pytest.mark.parametrize(
    ("value", "selected"),
    [
        pytest.param("bytes=0-0", SelectedRange(0, 0, 10), id="one octet"),
        pytest.param("bytes=0-4", SelectedRange(0, 4, 10), id="first half"),
        pytest.param("bytes=9-9", SelectedRange(9, 9, 10), id="last octet"),
        pytest.param("bytes=5-", SelectedRange(5, 9, 10), id="open-ended"),
        pytest.param("bytes=0-", SelectedRange(0, 9, 10), id="open-ended from the first octet"),
        pytest.param("bytes=0-99", SelectedRange(0, 9, 10), id="last position beyond the end"),
        pytest.param("bytes=-3", SelectedRange(7, 9, 10), id="suffix"),
        pytest.param("bytes=-10", SelectedRange(0, 9, 10), id="suffix as long as the whole"),
        pytest.param("bytes=-15", SelectedRange(0, 9, 10), id="suffix longer than the whole"),
        pytest.param("BYTES=0-4", SelectedRange(0, 4, 10), id="unit in capitals"),
        pytest.param("bytes= 0-4 ", SelectedRange(0, 4, 10), id="blanks around the specifier"),
        pytest.param("bytes=,0-4,,", SelectedRange(0, 4, 10), id="empty list elements"),
        pytest.param("bytes=000-0004", SelectedRange(0, 4, 10), id="leading zeros"),
        pytest.param(f"bytes=2-{'9' * 4000}", SelectedRange(2, 9, 10), id="4000 digits"),
        pytest.param("bytes=-0", Unsatisfiable(10), id="empty suffix"),
        pytest.param("bytes=10-", Unsatisfiable(10), id="just beyond the end"),
        pytest.param("bytes=10-20", Unsatisfiable(10), id="beyond the end"),
        pytest.param(f"bytes={'9' * 30}-", Unsatisfiable(10), id="far beyond the end"),
        pytest.param("bytes=10-11,20-21", Unsatisfiable(10), id="several, all beyond the end"),
        pytest.param("bytes=-0,12-", Unsatisfiable(10), id="empty suffix and beyond the end"),
        pytest.param("bytes=0-4,5-6", SelectedRange(0, 6, 10), id="adjacent ranges"),
        pytest.param("bytes=5-6,0-4", SelectedRange(0, 6, 10), id="adjacent, out of order"),
        pytest.param("bytes=0-4,2-6", SelectedRange(0, 6, 10), id="overlapping ranges"),
        pytest.param("bytes=0-8,2-3", SelectedRange(0, 8, 10), id="one within the other"),
        pytest.param("bytes=0-6,-4", SelectedRange(0, 9, 10), id="range and suffix that overlap"),
        pytest.param("bytes=0-1, 50-60", SelectedRange(0, 1, 10), id="one of two beyond the end"),
        pytest.param("bytes=3-4,3-4", SelectedRange(3, 4, 10), id="twice the same"),
        pytest.param("bytes=0-1,4-5", None, id="two ranges that stay apart"),
        pytest.param("bytes=0-0,-1", None, id="first and last octet"),
        pytest.param("items=0-4", None, id="unknown unit is ignored"),
        pytest.param("bytes", None, id="no range set"),
        pytest.param("bytes=", None, id="empty range set"),
        pytest.param("bytes=,", None, id="only an empty element"),
        pytest.param("bytes=-", None, id="neither position"),
        pytest.param("bytes=5", None, id="no hyphen"),
        pytest.param("bytes=4-2", None, id="last before first"),
        pytest.param("bytes=0-4,4-2", None, id="one invalid among several"),
        pytest.param("bytes=a-b", None, id="no digits"),
        pytest.param("bytes=0x0-0x4", None, id="hexadecimal"),
        pytest.param("bytes=+0-4", None, id="sign"),
        pytest.param("bytes=--4", None, id="two hyphens"),
        pytest.param("bytes=0 - 4", None, id="blanks inside a range"),
        pytest.param("bytes =0-4", None, id="blank before the equals sign"),
        pytest.param("bytes=0-4;x=1", None, id="parameter"),
        pytest.param("bytes=0-4, bytes=5-6", None, id="two field lines combined"),
        pytest.param("bytes=\u0661-\u0664", None, id="digits of another script"),
        pytest.param("", None, id="empty"),
        pytest.param(
            "bytes=" + "0-0," * 64, SelectedRange(0, 0, 10), id="just not too many ranges"
        ),
        pytest.param("bytes=" + "0-0," * 65, None, id="too many ranges"),
        pytest.param("bytes=" + "0-," * 5000, None, id="absurdly many ranges"),
        pytest.param(f"bytes=0-{'9' * 100_000}", None, id="absurdly long position"),
    ],
)
def test_select(value: str, selected: SelectedRange | Unsatisfiable | None) -> None:
    """A field selects a range, lies outside, or is ignored."""
    assert select(value, length=10) == selected


@pytest.mark.parametrize(
    ("value", "selected"),
    [
        pytest.param("bytes=0-", Unsatisfiable(0), id="open-ended"),
        pytest.param("bytes=0-0", Unsatisfiable(0), id="one octet"),
        pytest.param("bytes=-0", Unsatisfiable(0), id="empty suffix"),
        pytest.param("bytes=-5", None, id="suffix is satisfiable but cannot be said in a 206"),
        pytest.param("bytes=0-4,-5", None, id="one of two is a suffix"),
    ],
)
def test_select_from_nothing(value: str, selected: SelectedRange | Unsatisfiable | None) -> None:
    """An empty representation has no octet to select (14.1.2)."""
    assert select(value, length=0) == selected


def test_content_range_of_answers() -> None:
    """A selected range and an unsatisfiable one say so in Content-Range (14.4)."""
    selected = SelectedRange(0, 9, 10)
    assert (selected.octets, selected.content_range) == (10, "bytes 0-9/10")
    assert Unsatisfiable(10).content_range == "bytes */10"


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        pytest.param("bytes=0-4", "bytes=0-4", id="range"),
        pytest.param("Bytes= 007-9", "bytes=7-9", id="normalised"),
        pytest.param("bytes=5-", "bytes=5-", id="open-ended"),
        pytest.param("bytes=-5", "bytes=-5", id="suffix"),
        pytest.param("bytes=-0", "bytes=-0", id="empty suffix is for the origin to refuse"),
        pytest.param("bytes=0-4,5-9", "bytes=0-9", id="adjacent ranges"),
        pytest.param("bytes=5-,0-7", "bytes=0-", id="overlapping ranges, one open-ended"),
        pytest.param(f"bytes=5-{10**40}", "bytes=5-", id="no representation reaches that far"),
        pytest.param(f"bytes={10**40}-", f"bytes={2**63 - 2}-", id="position that overflows"),
        pytest.param(f"bytes=-{10**40}", f"bytes=-{2**63 - 2}", id="suffix that overflows"),
        pytest.param("bytes=0-4,-5", None, id="only the length tells whether they are one"),
        pytest.param("bytes=0-4,6-9", None, id="apart"),
        pytest.param("items=0-4", None, id="unknown unit"),
        pytest.param("bytes=4-2", None, id="invalid"),
        pytest.param("bytes=0-4\r\nX: y", None, id="line break"),
    ],
)
def test_forwardable(value: str, sent: str | None) -> None:
    """One range in its plainest form goes inbound, or none."""
    assert forwardable(value) == sent


@pytest.mark.parametrize(
    ("value", "said"),
    [
        pytest.param("bytes 0-9/10", ContentRange(0, 9, 10), id="range"),
        pytest.param("bytes 0-9/*", ContentRange(0, 9, None), id="unknown complete length"),
        pytest.param("bytes */10", UnsatisfiedRange(10), id="unsatisfied"),
        pytest.param("bytes */0", UnsatisfiedRange(0), id="unsatisfied, empty representation"),
        pytest.param("Bytes  3-3/4", ContentRange(3, 3, 4), id="capital and two blanks"),
        pytest.param("bytes */*", None, id="says nothing"),
        pytest.param("bytes 9-0/10", None, id="last before first"),
        pytest.param("bytes 0-10/10", None, id="last beyond the complete length"),
        pytest.param("bytes 0--1/0", None, id="empty range"),
        pytest.param("items 0-9/10", None, id="unknown unit"),
        pytest.param("bytes=0-9/10", None, id="equals sign"),
        pytest.param("bytes 0-9", None, id="no length"),
        pytest.param("bytes 0-9/10, bytes 0-9/10", None, id="two field lines"),
        pytest.param(f"bytes 0-{'9' * 5000}/*", None, id="absurd digits"),
        pytest.param("", None, id="empty"),
    ],
)
def test_parse_content_range(value: str, said: ContentRange | UnsatisfiedRange | None) -> None:
    """A Content-Range is read, or is as if not there."""
    assert parse_content_range(value) == said


positions = st.one_of(st.integers(0, 30), st.sampled_from([10**19, 10**40]))
specs = st.one_of(
    st.tuples(positions, positions).map(lambda pair: f"{min(pair)}-{max(pair)}"),
    positions.map(lambda first: f"{first}-"),
    positions.map(lambda octets: f"-{octets}"),
    st.sampled_from(["", "5-3", "x"]),
)
range_values = st.lists(specs, min_size=1, max_size=5).map(lambda items: "bytes=" + ",".join(items))


def _octets_by_the_letter(value: str, length: int) -> set[int] | None:
    """Select octet by octet, as 14.1.2 reads, or None for an invalid set."""
    chosen: set[int] = set()
    for item in filter(None, value.removeprefix("bytes=").split(",")):
        first, hyphen, last = item.partition("-")
        if not hyphen or (first and last and int(last) < int(first)):
            return None
        if first:
            end = min(int(last) + 1, length) if last else length
            chosen.update(range(min(int(first), length), end))
        else:
            chosen.update(range(max(0, length - int(last)), length))
    return chosen


@given(value=range_values, length=st.integers(1, 25))
def test_selected_octets_are_those_of_the_letter(value: str, length: int) -> None:
    """Whatever is selected is exactly what each specifier asks for, octet by octet."""
    wanted = _octets_by_the_letter(value, length)
    match select(value, length=length):
        case SelectedRange(first, last, of):
            assert (set(range(first, last + 1)), of) == (wanted, length)
        case Unsatisfiable(of):
            assert (wanted, of) == (set(), length)
        case None:
            assert not wanted or max(wanted) - min(wanted) + 1 > len(wanted) or value == "bytes="


@given(value=range_values, length=st.integers(0, 25))
def test_forwarded_range_selects_the_same(value: str, length: int) -> None:
    """What goes inbound without the length selects what the client's own field selects."""
    sent = forwardable(value)
    if sent is not None:
        assert select(sent, length=length) == select(value, length=length)


@given(value=st.text() | st.text(alphabet="bytes=0123456789-, ").map("bytes=".__add__))
@example("bytes=" + "-" * 4000)
def test_any_text_is_a_range_or_is_ignored(value: str) -> None:
    """No text raises, and what goes inbound is a field value of digits and hyphens."""
    select(value, length=10)
    parse_content_range(value)
    sent = forwardable(value)
    assert sent is None or set(sent) <= set("bytes=0123456789-")


@pytest.mark.parametrize(
    ("asked", "said", "is_it"),
    [
        pytest.param("bytes=0-4", "bytes 0-4/10", True, id="the very range"),
        pytest.param("bytes=0-0", "bytes 0-0/10", True, id="one octet"),
        pytest.param("bytes=5-", "bytes 5-9/10", True, id="an open end is the last octet"),
        pytest.param("bytes=5-99", "bytes 5-9/10", True, id="a last-pos beyond the end, clamped"),
        pytest.param("bytes=-3", "bytes 7-9/10", True, id="a suffix"),
        pytest.param("bytes=-99", "bytes 0-9/10", True, id="a suffix longer than the whole"),
        pytest.param("bytes=1-4", "bytes 0-4/10", False, id="from an earlier first-pos"),
        pytest.param("bytes=1-4", "bytes 2-4/10", False, id="from a later one"),
        pytest.param("bytes=0-4", "bytes 0-5/10", False, id="to a later last-pos"),
        pytest.param("bytes=0-4", "bytes 0-3/10", False, id="a part of the part"),
        pytest.param("bytes=5-", "bytes 5-8/10", False, id="an open end that is not the last"),
        pytest.param("bytes=5-99", "bytes 5-8/10", False, id="clamped too far"),
        pytest.param("bytes=-3", "bytes 0-2/10", False, id="the beginning for a suffix"),
        pytest.param("bytes=-3", "bytes 6-8/10", False, id="a suffix that is not the end"),
        pytest.param("bytes=10-", "bytes 0-9/10", False, id="the whole for what lies outside"),
        pytest.param("bytes=-0", "bytes 9-9/10", False, id="something for an empty suffix"),
        pytest.param("bytes=0-1,8-9", "bytes 0-9/10", False, id="the whole for ranges apart"),
        pytest.param("bytes=0-5,3-9", "bytes 0-9/10", True, id="ranges that are one"),
        pytest.param("pages=1", "bytes 0-9/10", False, id="another unit"),
        pytest.param("bytes=0-4", "bytes 0-4/*", True, id="length unknown: the very range"),
        pytest.param("bytes=0-4", "bytes 0-3/*", True, id="length unknown: the end came before"),
        pytest.param("bytes=0-4", "bytes 0-5/*", False, id="length unknown: more than asked"),
        pytest.param("bytes=1-4", "bytes 0-4/*", False, id="length unknown: another first-pos"),
        pytest.param("bytes=5-", "bytes 5-8/*", True, id="length unknown: an open end"),
        pytest.param("bytes=-3", "bytes 7-9/*", False, id="length unknown: no suffix is proved"),
    ],
)
def test_is_part_asked_for(asked: str, said: str, *, is_it: bool) -> None:
    """A 206 answers the range that was asked, clamped to the complete length, and no other."""
    part = parse_content_range(said)
    assert isinstance(part, ContentRange)
    assert is_part_asked_for(asked, part) == is_it


@given(value=range_values, length=st.integers(1, 25))
def test_the_selected_range_is_the_part_asked_for(value: str, length: int) -> None:
    """Whatever an origin of our own rules selects is what was asked."""
    selected = select(value, length=length)
    if isinstance(selected, SelectedRange):
        assert is_part_asked_for(value, ContentRange(selected.first, selected.last, length))
        if selected.octets > 1:
            shorter = ContentRange(selected.first, selected.last - 1, length)
            assert not is_part_asked_for(value, shorter)


@given(first=st.integers(0, 2**60), octets=st.integers(1, 2**60), rest=st.integers(0, 2**60))
def test_content_range_is_read_as_written(first: int, octets: int, rest: int) -> None:
    """A Content-Range of ours reads back as the same range."""
    last = first + octets - 1
    selected = SelectedRange(first, last, last + 1 + rest)
    said = parse_content_range(selected.content_range)
    assert said == ContentRange(first, last, last + 1 + rest)
