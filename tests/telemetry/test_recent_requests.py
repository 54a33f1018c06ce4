"""The requests that ended last."""

import time
from typing import Any

from proxy.telemetry.access_record import AccessRecord
from proxy.telemetry.live import Traffic
from proxy.telemetry.minutes import whole


def _record(path: str = "/media/en/film", **more: Any) -> AccessRecord:
    record = AccessRecord(
        "id", "127.0.0.1", "https", None, time.monotonic(), method="GET", path=path
    )
    for name, value in more.items():
        setattr(record, name, value)
    return record


def test_newest_first() -> None:
    """The newest requests come first, numbered as they ended."""
    traffic = Traffic(now=lambda: 1_700_000_000.0)
    for status in (200, 206, 404):
        traffic.end(_record(status=status))
    recent = traffic.recent
    assert [each.status for each in recent.newest()] == [404, 206, 200]
    assert [each.number for each in recent.newest(most=2)] == [3, 2]
    assert recent.newest()[0].at.isoformat() == "2023-11-14T22:13:20+00:00"


def test_bounded() -> None:
    """So many are kept and no more, and a path of any length is cut."""
    traffic = Traffic(now=time.time, kept=10)
    for _ in range(100):
        traffic.end(_record("/" + "x" * 8000))
    kept = traffic.recent.newest()
    assert [each.number for each in kept] == list(range(100, 90, -1))
    assert len(kept[0].path) < 500
    assert traffic.recent.last == 100


def test_each_is_counted_once() -> None:
    """What is kept no longer has been counted, whether somebody looks or not."""
    traffic = Traffic(now=time.time, kept=10)
    for number in range(1, 36):
        traffic.end(_record(status=200))
        if number % 7 == 0:
            traffic.sum_up()
    assert whole(traffic.hour()).requests == 35
    assert set(traffic.answers.values()) == {35}


def test_only_what_is_wanted() -> None:
    """The newest of those that are wanted are given, however old they are."""
    traffic = Traffic(now=time.time)
    for number in range(20):
        traffic.end(_record(connector="media" if number % 5 == 0 else "files"))
    found = traffic.recent.newest(most=2, wanted=lambda each: each.connector == "media")
    assert [each.number for each in found] == [16, 11]
