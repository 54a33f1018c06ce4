"""When which folder is listed: at the start, at once when changed, when asked, and by whom."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from proxy.catalogue.sync import Sync, SyncIntervals
from proxy.catalogue.sync_runs import RunKind, RunState, SyncRunStore, SyncState
from proxy.connectors.model import Connector, Identifier
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.sandbox.server import Sandbox
from tests.catalogue.listing import Listed, listing, on_root

ALL = Connector(slug="all", folder="root", identifier=Identifier.CONTENT_ID)
NAMES = Connector(slug="names", folder="root", identifier=Identifier.PRETTY_ID)
ONCE = SyncIntervals(3600, poll_s=0.02)
ASKED = SyncIntervals(0, poll_s=0.02)
ALWAYS = SyncIntervals(0.01, poll_s=0.01)


@pytest.fixture
async def listed(tmp_path: Path) -> AsyncIterator[Listed]:
    async with Sandbox(generated=120) as thron, listing(thron, tmp_path) as found:
        await ConnectorStore(found.database).apply([on_root(thron, ALL)], actor="test")
        yield found


@asynccontextmanager
async def syncing(listed: Listed, intervals: SyncIntervals = ONCE) -> AsyncIterator[Sync]:
    """Keep the catalogue until the end of the block."""
    async with (
        ConnectorWatch.open(listed.database, changed=_nothing, interval_s=0.02) as watch,
        Sync.open(listed.database, watch, lambda: listed.listing, intervals=intervals) as sync,
    ):
        yield sync


async def _nothing() -> None:
    pass


async def until(sync: Sync, slug: str, fits: Callable[[SyncState], bool]) -> SyncState:
    """Wait until a connector stands so."""
    while True:
        state = await sync.state(slug)
        if fits(state):
            return state
        await asyncio.sleep(0.01)


def is_ok(state: SyncState) -> bool:
    return state.last_ok is not None and state.running is None


async def test_every_connector_is_listed_at_the_start(listed: Listed) -> None:
    """What a start brings is a full listing, and the next run is an interval away."""
    async with syncing(listed) as sync:
        state = await until(sync, "all", is_ok)
        assert state.last is not None
        assert (state.last.kind, state.last.seen) == (RunKind.FULL, 120)
        assert state.next is not None
        assert 3000 < (state.next - state.last.started).total_seconds() < 3700
        assert await sync.states() == (state,)


async def test_a_new_connector_is_listed_at_once(listed: Listed) -> None:
    """Whoever sets up a connector does not wait for an interval."""
    async with syncing(listed) as sync:
        await until(sync, "all", is_ok)
        await ConnectorStore(listed.database).apply([on_root(listed.thron, NAMES)], actor="test")
        state = await until(sync, "names", is_ok)
        assert state.last is not None
        assert state.last.seen == 120


async def test_a_changed_connector_is_listed_at_once(listed: Listed) -> None:
    """Other identifiers mean other addresses; how it is delivered means nothing here."""
    async with syncing(listed) as sync:
        first = await until(sync, "all", is_ok)
        delivered = on_root(listed.thron, ALL, max_age_s=0)
        await ConnectorStore(listed.database).apply([delivered], actor="test")
        changed = on_root(listed.thron, NAMES, slug="all")
        await ConnectorStore(listed.database).apply([changed], actor="test")
        await until(sync, "all", lambda state: is_ok(state) and state.last != first.last)
        assert len(await sync.runs("all")) == 2
        assert "generated-000000" in await listed.lines(changed)


async def test_a_change_in_the_middle_begins_anew(listed: Listed) -> None:
    """A listing for what a connector was before is given up."""
    listed.thron.faults.stall_after(0, where="api", times=None)
    async with syncing(listed) as sync:
        await until(sync, "all", lambda state: state.running is not None)
        changed = on_root(listed.thron, NAMES, slug="all")
        await ConnectorStore(listed.database).apply([changed], actor="test")
        await until(sync, "all", lambda state: state.last is not None)
        listed.thron.faults.clear()
        await until(sync, "all", is_ok)
        states = [run.state for run in await sync.runs("all")]
        assert states == [RunState.OK, RunState.CANCELLED]


async def test_a_removed_connector_leaves_nothing(listed: Listed) -> None:
    """Its contents go, also while they are being listed."""
    async with syncing(listed) as sync:
        await until(sync, "all", is_ok)
        await ConnectorStore(listed.database).remove("all", actor="test")
        await until(sync, "all", lambda state: state == SyncState("all", next=state.next))
        assert await listed.ids(on_root(listed.thron, ALL)) == set()


async def test_asked_for(listed: Listed) -> None:
    """With an interval of 0 nothing is listed but what is asked for, by whatever process."""
    async with syncing(listed, ASKED) as sync:
        assert await sync.state("all") == SyncState("all")
        await SyncRunStore(listed.database).ask("all")
        state = await until(sync, "all", is_ok)
        assert state.next is None
        await sync.request("all")
        await until(sync, "all", lambda now: is_ok(now) and now.last != state.last)
        assert {run.kind for run in await sync.runs("all")} == {RunKind.FULL}


async def test_a_connector_that_is_new_may_be_asked_for(listed: Listed) -> None:
    """What is asked for before the connector was ever looked at is not forgotten."""
    await SyncRunStore(listed.database).ask("all")
    async with syncing(listed, ASKED) as sync:
        await until(sync, "all", is_ok)


async def test_every_sixth_listing_is_whole(listed: Listed) -> None:
    """Between two full listings there are five of what changed."""
    async with syncing(listed, ALWAYS) as sync:
        await until(sync, "all", lambda state: state.last is not None and state.last.id >= 8)
        runs = await sync.runs("all")
    kinds = [run.kind for run in runs[::-1]]
    first_seven = [RunKind.FULL, *([RunKind.DELTA] * 5), RunKind.FULL]
    assert kinds[:7] == first_seven


async def test_an_outage_is_told_and_ends(listed: Listed) -> None:
    """While THRON is away the state says so; the next try is soon, and succeeds."""
    listed.thron.api_down = True
    async with syncing(listed, SyncIntervals(0.05, poll_s=0.02)) as sync:
        state = await until(sync, "all", lambda state: state.problem is not None)
        assert state.last_ok is None
        listed.thron.api_down = False
        assert (await until(sync, "all", is_ok)).problem is None


async def test_a_good_run_makes_failures_forgotten(listed: Listed) -> None:
    """After it the next failure is the first one again, and soon tried anew."""

    def wait_s(state: SyncState) -> float:
        assert state.next is not None
        assert state.last is not None
        assert state.last.ended is not None
        return (state.next - state.last.ended).total_seconds()

    async with syncing(listed) as sync:
        for _ in range(3):
            await until(sync, "all", is_ok)
            listed.thron.api_down = True
            await sync.request("all")
            failed = await until(
                sync, "all", lambda state: state.problem is not None and wait_s(state) < 3000
            )
            assert wait_s(failed) < 15
            listed.thron.api_down = False
            await sync.request("all")
            await until(sync, "all", lambda state: is_ok(state) and state.problem is None)


async def test_the_set_up_state_lists_nothing(listed: Listed) -> None:
    """Without a tenant there is nobody to ask."""
    async with (
        ConnectorWatch.open(listed.database, changed=_nothing, interval_s=0.02) as watch,
        Sync.open(listed.database, watch, lambda: None, intervals=ONCE) as sync,
    ):
        await sync.tick()
        assert await sync.runs("all") == ()


async def test_an_end_in_the_middle_is_told(listed: Listed) -> None:
    """A process that ends cancels its listing; the next one lists whole."""
    listed.thron.faults.stall_after(0, where="api", times=None)
    async with syncing(listed) as sync:
        await until(sync, "all", lambda state: state.running is not None)
    listed.thron.faults.clear()
    async with syncing(listed) as sync:
        await until(sync, "all", is_ok)
        states = [run.state for run in await sync.runs("all")]
        assert states == [RunState.OK, RunState.CANCELLED]


KILLED = """
import asyncio, sys
from pathlib import Path
from proxy.connectors.store import ConnectorStore
from proxy.sandbox.server import Sandbox
from tests.catalogue.listing import listing, on_root
from tests.catalogue.test_sync import NAMES

async def main():
    async with Sandbox(generated=3000) as thron, listing(thron, Path(sys.argv[1])) as listed:
        connector = on_root(thron, NAMES)
        await ConnectorStore(listed.database).apply([connector], actor="test")
        running = asyncio.create_task(listed.full(connector))
        await thron.log.wait_for("api", "content/search", count=8)
        print("listing", flush=True)
        await running

asyncio.run(main())
"""


async def test_kill_in_the_middle(tmp_path: Path) -> None:
    """A process killed while it lists leaves whole pages, and the next one goes on to the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(tmp_path)),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    while await process.stdout.readline() != b"listing\n":
        assert process.returncode is None
    process.kill()
    await process.wait()
    async with Sandbox(generated=3000) as thron, listing(thron, tmp_path) as listed:
        connector = on_root(thron, NAMES)
        tally = await listed.contents.tally(connector)
        assert 0 < tally.contents < 3000
        assert tally.contents % 50 == 0
        (state,) = await listed.runs.states(["names"])
        assert state.running is not None
        assert state.running.seen == tally.contents
        async with syncing(listed) as sync:
            await until(sync, "names", is_ok)
            runs = await sync.runs("names")
        assert [run.state for run in runs] == [RunState.OK, RunState.CANCELLED]
        assert runs[0].added == 3000 - tally.contents
        assert (await listed.contents.tally(connector)).contents == 3000


async def test_one_replica_lists(postgresql_url: str) -> None:
    """Of several replicas with one database one lists; when it ends, another does."""
    async with Sandbox(generated=10) as thron, listing(thron, postgresql_url) as one:
        await ConnectorStore(one.database).apply([on_root(thron, ALL)], actor="test")
        async with listing(thron, postgresql_url) as other:
            async with syncing(one) as first:
                await until(first, "all", is_ok)
                async with syncing(other) as second:
                    await second.tick()
                    (state,) = await second.states()
                    assert is_ok(state)
                    assert state.next is not None
                    await second.request("all")
                    await until(second, "all", lambda now: is_ok(now) and now.last != state.last)
                    assert len(await first.runs("all")) == 2
            async with syncing(other) as second:
                await until(second, "all", lambda now: now.last is not None and now.last.id == 3)
