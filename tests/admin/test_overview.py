"""How the connector is doing at one moment."""

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from proxy.admin.overview import Health, Overview, SyncStanding
from proxy.admin.web.hints import HintKind
from proxy.catalogue.sync_runs import Run, RunKind, RunState, SyncState
from proxy.clock import Clock
from proxy.sandbox.server import Sandbox
from tests.admin.overview_service import overview_service
from tests.running import Running, by_id, by_name, running
from tests.waiting import until

AT = datetime(2026, 1, 1, tzinfo=UTC)


def _run(state: RunState) -> Run:
    return Run(1, "files", RunKind.FULL, state, AT)


def _look(connector: Running, *syncs: SyncState) -> Overview:
    return overview_service(connector).overview(syncs)


async def _counted(connector: Running, requests: int) -> None:
    """Wait until so many have ended, which a client may know a little earlier."""

    async def are_counted() -> bool:
        seen = _look(connector)
        return (seen.running, seen.hour.requests) == (0, requests)

    await until(are_counted)


async def test_a_good_day(connector: Running) -> None:
    """THRON answers, the token is good, and what was delivered is counted."""
    path = f"/files/{connector.thron.tenant.find('strada-sl-film').id}"
    sent = [await connector.get(path) for _ in range(4)]
    await _counted(connector, 4)
    seen = _look(connector)
    assert seen.thron.health is Health.GOOD
    assert seen.thron.token_since is not None
    assert (seen.thron.problem, seen.thron.since) == (None, None)
    assert (seen.hour.requests, seen.hour.failed) == (4, 0)
    assert seen.hour.octets == sum(len(each.body) for each in sent)
    assert (seen.hour.resolved, seen.hour.hits, seen.remembered) == (4, 3, 1)
    assert len(seen.hour.minutes) == 60
    assert (seen.running, seen.downloads) == (0, ())
    assert [each.kind for each in seen.hints] == [HintKind.GUESSED_PUBLIC_URL]


async def test_what_is_not_there_is_not_served(connector: Running) -> None:
    """A 404 counts as a request, and neither as served nor as failed."""
    path = f"/files/{connector.thron.tenant.find('strada-sl-film').id}"
    answers = [(await connector.get(each)).status for each in (path, "/files/nothing", "/no/such")]
    assert answers == [200, 404, 404]
    await _counted(connector, 3)
    hour = _look(connector).hour
    assert (hour.requests, hour.served, hour.client_errors, hour.failed) == (3, 1, 2, 0)


async def test_thron_is_down(thron: Sandbox, tmp_path: Path) -> None:
    """Its silence is shown until its next answer: since when, how often, why, that it is paused."""
    seconds = [time.monotonic()]
    clock = Clock(now=lambda: seconds[0])
    async with running(thron, tmp_path, by_name(thron), clock=clock) as connector:
        await connector.tenant.thron.session()
        thron.api_down = True
        for number in range(8):
            await connector.get(f"/media/en/name-{number}")
        down = _look(connector).thron
        assert down.health is Health.LEFT_ALONE
        assert down.failures == 5
        assert down.problem
        assert down.since is not None
        assert down.retry_at is not None
        assert down.since < down.retry_at

        seconds[0] += 60
        paused = _look(connector).thron
        assert (paused.health, paused.retry_at) == (Health.LEFT_ALONE, None)
        await connector.get("/media/en/a-trial")
        assert _look(connector).thron.health is Health.LEFT_ALONE
        thron.api_down = False

        async def answers() -> bool:
            seconds[0] += 1
            await connector.get("/media/en/another")
            return _look(connector).thron.health is Health.GOOD

        await until(answers)


async def test_set_up_state(thron: Sandbox, tmp_path: Path) -> None:
    """Before there are credentials that is what is told."""
    nothing = {"client_id": None, "app_id": None, "app_key": None}
    async with running(thron, tmp_path, **nothing) as bare:
        seen = _look(bare)
        assert seen.thron.health is Health.NOT_CONNECTED
        assert [each.kind for each in seen.hints] == [HintKind.NO_CREDENTIALS]


async def test_wrong_key(thron: Sandbox, tmp_path: Path) -> None:
    """A login that is refused is told with its reason."""
    async with running(thron, tmp_path, by_id(thron)) as connector:
        thron.expire_tokens()
        thron.api_down = True
        await connector.get("/files/nothing")
        assert _look(connector).thron.health is not Health.GOOD
        assert _look(connector).thron.problem


@pytest.mark.parametrize(
    ("state", "standing"),
    [
        pytest.param(SyncState("files"), SyncStanding.NEVER, id="never"),
        pytest.param(SyncState("files", is_asked=True), SyncStanding.ASKED, id="asked"),
        pytest.param(
            SyncState("files", running=_run(RunState.RUNNING)),
            SyncStanding.RUNNING,
            id="running",
        ),
        pytest.param(
            SyncState("files", last=_run(RunState.OK), last_ok=AT), SyncStanding.GOOD, id="good"
        ),
        pytest.param(
            SyncState("files", last=_run(RunState.FAILED), last_ok=AT),
            SyncStanding.FAILED,
            id="failed, though it did well before",
        ),
        pytest.param(
            SyncState("files", last=_run(RunState.SUSPENDED), last_ok=AT),
            SyncStanding.SUSPENDED,
            id="suspended",
        ),
        pytest.param(
            SyncState("files", last=_run(RunState.CANCELLED), last_ok=AT),
            SyncStanding.GOOD,
            id="cancelled, as good as before",
        ),
    ],
)
async def test_catalogue(connector: Running, state: SyncState, standing: SyncStanding) -> None:
    """A connector's catalogue is told by how its last reading went."""
    (seen,) = _look(connector, state).syncs or ()
    assert (seen.standing, seen.enabled) == (standing, True)


async def test_catalogue_that_cannot_be_read(connector: Running) -> None:
    """Where the database does not answer that is told, and all the rest as well."""
    assert overview_service(connector).overview(None).syncs is None
