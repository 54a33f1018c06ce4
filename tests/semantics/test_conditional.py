"""Preconditions in their order, as RFC 9110 section 13 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from proxy.semantics.conditional import Preconditions, Verdict, evaluate, if_range_holds
from proxy.semantics.entity_tags import EntityTag

OLD = "Sat, 05 Nov 1994 08:49:37 GMT"
THEN = "Sun, 06 Nov 1994 08:49:37 GMT"
A_SECOND_LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
NEW = "Mon, 07 Nov 1994 08:49:37 GMT"

PROCEED, NOT_MODIFIED, FAILED = Verdict.PROCEED, Verdict.NOT_MODIFIED, Verdict.FAILED

Lines = list[tuple[str, str]]


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param([], PROCEED, id="none"),
        pytest.param([("If-Match", '"v1"')], PROCEED, id="If-Match matches"),
        pytest.param([("If-Match", "*")], PROCEED, id="If-Match any"),
        pytest.param([("If-Match", '"v0", "v1"')], PROCEED, id="If-Match, second member"),
        pytest.param([("If-Match", '"v0"')], FAILED, id="If-Match differs"),
        pytest.param([("If-Match", 'W/"v1"')], FAILED, id="If-Match compares strongly"),
        pytest.param([("If-Match", "v1")], PROCEED, id="If-Match without a tag is not there"),
        pytest.param(
            [("If-Match", '"v0"'), ("If-Match", '"v1"')], PROCEED, id="If-Match on two lines"
        ),
        pytest.param([("If-Unmodified-Since", THEN)], PROCEED, id="unmodified since then"),
        pytest.param([("If-Unmodified-Since", NEW)], PROCEED, id="unmodified since later"),
        pytest.param([("If-Unmodified-Since", OLD)], FAILED, id="modified since earlier"),
        pytest.param([("If-Unmodified-Since", "soon")], PROCEED, id="no date is ignored"),
        pytest.param(
            [("If-Unmodified-Since", OLD), ("If-Unmodified-Since", OLD)],
            PROCEED,
            id="two dates are none",
        ),
        pytest.param(
            [("If-Match", '"v1"'), ("If-Unmodified-Since", OLD)],
            PROCEED,
            id="If-Match goes before If-Unmodified-Since",
        ),
        pytest.param([("If-None-Match", '"v1"')], NOT_MODIFIED, id="If-None-Match matches"),
        pytest.param([("If-None-Match", 'W/"v1"')], NOT_MODIFIED, id="it compares weakly"),
        pytest.param([("If-None-Match", "*")], NOT_MODIFIED, id="If-None-Match any"),
        pytest.param([("If-None-Match", '"v0"')], PROCEED, id="If-None-Match differs"),
        pytest.param([("If-None-Match", "v1")], PROCEED, id="no tag is ignored"),
        pytest.param(
            [("If-None-Match", '"v0"'), ("if-none-match", 'W/"v1"')],
            NOT_MODIFIED,
            id="If-None-Match on two lines",
        ),
        pytest.param([("If-Modified-Since", THEN)], NOT_MODIFIED, id="not modified since then"),
        pytest.param([("If-Modified-Since", NEW)], NOT_MODIFIED, id="not modified since later"),
        pytest.param([("If-Modified-Since", OLD)], PROCEED, id="modified since"),
        pytest.param([("If-Modified-Since", "0")], PROCEED, id="zero is no date"),
        pytest.param(
            [("If-None-Match", '"v0"'), ("If-Modified-Since", NEW)],
            PROCEED,
            id="If-None-Match goes before If-Modified-Since",
        ),
        pytest.param(
            [("If-Match", '"v0"'), ("If-None-Match", '"v1"')],
            FAILED,
            id="If-Match goes before If-None-Match",
        ),
        pytest.param(
            [("If-Match", '"v1"'), ("If-None-Match", '"v1"')],
            NOT_MODIFIED,
            id="both match",
        ),
        pytest.param(
            [("If-Unmodified-Since", NEW), ("If-Modified-Since", NEW)],
            NOT_MODIFIED,
            id="both dates",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_evaluate(lines: Lines, verdict: Verdict, method: str) -> None:
    """Preconditions are taken in the order of 13.2.2."""
    asked = Preconditions.parse(CIMultiDict(lines))
    assert evaluate(asked, etag='"v1"', last_modified=THEN, method=method) == verdict


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        pytest.param([("If-Match", '"v1"')], FAILED, id="no tag matches nothing"),
        pytest.param([("If-Match", "*")], PROCEED, id="yet it exists"),
        pytest.param([("If-None-Match", '"v1"')], PROCEED, id="no tag equals nothing"),
        pytest.param([("If-None-Match", "*")], NOT_MODIFIED, id="it exists"),
        pytest.param([("If-Unmodified-Since", OLD)], PROCEED, id="no date to compare"),
        pytest.param([("If-Modified-Since", NEW)], PROCEED, id="no date, so send it"),
    ],
)
def test_evaluate_without_validators(lines: Lines, verdict: Verdict) -> None:
    """A representation without validators is compared as 13.1 says for each field."""
    asked = Preconditions.parse(CIMultiDict(lines))
    assert evaluate(asked, etag=None, last_modified=None, method="GET") == verdict
    assert evaluate(asked, etag="bare", last_modified="never", method="GET") == verdict


def test_weak_representation_never_matches_strongly() -> None:
    """A weak ETag fails If-Match and satisfies If-None-Match."""
    match = Preconditions(if_match=(EntityTag("v1", weak=True),))
    none = Preconditions(if_none_match=(EntityTag("v1"),))
    assert evaluate(match, etag='W/"v1"', last_modified=None, method="GET") == FAILED
    assert evaluate(none, etag='W/"v1"', last_modified=None, method="GET") == NOT_MODIFIED


def test_other_methods_fail_instead() -> None:
    """What would be 304 to a GET is 412 to anything that is no read; dates do not count."""
    none = Preconditions.parse(CIMultiDict({"If-None-Match": "*"}))
    since = Preconditions.parse(CIMultiDict({"If-Modified-Since": NEW}))
    assert evaluate(none, etag='"v1"', last_modified=THEN, method="PUT") == FAILED
    assert evaluate(since, etag='"v1"', last_modified=THEN, method="PUT") == PROCEED


@pytest.mark.parametrize(
    ("value", "etag", "last_modified", "date", "holds"),
    [
        pytest.param('"v1"', '"v1"', None, None, True, id="same tag"),
        pytest.param('"v0"', '"v1"', None, None, False, id="another tag"),
        pytest.param('W/"v1"', '"v1"', None, None, False, id="weak on their side"),
        pytest.param('"v1"', 'W/"v1"', None, None, False, id="weak on ours"),
        pytest.param('W/"v1"', 'W/"v1"', None, None, False, id="weak on both"),
        pytest.param('"v1"', None, THEN, NEW, False, id="we have no tag"),
        pytest.param('"v1", "v2"', '"v1"', None, None, False, id="a list is no validator"),
        pytest.param("*", '"v1"', None, None, False, id="asterisk is no validator"),
        pytest.param("v1", '"v1"', None, None, False, id="no quotes"),
        pytest.param("", '"v1"', THEN, NEW, False, id="empty"),
        pytest.param(THEN, None, THEN, NEW, True, id="same date"),
        pytest.param(THEN, '"v1"', THEN, A_SECOND_LATER, True, id="a second old is strong"),
        pytest.param(THEN, None, THEN, THEN, False, id="as old as the answer is weak"),
        pytest.param(THEN, None, THEN, None, False, id="without Date it is weak"),
        pytest.param(NEW, None, THEN, NEW, False, id="later does not match exactly"),
        pytest.param(OLD, None, THEN, NEW, False, id="earlier does not match"),
        pytest.param(
            "Sunday, 06-Nov-94 08:49:37 GMT", None, THEN, NEW, True, id="same in another format"
        ),
        pytest.param(THEN, '"v1"', None, NEW, False, id="we have no date"),
    ],
)
def test_if_range_holds(
    value: str, etag: str | None, last_modified: str | None, date: str | None, *, holds: bool
) -> None:
    """If-Range holds for an exact strong validator, and for nothing else (13.1.5)."""
    assert if_range_holds(value, etag=etag, last_modified=last_modified, date=date) == holds


def test_preconditions_are_sent_as_read() -> None:
    """Field lines of ours read back as the same preconditions, in plain form."""
    lines: Lines = [
        ("If-None-Match", 'W/"a",junk'),
        ("If-None-Match", '"b"'),
        ("If-Modified-Since", NEW),
        ("If-Unmodified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"),
    ]
    asked = Preconditions.parse(CIMultiDict(lines))
    assert asked.as_fields() == [
        ("If-Unmodified-Since", THEN),
        ("If-None-Match", 'W/"a", "b"'),
    ]
    assert Preconditions.parse(CIMultiDict(asked.as_fields())) == asked


names = st.sampled_from(["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since"])
values = st.sampled_from(['"v1"', 'W/"v1"', '"v0"', "*", OLD, THEN, NEW, "junk", ""]) | st.text()
requests = st.lists(st.tuples(names, values), max_size=5).map(CIMultiDict)
etags = st.sampled_from([None, '"v1"', 'W/"v1"'])
dates = st.sampled_from([None, OLD, THEN])


@given(fields=requests, etag=etags, last_modified=dates)
def test_verdict_survives_forwarding(
    fields: CIMultiDict[str], etag: str | None, last_modified: str | None
) -> None:
    """The preconditions that go inbound come to the same verdict as those received."""
    asked = Preconditions.parse(fields)
    again = Preconditions.parse(CIMultiDict(asked.as_fields()))
    verdicts = [
        evaluate(one, etag=etag, last_modified=last_modified, method="GET")
        for one in (asked, again)
    ]
    assert verdicts[0] == verdicts[1]


@given(value=values, etag=etags, last_modified=dates)
def test_if_range_never_holds_weakly(
    value: str, etag: str | None, last_modified: str | None
) -> None:
    """Only the very same strong tag holds where no date can be proved strong."""
    holds = if_range_holds(value, etag=etag, last_modified=last_modified)
    assert holds == (value.strip(" \t") == etag == '"v1"')
