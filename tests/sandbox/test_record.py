"""The record of what each listener received."""

import asyncio

from proxy.sandbox import record
from proxy.sandbox.record import Recorded, RequestLog


def entry(target: str = "/a?b=%20", listener: str = "cdn") -> Recorded:
    return Recorded(listener, "GET", target, (("X-One", "1"), ("x-one", "2")))


def test_recorded() -> None:
    """A request is read by path, query and field, and searched for secrets."""
    one = entry()
    assert one.path == "/a"
    assert one.query == (("b", " "),)
    assert one.value("X-ONE") == "1, 2"
    assert one.value("other") is None
    assert one.holds("%20")
    assert not one.holds("%21")


def test_log() -> None:
    """It is a sequence, can be asked by listener and path, and cleared."""
    log = RequestLog()
    log.add(entry())
    log.add(entry("/b", "api"))
    assert len(log) == 2
    assert log[-1].listener == "api"
    assert [one.target for one in log[:1]] == ["/a?b=%20"]
    assert log.of("api") == [log[1]]
    assert log.of("api", "/a") == []
    log.clear()
    assert list(log) == []


def test_log_is_bounded() -> None:
    """The oldest requests go."""
    log = RequestLog()
    for number in range(record.LIMIT + 1):
        log.add(entry(f"/{number}"))
    assert len(log) <= record.LIMIT
    assert log[-1].target == f"/{record.LIMIT}"


async def test_wait_for() -> None:
    """A test can wait until requests have come."""
    log = RequestLog()
    waiting = asyncio.create_task(log.wait_for("cdn", "/a", count=2))
    await asyncio.sleep(0)
    log.add(entry())
    log.add(entry("/b"))
    await asyncio.sleep(0)
    assert not waiting.done()
    log.add(entry())
    assert len(await waiting) == 2
