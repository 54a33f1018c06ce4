"""How many downloads at once, from whom, and which gives way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network

import pytest

from proxy.delivery.admission import Admission
from proxy.delivery.transfer import MinRate, Transfer
from proxy.errors import Overloaded, Preempted, TooManyForClient
from proxy.semantics.forwarded import TrustedProxies
from tests.delivery.taking import new_record
from tests.logs import logged
from tests.waiting import until

PROXY = "10.0.0.1"
LONG_S = 1000.0


def now() -> float:
    """Return a time at which whatever stalled at the begin has done so for long."""
    return LONG_S


def admission_for(max_downloads: int, *, max_per_client: int = 0) -> Admission:
    trusted = TrustedProxies([ip_network(f"{PROXY}/32")])
    return Admission(
        max_downloads=max_downloads, max_per_client=max_per_client, trusted=trusted, now=now
    )


def transfer_of(since: float = LONG_S) -> Transfer:
    """Return a transfer whose writes begin at a time."""
    return Transfer(new_record(), MinRate(min_rate_bytes_s=0, window_s=300), now=lambda: since)


@asynccontextmanager
async def admitted(admission: Admission, client: str, transfer: Transfer) -> AsyncIterator[None]:
    """Have a place for the length of the block."""
    place = await admission.enter(client, transfer)
    try:
        yield
    finally:
        admission.leave(place)


class Crowd:
    """Downloads that go on until they are cut, or the end."""

    def __init__(self, admission: Admission, tasks: asyncio.TaskGroup) -> None:
        self._admission = admission
        self._tasks = tasks
        self._ends = asyncio.Event()
        self.cut: list[str] = []

    async def download(self, client: str, *, stalled_since: float | None = 0.0) -> None:
        """Begin a download; unless told otherwise its client takes nothing."""
        begun = asyncio.Event()

        async def run() -> None:
            transfer = transfer_of(stalled_since or 0.0)
            async with admitted(self._admission, client, transfer):
                begun.set()
                if stalled_since is None:
                    await self._ends.wait()
                    return
                try:
                    async with transfer.watching():
                        transfer.waits()
                        await self._ends.wait()
                except Preempted:
                    self.cut.append(client)

        self._tasks.create_task(run())
        await begun.wait()

    def end(self) -> None:
        """Let all come to their end."""
        self._ends.set()


@asynccontextmanager
async def crowd_at(admission: Admission) -> AsyncIterator[Crowd]:
    async with asyncio.TaskGroup() as tasks:
        crowd = Crowd(admission, tasks)
        try:
            yield crowd
        finally:
            crowd.end()


async def test_more_than_allowed_are_refused_at_once() -> None:
    """The one too many is told when to come back, and a place that is free again is given."""
    admission = admission_for(2)
    async with admitted(admission, "a", transfer_of()), admitted(admission, "b", transfer_of()):
        assert admission.running == 2
        with pytest.raises(Overloaded) as refused:
            async with admitted(admission, "c", transfer_of()):
                pass
        assert refused.value.retry_after_s
    async with admitted(admission, "b", transfer_of()):
        assert admission.running == 1
    assert admission.running == 0


async def test_one_client_does_not_take_all() -> None:
    """A limit for each client binds him alone; it is no limit for a trusted proxy."""
    admission = admission_for(10, max_per_client=1)
    async with admitted(admission, "2001:db8::1", transfer_of()):
        with pytest.raises(TooManyForClient):
            async with admitted(admission, "2001:db8::2", transfer_of()):
                pass
        async with admitted(admission, "b", transfer_of()):
            pass
    async with admitted(admission, "2001:db8::1", transfer_of()):
        pass
    async with admitted(admission, PROXY, transfer_of()), admitted(admission, PROXY, transfer_of()):
        pass


async def test_a_download_that_fails_gives_its_place_back() -> None:
    """Errors inside the block are counted out too."""
    admission = admission_for(1, max_per_client=1)
    with pytest.raises(RuntimeError):
        async with admitted(admission, "a", transfer_of()):
            raise RuntimeError
    assert admission.running == 0
    async with admitted(admission, "a", transfer_of()):
        pass


async def test_stalled_downloads_of_the_greediest_give_way() -> None:
    """Every other client gets a place, until nobody has more than his fair share."""
    admission = admission_for(6)
    async with crowd_at(admission) as crowd:
        for _ in range(6):
            await crowd.download("a")
        for client in "bcd":
            await crowd.download(client)
        assert crowd.cut == ["a"] * 3
        # The fair share of each of four is one and a half.
        with pytest.raises(Overloaded):
            async with admitted(admission, "b", transfer_of()):
                pass
        assert admission.running == 6


async def test_one_client_claims_no_more_than_its_share() -> None:
    """Of many requests of a second client as many are admitted as make both equal."""
    admission = admission_for(6)
    async with crowd_at(admission) as crowd:
        for _ in range(6):
            await crowd.download("a")
        asked = [asyncio.create_task(_hold(admission, "b", crowd)) for _ in range(6)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert crowd.cut == ["a"] * 3
    assert sum(isinstance(each, Overloaded) for each in ended) == 3


async def _hold(admission: Admission, client: str, crowd: Crowd) -> None:
    """Hold a place until the greedy client has lost three."""

    async def three() -> bool:
        return len(crowd.cut) == 3

    async with admitted(admission, client, transfer_of()):
        await until(three)


async def test_longest_stalled_gives_way() -> None:
    """What has stalled the longest is cut; what has done so only just, or moves, never is."""
    admission = admission_for(3)
    async with crowd_at(admission) as crowd:
        await crowd.download("2001:db8::1", stalled_since=None)
        await crowd.download("2001:db8::2", stalled_since=LONG_S - 5)
        await crowd.download("2001:db8::3", stalled_since=LONG_S - 9)
        await crowd.download("b")
        assert crowd.cut == ["2001:db8::3"]
    async with crowd_at(admission) as crowd:
        for since in (None, None, LONG_S - 0.5):
            await crowd.download("a", stalled_since=since)
        with pytest.raises(Overloaded):
            async with admitted(admission, "b", transfer_of()):
                pass
        assert not crowd.cut


async def test_trusted_proxy_gives_way_to_no_one() -> None:
    """Its downloads are those of many clients; and it may claim a place for one of them."""
    admission = admission_for(4)
    async with crowd_at(admission) as crowd:
        await crowd.download(PROXY)
        await crowd.download(PROXY)
        await crowd.download("a")
        await crowd.download("a")
        await crowd.download(PROXY)
        assert crowd.cut == ["a"]
        with pytest.raises(Overloaded):
            async with admitted(admission, PROXY, transfer_of()):
                pass


async def test_place_that_becomes_free_goes_to_who_waits() -> None:
    """While nothing is stalled, a request of another client waits for the end of a download."""
    admission = admission_for(2)
    async with AsyncExitStack() as held:
        await held.enter_async_context(admitted(admission, "a", transfer_of()))
        await held.enter_async_context(admitted(admission, "a", transfer_of()))
        first, second = (asyncio.create_task(_once(admission, client)) for client in "bc")
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert not first.done()
        await held.aclose()
        await first
    assert admission.running == 0
    async with admitted(admission, "a", transfer_of()), admitted(admission, "a", transfer_of()):
        pass


async def _once(admission: Admission, client: str) -> None:
    async with admitted(admission, client, transfer_of()):
        assert admission.running <= 2


async def test_fullness_is_logged_once() -> None:
    """The log names who has the most, and the settings that may help."""
    admission = admission_for(1)
    with logged() as log:
        async with admitted(admission, "192.0.2.1", transfer_of()):
            for _ in range(3):
                with pytest.raises(Overloaded):
                    await _once(admission, "192.0.2.1")
        (warning,) = log.of("downloads full")
    assert (warning["most_numerous"], warning["downloads_of_it"]) == ("192.0.2.1", 1)
    assert "TDC_TRUSTED_PROXIES" in warning["fix"]


async def test_a_drain_ends_with_the_last_download() -> None:
    """Who waits for the end is told that nothing is left."""
    admission = admission_for(10)
    assert await admission.drained(at_most_s=60) == 0
    async with admitted(admission, "a", transfer_of()):
        waiting = asyncio.create_task(admission.drained(at_most_s=60))
        await asyncio.sleep(0)
        assert not waiting.done()
    assert await waiting == 0


async def test_a_drain_that_takes_too_long_says_what_is_left() -> None:
    """The number of downloads that are still running comes back."""
    admission = admission_for(10)
    async with admitted(admission, "a", transfer_of()), admitted(admission, "b", transfer_of()):
        assert await admission.drained(at_most_s=0.01) == 2


async def test_a_place_that_nobody_takes_is_free() -> None:
    """Whoever leaves at the moment at which a place is given to him passes it on."""
    admission = admission_for(2)
    first, _ = [await admission.enter("a", transfer_of()) for _ in range(2)]
    waiting = asyncio.create_task(admission.enter("b", transfer_of()))
    await asyncio.sleep(0)
    admission.leave(first)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    async with admitted(admission, "c", transfer_of()):
        assert admission.running == 2


async def test_a_drain_waits_for_who_waits_for_a_place() -> None:
    """What it then downloads is waited for like the rest."""
    admission = admission_for(2)
    places = [await admission.enter("a", transfer_of()) for _ in range(2)]
    waiting = asyncio.create_task(admission.enter("b", transfer_of()))
    await asyncio.sleep(0)
    drained = asyncio.create_task(admission.drained(at_most_s=60))
    for place in places:
        admission.leave(place)
    last = await waiting
    for _ in range(10):
        await asyncio.sleep(0)
    assert not drained.done()
    admission.leave(last)
    assert await drained == 0


async def test_a_drain_waits_for_who_comes_last() -> None:
    """A request that begins as the last one ends is waited for, and nothing is told as cut."""
    admission = admission_for(2)
    with logged() as log:
        async with AsyncExitStack() as first, AsyncExitStack() as last:
            await first.enter_async_context(admitted(admission, "192.0.2.1", transfer_of()))
            drained = asyncio.create_task(admission.drained(at_most_s=3600))

            async def is_draining() -> bool:
                return bool(log.of("draining"))

            await until(is_draining)
            await first.aclose()
            await last.enter_async_context(admitted(admission, "192.0.2.1", transfer_of()))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not drained.done()
        assert await drained == 0
        assert not log.of("downloads cut")
