"""What is known of one request."""

from datetime import datetime

import pytest
import structlog

from proxy.telemetry.access_record import (
    AccessRecord,
    is_request_id,
    log_access,
    new_request_id,
)
from proxy.telemetry.log import Severity
from tests.logs import logged

REQUESTS = 10_000


def test_request_ids_are_unique() -> None:
    """No two requests have one id, and each looks like the next."""
    ids = {new_request_id() for _ in range(REQUESTS)}
    assert len(ids) == REQUESTS
    assert {len(each) for each in ids} == {32}


@pytest.mark.parametrize(
    ("status", "ended_by", "is_failure"),
    [
        pytest.param(200, "complete", False, id="complete"),
        pytest.param(200, "client", False, id="the client left"),
        pytest.param(None, "client", False, id="the client left before the answer"),
        pytest.param(404, "complete", False, id="no such address"),
        pytest.param(502, "complete", True, id="the origin failed"),
        pytest.param(206, "origin", True, id="the origin broke off"),
        pytest.param(200, "gateway", True, id="cut at the end of the drain"),
    ],
)
def test_whose_fault(status: int | None, ended_by: str, *, is_failure: bool) -> None:
    """A failure is what THRON, an origin or this gateway is to blame for."""
    record = AccessRecord("id", "127.0.0.1", "https", None, 0.0, status=status, ended_by=ended_by)
    assert (record.severity != "info") is is_failure


@pytest.mark.parametrize(
    ("status", "ended_by", "error", "severity"),
    [
        pytest.param(206, "complete", None, "info", id="complete"),
        pytest.param(200, "client", None, "info", id="the client left"),
        pytest.param(404, "complete", "UnknownAddress", "info", id="no such address"),
        pytest.param(429, "complete", "TooManyForClient", "info", id="one client's limit"),
        pytest.param(503, "complete", "Overloaded", "warning", id="a limit of all"),
        pytest.param(502, "complete", "connection_refused", "warning", id="the origin failed"),
        pytest.param(504, "complete", "http_response_timeout", "warning", id="it was too slow"),
        pytest.param(200, "origin", "http_response_incomplete", "warning", id="it broke off"),
        pytest.param(200, "gateway", None, "warning", id="cut at the end of the drain"),
        pytest.param(500, "gateway", "ZeroDivisionError", "error", id="a defect"),
        pytest.param(200, "gateway", "ZeroDivisionError", "error", id="a defect in the middle"),
    ],
)
def test_severity(status: int, ended_by: str, error: str | None, severity: Severity) -> None:
    """Defects are errors, failures of others warnings, and what clients do is neither."""
    record = AccessRecord("id", "127.0.0.1", "https", None, 0.0, status=status, ended_by=ended_by)
    record.error = error
    assert record.severity == severity


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        pytest.param("7b44ab7f-3ec8-4c9e-8f5e-1d0a2f4d5c6e", True, id="UUID"),
        pytest.param("Root=1-67891233-abcdef012345678912345678", True, id="of a balancer"),
        pytest.param("x" * 128, True, id="long"),
        pytest.param("x" * 129, False, id="too long"),
        pytest.param("", False, id="empty"),
        pytest.param("a b", False, id="blank"),
        pytest.param("a\r\nSet-Cookie: b", False, id="lines"),
        pytest.param("a\n", False, id="a line's end"),
        pytest.param('"><script>', False, id="page"),
        pytest.param("à", False, id="not ASCII"),
    ],
)
def test_request_id_of_a_proxy(value: str, *, is_one: bool) -> None:
    """It can stand in a line, a field and a page, or counts as none."""
    assert is_request_id(value) is is_one


@pytest.mark.parametrize("reason", ["in order", "\udcff"])
def test_an_access_record_looks_like_other_lines(reason: str) -> None:
    """It goes a shorter way, and has level and time all the same, whatever it holds."""
    with logged() as told:
        structlog.get_logger("proxy.test").info("other")
        log_access(AccessRecord("id", "127.0.0.1", "http", None, 0.0, reason=reason))
    other, record = told.events
    assert record.keys() >= other.keys() | {"reason"}
    assert record["level"] == other["level"]
    times = [datetime.fromisoformat(each["timestamp"]) for each in told.events]
    assert times[0] <= times[1]
    assert record["timestamp"].endswith("Z")
