"""Members of THRON's JSON, in every variation that its services show."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.thron import json_fields

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b'{"a":1}', {"a": 1}, id="plain"),
        pytest.param(b'\xef\xbb\xbf{"a":1}', {"a": 1}, id="byte order mark"),
        pytest.param(b'{"a":"\xff"}', {"a": "�"}, id="not UTF-8"),
        pytest.param(b'{"a":"x\ny"}', {"a": "x\ny"}, id="raw line break in a string"),
    ],
)
def test_parse(body: bytes, value: Any) -> None:
    """JSON is read even where its text is not as it should be."""
    assert json_fields.parse(body) == value


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"a":NaN}', b"[" * 100_000, b'{"a":1', b"1" * 10_000 + b"x"],
    ids=["empty", "HTML", "no number", "too deep", "torn", "no JSON"],
)
def test_parse_refuses(body: bytes) -> None:
    """What is not JSON is a ValueError and nothing else."""
    with pytest.raises(ValueError, match=r".+"):
        json_fields.parse(body)


def test_lone_surrogates_are_replaced() -> None:
    """A title with half a character is text that can be encoded."""
    found = json_fields.text(json_fields.parse(b'{"name":"a\\ud800\xc3\xa9"}'), "name")
    assert found == "a�é"


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        pytest.param(
            "2024-02-11T17:48:36.017Z",
            datetime(2024, 2, 11, 17, 48, 36, 17_000, tzinfo=UTC),
            id="THRON's own",
        ),
        pytest.param(
            "2024-05-01T10:00:00.000+0200", datetime(2024, 5, 1, 8, tzinfo=UTC), id="offset"
        ),
        pytest.param("2024-05-01T10:00:00", datetime(2024, 5, 1, 10, tzinfo=UTC), id="no offset"),
        pytest.param("2015", datetime(2015, 1, 1, tzinfo=UTC), id="a year"),
        pytest.param("2015-03", datetime(2015, 3, 1, tzinfo=UTC), id="a month"),
        pytest.param("2015-03-04", datetime(2015, 3, 4, tzinfo=UTC), id="a day"),
        pytest.param(1_700_000_000_000, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), id="ms"),
        pytest.param(
            "1700000000000", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), id="ms as digits"
        ),
        pytest.param("yesterday", None, id="a word"),
        pytest.param("", None, id="empty"),
        pytest.param(True, None, id="a truth value"),
        pytest.param(10**30, None, id="beyond time"),
        pytest.param("9999-12-31T23:59:59-12:00", None, id="after the last year"),
        pytest.param({"date": 1}, None, id="an object"),
    ],
)
def test_date(value: Any, moment: datetime | None) -> None:
    """A date is read in several forms, and a bad one is none."""
    assert json_fields.date({"at": value}, "at") == moment


@pytest.mark.parametrize(
    ("members", "found"),
    [
        pytest.param({"a": [1, 2]}, (1, 2), id="a list"),
        pytest.param({"a": {"id": 1}}, ({"id": 1},), id="a single object"),
        pytest.param({"a": "x"}, ("x",), id="a single text"),
        pytest.param({"a": None}, (), id="null"),
        pytest.param({}, (), id="missing"),
        pytest.param({"a": [None, 1]}, (1,), id="null in the list"),
        pytest.param({"a": None, "b": [3]}, (3,), id="the other name"),
    ],
)
def test_items(members: dict[str, Any], found: tuple[Any, ...]) -> None:
    """A list may be single, null, missing, or of another name."""
    assert json_fields.items(members, "a", "b") == found


@pytest.mark.parametrize(
    ("value", "found"),
    [(5, 5), ("12", 12), (-1, None), (True, None), ("1.5", None), (2.0, None), (None, None)],
)
def test_number(value: Any, found: int | None) -> None:
    """A count is a whole number of at least zero, or its digits."""
    assert json_fields.number({"n": value}, "n") == found


@pytest.mark.parametrize(
    ("value", "found"),
    [(True, True), (False, False), ("false", False), ("True", True), (None, True), (0, True)],
)
def test_flag(value: Any, *, found: bool) -> None:
    """A truth value may be a word; anything else is the default."""
    assert json_fields.flag({"x": value}, "x", default=True) is found


@given(st.dictionaries(st.sampled_from(["a", "b"]), JSON))
def test_nothing_raises(members: dict[str, Any]) -> None:
    """Whatever JSON holds can be read as anything."""
    json_fields.text(members, "a", "b")
    json_fields.items(members, "a", "b")
    json_fields.number(members, "a", "b")
    json_fields.date(members, "a", "b")
    json_fields.flag(members, "a", default=False)
    json_fields.members(members.get("a"))
