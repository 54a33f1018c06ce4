"""What is answered here, and what the origin is asked."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.evaluation import (
    Answer,
    Described,
    Forward,
    NotModified,
    PreconditionFailed,
    RangeNotSatisfiable,
    RepresentationMetadata,
    decide,
)
from proxy.semantics.headers import INBOUND, inbound

THEN = "Sun, 06 Nov 1994 08:49:37 GMT"
LATER = "Mon, 07 Nov 1994 08:49:37 GMT"
KNOWN = RepresentationMetadata(etag='"v1"', last_modified=THEN, date=LATER, complete_length=100)

Lines = list[tuple[str, str]]


def forward(*lines: tuple[str, str]) -> Forward:
    return Forward(lines)


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        pytest.param([], forward(), id="plain"),
        pytest.param([("If-None-Match", '"v1"')], NotModified(), id="the client has it"),
        pytest.param([("If-Modified-Since", LATER)], NotModified(), id="by date"),
        pytest.param(
            [("If-None-Match", '"v0"')],
            forward(("If-None-Match", '"v0"')),
            id="it has another: the origin may have gone on to that",
        ),
        pytest.param([("If-Match", '"v0"')], PreconditionFailed(), id="it takes it for another"),
        pytest.param(
            [("Range", "bytes=-10")],
            forward(("Range", "bytes=-10")),
            id="a suffix stays one: the length may be another by now",
        ),
        pytest.param(
            [("Range", "bytes=90-")], forward(("Range", "bytes=90-")), id="so does an open end"
        ),
        pytest.param(
            [("Range", "bytes=0-60,-50")],
            forward(("Range", "bytes=0-99")),
            id="ranges that are one, now that the length is known",
        ),
        pytest.param(
            [("Range", "bytes=0-60,-50"), ("If-Range", '"v1"')],
            forward(("Range", "bytes=0-99"), ("If-Range", '"v1"')),
            id="and the condition on which they were asked for",
        ),
        pytest.param([("Range", "bytes=0-1,50-60")], forward(), id="ranges apart: the whole"),
        pytest.param([("Range", "bytes=100-")], RangeNotSatisfiable("bytes */100"), id="outside"),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", '"v1"')],
            forward(("Range", "bytes=0-4"), ("If-Range", '"v1"')),
            id="If-Range holds, and travels along",
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", '"v0"')], forward(), id="If-Range of another"
        ),
        pytest.param(
            [("Range", "bytes=500-"), ("If-Range", '"v0"')],
            forward(),
            id="outside, but If-Range goes before",
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", THEN)],
            forward(("Range", "bytes=0-4"), ("If-Range", THEN)),
            id="If-Range by a strong date",
        ),
        pytest.param(
            [("Range", "bytes=500-"), ("If-None-Match", '"v1"')],
            NotModified(),
            id="preconditions go before ranges",
        ),
        pytest.param(
            [("Range", "bytes=500-"), ("If-Match", '"v0"')],
            PreconditionFailed(),
            id="so do failing ones",
        ),
    ],
)
def test_decide_when_known(lines: Lines, answer: Answer) -> None:
    """With validators and length known, a GET is answered here where it can be (13.2.2)."""
    assert decide(CIMultiDict(lines), method="GET", known=KNOWN) == answer


@pytest.mark.parametrize(
    ("lines", "known", "answer"),
    [
        pytest.param([], KNOWN, Described(100), id="known"),
        pytest.param([("Range", "bytes=0-4")], KNOWN, Described(100), id="HEAD ignores Range"),
        pytest.param([("Range", "bytes=500-")], KNOWN, Described(100), id="also one outside"),
        pytest.param([("If-None-Match", "*")], KNOWN, NotModified(), id="the client has it"),
        pytest.param([("If-Match", '"v0"')], KNOWN, PreconditionFailed(), id="another version"),
        pytest.param([], RepresentationMetadata(etag='"v1"'), forward(), id="length unknown"),
        pytest.param(
            [("Range", "bytes=0-4")], RepresentationMetadata(), forward(), id="no Range with HEAD"
        ),
        pytest.param([("Range", "bytes=0-4")], None, forward(), id="nothing known"),
    ],
)
def test_decide_head(lines: Lines, known: RepresentationMetadata | None, answer: Answer) -> None:
    """A HEAD is answered here as soon as the length is known."""
    assert decide(CIMultiDict(lines), method="HEAD", known=known) == answer


@pytest.mark.parametrize(
    ("lines", "known", "answer"),
    [
        pytest.param(
            [("Range", "bytes=500-")],
            RepresentationMetadata(etag='"v1"'),
            forward(("Range", "bytes=500-")),
            id="length unknown: the origin tells what lies outside",
        ),
        pytest.param(
            [("If-Match", '"v1"')],
            RepresentationMetadata(complete_length=100),
            forward(("If-Match", '"v1"')),
            id="no tag known: the origin compares",
        ),
        pytest.param(
            [("If-Match", "*")],
            RepresentationMetadata(),
            forward(("If-Match", "*")),
            id="it exists all the same",
        ),
        pytest.param(
            [("Range", "bytes=0-4"), ("If-Range", THEN)],
            RepresentationMetadata(last_modified=THEN, complete_length=100),
            forward(),
            id="a date that may be weak does not hold",
        ),
        pytest.param(
            [("Range", "bytes=0-")],
            RepresentationMetadata(complete_length=0),
            RangeNotSatisfiable("bytes */0"),
            id="nothing to select from",
        ),
    ],
)
def test_decide_when_little_is_known(
    lines: Lines, known: RepresentationMetadata, answer: Answer
) -> None:
    """What is not known is left to the origin."""
    assert decide(CIMultiDict(lines), method="GET", known=known) == answer


names = st.sampled_from(
    ["Range", "If-Range", "If-Match", "If-None-Match", "If-Modified-Since", "Connection", "Cookie"]
)
values = st.sampled_from(
    ['"v1"', 'W/"v1"', '"v0"', "*", THEN, LATER, "bytes=0-4", "bytes=-5", "bytes=200-", "range"]
) | st.text(st.characters(), max_size=10)
sections = st.lists(st.tuples(names, values), max_size=5).map(CIMultiDict)
knowns = st.builds(
    RepresentationMetadata,
    etag=st.sampled_from([None, '"v1"', 'W/"v1"', "bare"]),
    last_modified=st.sampled_from([None, THEN, "never"]),
    date=st.sampled_from([None, THEN, LATER]),
    complete_length=st.none() | st.integers(0, 300),
)
methods = st.sampled_from(["GET", "HEAD"])


@given(fields=sections, method=methods)
def test_nothing_known_is_forwarded_as_it_is(fields: CIMultiDict[str], method: str) -> None:
    """Before the first answer of the origin all is left to it."""
    assert decide(fields, method=method, known=None) == Forward(
        tuple(inbound(fields, method=method))
    )


@given(fields=sections, known=knowns, method=methods)
def test_any_request_gets_an_answer(
    fields: CIMultiDict[str], known: RepresentationMetadata, method: str
) -> None:
    """Nothing raises; a range goes with GET alone; 416 only where the length is known."""
    match decide(fields, method=method, known=known):
        case Forward(lines):
            assert method == "GET" or "Range" not in dict(lines)
        case RangeNotSatisfiable(content_range):
            assert method == "GET"
            assert content_range == f"bytes */{known.complete_length}"
        case Described(length):
            assert (method, length) == ("HEAD", known.complete_length)


@pytest.mark.parametrize("name", [*INBOUND, "Connection"])
def test_long_values_are_not_remembered(name: str) -> None:
    """What clients send in repeated lines may be a megabyte each time, and is not kept."""

    def ask(number: int) -> None:
        fields = CIMultiDict([("Range", "bytes=0-"), ("If-None-Match", '"v0"')])
        fields[name] = f'"{number}{"x" * 100_000}"'
        decide(fields, method="GET", known=KNOWN)

    ask(0)
    tracemalloc.start()
    try:
        for number in range(1, 30):
            ask(number)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 1_000_000
