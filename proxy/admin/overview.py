"""How the connector is doing at one moment; the models are those of the JSON API."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pydantic import Field, SkipValidation

from proxy.admin.api.operations import Model
from proxy.admin.web.hints import Hint, hints
from proxy.catalogue.sync_runs import RunState, SyncState
from proxy.connectors.store import ConnectorWatch
from proxy.delivery.circuit_breaker import Outage
from proxy.settings import Settings
from proxy.telemetry.live import InFlight, TrafficView
from proxy.telemetry.minutes import Minute, whole
from proxy.tenant import Resolutions, Tenant, TenantConnection
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
    token_since: datetime | None = Field(description="when the session token was issued")
    token_proved: datetime | None = Field(description="when THRON last accepted it")
    logins: int
    problem: str | None = Field(description="what went wrong last; null: nothing")
    since: datetime | None = Field(description="since when THRON has not answered")
    failures: int = Field(description="consecutive requests to THRON without an answer")
    retry_at: datetime | None = Field(description="when THRON is asked again")


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
    seen: int = Field(description="contents found so far by the current listing")
    expected: int | None = Field(description="how many it is expected to find in all")
    since: datetime | None = Field(description="when the running listing began")
    last_ok: datetime | None = Field(description="how old the catalogue is")
    next: datetime | None
    problem: SkipValidation[str | None]  # which would make plain English of a Text


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
    client_errors: int
    resolved: int
    hits: int


class HourView(Model):
    """What the last sixty minutes brought; the last one is not over yet."""

    octets: int
    requests: int
    failed: int
    client_errors: int = Field(description="answered 4xx, such as 404: nothing was served")
    resolved: int = Field(description="requests for an address")
    hits: int = Field(description="requests answered from the cache, without asking THRON")
    minutes: tuple[MinuteView, ...]

    @property
    def served(self) -> int:
        """Requests that got what they asked for."""
        return self.requests - self.failed - self.client_errors


class Overview(Model):
    """How the connector is doing."""

    at: datetime
    hints: tuple[Hint, ...]
    thron: ThronView
    syncs: tuple[SyncView, ...] | None = Field(description="null: the database does not answer")
    running: int = Field(description="active requests")
    octets_per_s: float
    remembered: int = Field(description="addresses in the cache")
    downloads: tuple[DownloadView, ...] = Field(description=f"the first {SHOWN} of them")
    hour: HourView


@dataclass(frozen=True, slots=True)
class OverviewService:
    """What is looked at."""

    settings: Settings
    connection: TenantConnection
    watch: ConnectorWatch
    traffic: TrafficView
    resolutions: Callable[[], Resolutions]
    now: Callable[[], datetime]
    monotonic: Callable[[], float]

    def overview(
        self, syncs: tuple[SyncState, ...] | None, *, refused_reload: Sequence[str] = ()
    ) -> Overview:
        """Return how the connector is doing now.

        Args:
            syncs: How the contents are kept; None where that cannot be read.
            refused_reload: Why the last reload was refused.
        """
        tenant, traffic, now = self.connection.tenant, self.traffic, self.now()
        resolutions = self.resolutions()
        return Overview(
            at=now,
            hints=self._hints(tenant, refused_reload),
            thron=_thron(tenant, resolutions.outage, now, monotonic=self.monotonic()),
            syncs=None if syncs is None else self._syncs(syncs),
            running=traffic.running,
            octets_per_s=round(traffic.rate, 1),
            remembered=resolutions.remembered,
            downloads=tuple(map(_download, traffic.in_flight(most=SHOWN))),
            hour=_hour(traffic.hour()),
        )

    def _hints(self, tenant: Tenant | None, refused_reload: Sequence[str]) -> tuple[Hint, ...]:
        settings = self.settings
        session = tenant.thron.known if tenant is not None else None
        return hints(
            self.watch.connectors.all,
            is_connected=tenant is not None,
            lacks_pkey=session is not None and session.pkey is None,
            can_force_https=settings.can_force_https,
            guessed_url=settings.public_base if settings.is_public_url_guessed else None,
            refused_reload=refused_reload,
        )

    def _syncs(self, states: tuple[SyncState, ...]) -> tuple[SyncView, ...]:
        enabled = {each.slug: each.enabled for each in self.watch.connectors.all}
        return tuple(
            SyncView(
                connector=each.connector,
                enabled=enabled.get(each.connector, False),
                standing=_standing(each),
                seen=each.seen,
                expected=each.expected,
                since=each.since,
                last_ok=each.last_ok,
                next=each.next,
                problem=each.problem,
            )
            for each in states
        )


def _thron(
    tenant: Tenant | None, outage: Outage | None, now: datetime, *, monotonic: float
) -> ThronView:
    if tenant is None:
        return ThronView(
            health=Health.NOT_CONNECTED,
            token_since=None,
            token_proved=None,
            logins=0,
            problem=None,
            since=None,
            failures=0,
            retry_at=None,
        )
    state = tenant.thron.state
    retry_in_s = outage.retry_in_s if outage is not None else 0.0
    return ThronView(
        health=_health(state, outage),
        token_since=_moment(state.since),
        token_proved=_moment(state.last_refresh),
        logins=state.logins,
        problem=outage.problem if outage is not None else state.problem,
        since=now - timedelta(seconds=monotonic - outage.since) if outage is not None else None,
        failures=outage.failures if outage is not None else 0,
        retry_at=now + timedelta(seconds=retry_in_s) if retry_in_s else None,
    )


def _health(state: TokenState, outage: Outage | None) -> Health:
    if outage is not None and outage.is_down:
        return Health.LEFT_ALONE
    if not state.logged_in:
        return Health.NOT_LOGGED_IN
    return Health.FAILING if outage is not None or state.problem else Health.GOOD


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None else None


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
    told = asdict(running)
    rate = told.pop("rate")
    return DownloadView(**told, octets_per_s=round(rate, 1))


def _hour(minutes: tuple[Minute, ...]) -> HourView:
    return HourView(
        **_counts(whole(minutes)),
        minutes=tuple(
            MinuteView(at=datetime.fromtimestamp(each.begins, UTC), **_counts(each))
            for each in minutes
        ),
    )


def _counts(minute: Minute) -> dict[str, int]:
    counts = asdict(minute)
    del counts["number"]
    return counts
