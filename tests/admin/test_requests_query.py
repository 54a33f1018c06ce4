"""Which of the recent requests are wanted."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict

from proxy.admin.requests_query import Outcome, RequestsQuery, outcome, readable
from proxy.admin.validation import lenient
from proxy.telemetry.recent_requests import EndedRequest


def _ended(**changed: Any) -> EndedRequest:
    usual: dict[str, Any] = {
        "number": 1,
        "at": datetime(2026, 1, 1, tzinfo=UTC),
        "duration_s": 0.1,
        "request_id": "0123abcd",
        "client": "192.0.2.7",
        "method": "GET",
        "path": "/media/it/citt%C3%A0/foto%20uno.jpg",
        "status": 200,
        "octets": 10,
        "expected": 10,
        "connector": "media",
        "content_id": "c-1",
        "resolution": "hit",
        "selected_range": None,
        "first_byte_s": 0.01,
        "resumed": 0,
        "ended_by": "complete",
        "error": None,
        "reason": None,
    }
    return EndedRequest(**(usual | changed))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({"status": 206}, Outcome.SUCCESS, id="206"),
        pytest.param({"status": 304}, Outcome.REDIRECT, id="304"),
        pytest.param({"status": 404}, Outcome.CLIENT_ERROR, id="404"),
        pytest.param({"status": 502}, Outcome.SERVER_ERROR, id="502"),
        pytest.param({"ended_by": "client"}, Outcome.BROKEN, id="the client left"),
        pytest.param({"ended_by": "origin"}, Outcome.BROKEN, id="the origin broke off"),
        pytest.param({"status": None, "ended_by": "client"}, Outcome.BROKEN, id="no answer"),
    ],
)
def test_outcome(changed: dict[str, Any], expected: Outcome) -> None:
    """A status counts only where its answer came to its end."""
    assert outcome(_ended(**changed)) is expected


@pytest.mark.parametrize(
    ("query", "is_wanted"),
    [
        pytest.param({}, True, id="everything"),
        pytest.param({"status": "2xx", "connector": "media", "text": "foto"}, True, id="all hold"),
        pytest.param({"status": "4xx"}, False, id="another status"),
        pytest.param({"connector": "files"}, False, id="another connector"),
        pytest.param({"text": "CITTÀ/Foto UNO"}, True, id="path as people write it"),
        pytest.param({"text": "foto%20uno"}, True, id="path as it came"),
        pytest.param({"text": "192.0.2."}, True, id="client"),
        pytest.param({"text": "0123AB"}, True, id="request id"),
        pytest.param({"text": "c-1"}, True, id="content id"),
        pytest.param({"text": "nothing"}, False, id="nothing"),
    ],
)
def test_wants(query: dict[str, str], *, is_wanted: bool) -> None:
    """Everything that is asked has to hold."""
    asked = lenient(RequestsQuery, MultiDict(query))
    assert asked.wants(_ended()) is is_wanted
    assert asked.is_narrow is bool(query)


def test_lenient() -> None:
    """Of an address that makes no sense what does is kept."""
    query = {"status": "9xx", "connector": "x" * 999, "text": "a", "no": "1"}
    found = lenient(RequestsQuery, MultiDict(query))
    assert found == RequestsQuery(text="a")
    assert found.address == "text=a"


@given(st.text(max_size=50))
def test_readable(path: str) -> None:
    """Whatever a path is made of, what is shown is printable or as it came."""
    shown = readable(path)
    assert shown == path or shown.isprintable()


def test_octets_that_are_no_text() -> None:
    """A path that is no UTF-8, or would hide something, is shown raw."""
    assert readable("/a/%FF") == "/a/%FF"
    assert readable("/a/%E2%80%AE") == "/a/%E2%80%AE"
