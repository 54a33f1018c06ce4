"""What is known of one request."""

import pytest

from proxy.telemetry.access_record import AccessRecord, new_request_id

REQUESTS = 10_000


def test_request_ids_are_unique() -> None:
    """No two requests have one id, and each looks like the next."""
    ids = {new_request_id() for _ in range(REQUESTS)}
    assert len(ids) == REQUESTS
    assert {len(each) for each in ids} == {32}


def test_how_long_it_took() -> None:
    """The time stands still once the request has ended."""
    record = AccessRecord("id", "127.0.0.1", "https", None, 1.0, monotonic=lambda: 3.0)
    assert record.lasted_s == 2
    record.ended = 2.0
    assert record.lasted_s == 1


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
    assert record.is_failure is is_failure
