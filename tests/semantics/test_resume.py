"""What may be joined to a response that broke off."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.entity_tags import EntityTag
from proxy.semantics.ranges import SelectedRange
from proxy.semantics.resume import ResumePoint, continuation, octets_to_skip

V1 = EntityTag("v1")
WHOLE = ResumePoint(V1, SelectedRange(0, 99, 100))
PART = ResumePoint(V1, SelectedRange(20, 59, 100))

Fields = dict[str, str]


@pytest.mark.parametrize(
    ("status", "fields", "resume_point"),
    [
        pytest.param(200, {"ETag": '"v1"', "Content-Length": "100"}, WHOLE, id="whole"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 20-59/100"}, PART, id="part"),
        pytest.param(200, {"ETag": 'W/"v1"', "Content-Length": "100"}, None, id="weak tag"),
        pytest.param(200, {"Content-Length": "100"}, None, id="no tag"),
        pytest.param(
            200,
            {"Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT", "Content-Length": "100"},
            None,
            id="only a date",
        ),
        pytest.param(200, {"ETag": '"v1"'}, None, id="no length"),
        pytest.param(200, {"ETag": '"v1"', "Content-Length": "0"}, None, id="nothing to break"),
        pytest.param(200, {"ETag": '"v1"', "Content-Length": "x"}, None, id="no number"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 0-9/*"}, None, id="no whole"),
        pytest.param(206, {"ETag": '"v1"', "Content-Length": "40"}, None, id="no Content-Range"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes */9"}, None, id="unsatisfied"),
        pytest.param(404, {"ETag": '"v1"', "Content-Length": "100"}, None, id="another status"),
        pytest.param(
            200,
            {"ETag": '"v1"', "Content-Length": "100", "Content-Encoding": "gzip"},
            None,
            id="coded",
        ),
        pytest.param(
            200,
            {"ETag": '"v1"', "Content-Length": "100", "Content-Encoding": "identity"},
            WHOLE,
            id="coded as itself",
        ),
    ],
)
def test_resume_point(status: int, fields: Fields, resume_point: ResumePoint | None) -> None:
    """A response can be continued if a strong tag and the complete length identify it."""
    assert ResumePoint.of(status, CIMultiDict(fields)) == resume_point


@pytest.mark.parametrize(
    ("resume_point", "received", "range_value"),
    [
        pytest.param(WHOLE, 0, "bytes=0-99", id="before the first octet"),
        pytest.param(WHOLE, 10, "bytes=10-99", id="in the middle"),
        pytest.param(WHOLE, 99, "bytes=99-99", id="before the last octet"),
        pytest.param(WHOLE, 100, None, id="complete"),
        pytest.param(WHOLE, 101, None, id="more than promised"),
        pytest.param(PART, 0, "bytes=20-59", id="part from its first position"),
        pytest.param(PART, 39, "bytes=59-59", id="part, last octet missing"),
        pytest.param(PART, 40, None, id="part complete"),
    ],
)
def test_continuation(resume_point: ResumePoint, received: int, range_value: str | None) -> None:
    """The rest is asked for from the exact octet, and only of the same version."""
    lines = continuation(resume_point, received=received)
    if range_value is None:
        assert lines is None
    else:
        assert lines == [("Range", range_value), ("If-Range", '"v1"')]


@pytest.mark.parametrize(
    ("status", "fields", "skip"),
    [
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 30-59/100"}, 0, id="the rest"),
        pytest.param(200, {"ETag": '"v1"', "Content-Length": "100"}, 30, id="Range is ignored"),
        pytest.param(206, {"ETag": '"v2"', "Content-Range": "bytes 30-59/100"}, None, id="new tag"),
        pytest.param(206, {"ETag": 'W/"v1"', "Content-Range": "bytes 30-59/100"}, None, id="weak"),
        pytest.param(206, {"Content-Range": "bytes 30-59/100"}, None, id="no tag"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 29-59/100"}, None, id="earlier"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 31-59/100"}, None, id="later"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 30-58/100"}, None, id="shorter"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 30-59/101"}, None, id="grown"),
        pytest.param(206, {"ETag": '"v1"', "Content-Range": "bytes 30-59/*"}, None, id="unknown"),
        pytest.param(206, {"ETag": '"v1"'}, None, id="no Content-Range"),
        pytest.param(200, {"ETag": '"v2"', "Content-Length": "100"}, None, id="new version"),
        pytest.param(200, {"ETag": '"v1"', "Content-Length": "99"}, None, id="other length"),
        pytest.param(200, {"ETag": '"v1"'}, None, id="no length"),
        pytest.param(416, {"ETag": '"v1"', "Content-Range": "bytes */20"}, None, id="shrunk"),
        pytest.param(404, {}, None, id="gone"),
        pytest.param(503, {}, None, id="failing"),
    ],
)
def test_second_response(status: int, fields: Fields, skip: int | None) -> None:
    """Ten octets into 20-59 of 100, only what is proved the same is joined."""
    second = CIMultiDict(fields)
    assert octets_to_skip(PART, received=10, status=status, fields=second) == skip


@st.composite
def breaks(draw: st.DrawFn) -> tuple[bytes, SelectedRange, int]:
    """Draw a representation, a range of it, and after how many octets it breaks."""
    data = draw(st.binary(min_size=1, max_size=40))
    first = draw(st.integers(0, len(data) - 1))
    selected = SelectedRange(first, draw(st.integers(first, len(data) - 1)), len(data))
    return data, selected, draw(st.integers(0, selected.octets - 1))


def _answer(
    data: bytes, *, tag: str, selected: SelectedRange | None
) -> tuple[int, CIMultiDict[str], bytes]:
    """Answer as an origin of this representation does, whole or in part."""
    if selected is None:
        return 200, CIMultiDict({"ETag": tag, "Content-Length": str(len(data))}), data
    fields = CIMultiDict({"ETag": tag, "Content-Range": selected.content_range})
    return 206, fields, data[selected.first : selected.last + 1]


@given(case=breaks(), other=st.binary(max_size=40), takes_ranges=st.booleans(), new=st.booleans())
def test_joined_octets_are_of_one_version(
    case: tuple[bytes, SelectedRange, int], other: bytes, *, takes_ranges: bool, new: bool
) -> None:
    """Wherever it breaks, and whatever the origin then holds, the client gets one version."""
    data, selected, received = case
    status, fields, body = _answer(data, tag='"v1"', selected=selected)
    resume_point = ResumePoint.of(status, fields)
    assert resume_point is not None
    assert continuation(resume_point, received=received) is not None
    rest = SelectedRange(selected.first + received, selected.last, len(data))
    status, fields, second = _answer(
        other if new else data,
        tag='"v2"' if new else '"v1"',
        selected=rest if takes_ranges and not new else None,
    )
    skip = octets_to_skip(resume_point, received=received, status=status, fields=fields)
    assert (skip is None) == new
    if skip is not None:
        missing = second[skip : skip + selected.octets - received]
        assert body[:received] + missing == body
