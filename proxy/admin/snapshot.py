"""How the connector is doing at one moment; the models are those of the JSON API."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import Field

from proxy.admin.api.operations import Model
from proxy.admin.parts import Console
from proxy.admin.web.hints import Hint, hints
from proxy.catalogue.sync_runs import RunState, SyncState
from proxy.delivery.circuit_breaker import Outage
from proxy.settings import Settings
from proxy.telemetry.live import InFlight
from proxy.telemetry.minutes import Minute, whole
from proxy.tenant import Tenant
from proxy.thron.token_keeper import TokenState

# So many downloads are shown; the others are counted.
SHOWN = 12


class Health(StrEnum):
    """How THRON's API stands."""

    GOOD = "good"
    FAILING = "failing"
    LEFT_ALONE = "left_alone"
    NOT_LOGGED_IN = "not_logged_in"
    NOT_CONNECTED = "not_connected"


class ThronView(Model):
    """THRON, as this process finds it."""

    health: Health
    token_since: datetime | None = Field(description="when the session token was given")
    token_proved: datetime | None = Field(description="when it last proved good")
    logins: int
    problem: str | None = Field(description="what went wrong last; null: nothing")
    since: datetime | None = Field(description="since when THRON has not answered")
    failures: int = Field(description="questions in a row without an answer")
    retry_at: datetime | None = Field(description="until when THRON is left alone")


class SyncStanding(StrEnum):
    """How the catalogue of a connector stands."""

    RUNNING = "running"
    ASKED = "asked"
    GOOD = "good"
    FAILED = "failed"
    SUSPENDED = "suspended"
    NEVER = "never"


class SyncView(Model):
    """How a connector's contents are kept."""

    connector: str
    enabled: bool
    standing: SyncStanding
    seen: int = Field(description="contents that the running listing has shown")
    expected: int | None = Field(description="how many it is thought to show in all")
    since: datetime | None = Field(description="when the running listing began")
    last_ok: datetime | None = Field(description="how old the catalogue is")
    next: datetime | None
    problem: str | None


class DownloadView(Model):
    """A request that is being answered."""

    request_id: str
    since: datetime
    client: str
    method: str
    path: str
    connector: str | None
    content_id: str | None
    selected_range: str | None
    octets: int
    expected: int | None
    octets_per_s: float


class MinuteView(Model):
    """What a minute brought."""

    at: datetime
    octets: int
    requests: int
    failed: int
    resolved: int
    hits: int


class HourView(Model):
    """What the last sixty minutes brought; the last one is not over yet."""

    octets: int
    requests: int
    failed: int
    resolved: int = Field(description="addresses that were looked for")
    hits: int = Field(description="those among them that were remembered")
    minutes: tuple[MinuteView, ...]


class Overview(Model):
    """How the connector is doing."""

    at: datetime
    hints: tuple[Hint, ...]
    thron: ThronView
    syncs: tuple[SyncView, ...] | None = Field(description="null: the database does not answer")
    running: int = Field(description="requests that are being answered")
    octets_per_s: float
    remembered: int = Field(description="resolutions in memory")
    downloads: tuple[DownloadView, ...] = Field(description=f"the first {SHOWN} of them")
    hour: HourView


def overview(console: Console, syncs: tuple[SyncState, ...] | None) -> Overview:
    """Return how the connector is doing now.

    Args:
        console: Its parts.
        syncs: How the contents are kept; None where that cannot be read.
    """
    tenant, traffic, now = console.parts.tenant, console.traffic, console.now()
    return Overview(
        at=now,
        hints=_hints(console, tenant),
        thron=_thron(tenant, now, monotonic=console.monotonic()),
        syncs=None if syncs is None else _syncs(console, syncs),
        running=traffic.running,
        octets_per_s=round(traffic.rate, 1),
        remembered=tenant.resolver.remembered if tenant is not None else 0,
        downloads=tuple(map(_download, traffic.in_flight(most=SHOWN))),
        hour=_hour(traffic.hour()),
    )


def _hints(console: Console, tenant: Tenant | None) -> tuple[Hint, ...]:
    settings: Settings = console.parts.settings
    session = tenant.thron.known if tenant is not None else None
    return hints(
        console.watch.connectors.all,
        is_connected=tenant is not None,
        lacks_pkey=session is not None and session.pkey is None,
        can_force_https=settings.can_force_https,
        guessed_url=settings.public_base if settings.is_public_url_guessed else None,
    )


def _thron(tenant: Tenant | None, now: datetime, *, monotonic: float) -> ThronView:
    if tenant is None:
        return _thron_view(Health.NOT_CONNECTED, None, None, now)
    state, outage = tenant.thron.state, tenant.resolver.outage
    since = now - timedelta(seconds=monotonic - outage.since) if outage is not None else None
    return _thron_view(_health(state, outage), state, outage, now, since=since)


def _health(state: TokenState, outage: Outage | None) -> Health:
    if outage is not None and outage.retry_in_s > 0:
        return Health.LEFT_ALONE
    if not state.logged_in:
        return Health.NOT_LOGGED_IN
    return Health.FAILING if outage is not None or state.problem else Health.GOOD


def _thron_view(
    health: Health,
    state: TokenState | None,
    outage: Outage | None,
    now: datetime,
    *,
    since: datetime | None = None,
) -> ThronView:
    retry_in_s = outage.retry_in_s if outage is not None else 0.0
    problem = state.problem if state is not None else None
    return ThronView(
        health=health,
        token_since=_moment(state.since) if state is not None else None,
        token_proved=_moment(state.last_refresh) if state is not None else None,
        logins=state.logins if state is not None else 0,
        problem=outage.problem if outage is not None else problem,
        since=since,
        failures=outage.failures if outage is not None else 0,
        retry_at=now + timedelta(seconds=retry_in_s) if retry_in_s else None,
    )


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


def _syncs(console: Console, states: tuple[SyncState, ...]) -> tuple[SyncView, ...]:
    enabled = {each.slug: each.enabled for each in console.watch.connectors.all}
    return tuple(_sync(each, is_enabled=enabled.get(each.connector, False)) for each in states)


def _sync(state: SyncState, *, is_enabled: bool) -> SyncView:
    return SyncView(
        connector=state.connector,
        enabled=is_enabled,
        standing=_standing(state),
        seen=state.seen,
        expected=state.expected,
        since=state.since,
        last_ok=state.last_ok,
        next=state.next,
        problem=state.problem,
    )


def _standing(state: SyncState) -> SyncStanding:
    if state.running is not None:
        return SyncStanding.RUNNING
    if state.is_asked:
        return SyncStanding.ASKED
    if state.is_suspended:
        return SyncStanding.SUSPENDED
    if state.last is not None and state.last.state is RunState.FAILED:
        return SyncStanding.FAILED
    return SyncStanding.GOOD if state.last_ok is not None else SyncStanding.NEVER


def _download(running: InFlight) -> DownloadView:
    return DownloadView(
        request_id=running.request_id,
        since=running.since,
        client=running.client,
        method=running.method,
        path=running.path,
        connector=running.connector,
        content_id=running.content_id,
        selected_range=running.selected_range,
        octets=running.octets,
        expected=running.expected,
        octets_per_s=round(running.rate, 1),
    )


def _hour(minutes: tuple[Minute, ...]) -> HourView:
    total = whole(minutes)
    return HourView(
        octets=total.octets,
        requests=total.requests,
        failed=total.failed,
        resolved=total.resolved,
        hits=total.hits,
        minutes=tuple(
            MinuteView(
                at=datetime.fromtimestamp(each.begins, UTC),
                octets=each.octets,
                requests=each.requests,
                failed=each.failed,
                resolved=each.resolved,
                hits=each.hits,
            )
            for each in minutes
        ),
    )
