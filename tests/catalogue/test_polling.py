"""Polling goes on, whatever happens to one call."""

import asyncio
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from proxy.catalogue.polling import polling
from proxy.errors import ConfigurationError, DatabaseFailed
from tests.waiting import PATIENCE_S


class Scripted:
    """Does one thing after another, and says when the last is done."""

    def __init__(self, *outcomes: Exception | None) -> None:
        self._outcomes = list(outcomes)
        self.is_over = asyncio.Event()

    async def __call__(self) -> None:
        """Do the next thing."""
        if not self._outcomes:
            self.is_over.set()
            return
        outcome = self._outcomes.pop(0)
        if outcome is not None:
            raise outcome


async def _logged(*outcomes: Exception | None) -> list[tuple[str, str]]:
    poll = Scripted(*outcomes)
    with capture_logs() as logs:
        async with polling("things", poll, interval_s=0), asyncio.timeout(PATIENCE_S):
            await poll.is_over.wait()
    return [(entry["log_level"], entry["event"]) for entry in logs]


async def test_an_outage_is_told_once() -> None:
    """Failures in a row are one line in the log, and their end another."""
    down = DatabaseFailed("down")
    assert await _logged(None, down, down, down, None, None) == [
        ("warning", "not read"),
        ("info", "read again"),
    ]


@pytest.mark.parametrize(
    ("failure", "logged"),
    [
        pytest.param(DatabaseFailed("x"), ("warning", "not read"), id="database"),
        pytest.param(ConfigurationError(["x"]), ("warning", "not read"), id="operator's slip"),
        pytest.param(ValueError("x"), ("error", "bug in polling"), id="bug"),
    ],
)
async def test_it_goes_on(failure: Exception, logged: tuple[str, str]) -> None:
    """After a failure, and after a bug, the next call comes; only a bug is an error."""
    assert logged in await _logged(failure)


async def test_news_are_not_waited_for() -> None:
    """What happens before a call or during one makes the next come at once."""
    events, calls = [asyncio.Event()], 0

    def news() -> asyncio.Event:
        events.append(asyncio.Event())
        return events[-1]

    async def poll() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            events[-1].set()
        elif calls == 2:
            called_twice.set()

    called_twice = asyncio.Event()
    async with polling("things", poll, interval_s=3600, news=news), asyncio.timeout(PATIENCE_S):
        await asyncio.sleep(0)
        events[-1].set()
        await called_twice.wait()


async def test_much_news_is_not_much_work() -> None:
    """However often there is some, calls are apart."""
    event, called_at = asyncio.Event(), list[float]()
    event.set()
    enough = asyncio.Event()

    async def poll() -> None:
        called_at.append(asyncio.get_running_loop().time())
        if len(called_at) == 4:
            enough.set()

    async with polling("things", poll, interval_s=3600, news=lambda: event, apart_s=0.1):
        async with asyncio.timeout(60):
            await enough.wait()
    apart = [later - earlier for earlier, later in pairwise(called_at)]
    assert min(apart) >= 0.09


async def test_it_ends_with_its_block() -> None:
    """At the end of the block nothing runs any more, even in the middle of a call."""
    begun = asyncio.Event()

    async def stuck() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with polling("things", stuck, interval_s=0):
        await begun.wait()
    assert "things" not in {task.get_name() for task in asyncio.all_tasks()}
