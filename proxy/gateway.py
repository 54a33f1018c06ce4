"""The running connector: its parts behind the public and the admin listener."""

import random
import resource
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import structlog
from aiohttp import http_parser, web

from proxy.admin.parts import Console, open_console
from proxy.admin.server import console_app
from proxy.app import Parts, Tenancy, Tenant, open_parts
from proxy.catalogue.database import Database
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.purge_polling import PurgeWatch
from proxy.catalogue.sync import Pace as SyncPace
from proxy.catalogue.sync import Sync
from proxy.connectors.watch import ConnectorWatch
from proxy.delivery.admission import Admission
from proxy.delivery.download import Downloads, Limits, PublicBases
from proxy.delivery.min_rate import MinRate
from proxy.delivery.relay import RetryPolicy
from proxy.errors import ConfigurationError, NotConfigured
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.listeners import bind, serving, tls_context
from proxy.server.probes import admin_probes, public_probes
from proxy.settings import Listen, Settings, env_name
from proxy.telemetry.live import Traffic, sampling
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.middleware import NAME_THE_PROXY, observe, stamp
from proxy.thron.token_keeper import TokenState

log = structlog.get_logger("proxy.gateway")

# Long enough for a phone in a tunnel, short enough for a crowd of stalled readers.
_MIN_RATE_WINDOW_S = 300.0

# Kept back for the admin listener, THRON's API, database and logs.
_DESCRIPTORS_OF_OURS = 128
_ADMIN_CONNECTIONS = 48
# Of one download: client, origin, and a connection beside it that waits or has been left idle.
_DESCRIPTORS_PER_DOWNLOAD = 3
# More idle ones, at some 20 KiB each, serve nobody.
_USUAL_CONNECTIONS = 10_000


@dataclass(frozen=True, slots=True)
class Gateway:
    """The running connector.

    Attributes:
        parts: Its settings have the ports that were bound.
        watch: The connectors that are served.
        admission: Counts the downloads.
        console: On the admin listener.
        sync: Keeps the catalogue of contents.
    """

    parts: Parts
    watch: ConnectorWatch
    admission: Admission
    console: Console
    sync: Sync

    @property
    def public_url(self) -> str:
        """Base of the public listener, as it is reached from this machine."""
        return f"http://{_reachable(self.parts.settings.listen)}"

    @property
    def admin_url(self) -> str:
        """Base of the admin listener, as it is reached from this machine."""
        return f"http://{_reachable(self.parts.settings.admin_listen)}"

    def set_up_url(self) -> str | None:
        """Return a new link to set the console's password, None where there is one.

        It is a secret: for the operator's terminal, and nothing else.
        """
        if self.console.password.is_set:
            return None
        link = self.console.links.set_up(now=self.console.monotonic())
        return f"{self.admin_url}/set-up?link={link}"

    def demo_url(self) -> str:
        """Return a link that signs in to the console as long as this runs; for the demo alone."""
        return f"{self.admin_url}/set-up?link={self.console.links.demo()}"

    @property
    def secure_url(self) -> str | None:
        """Base of the native HTTPS listener, if there is one."""
        listen = self.parts.settings.tls_listen
        return f"https://{_reachable(listen)}" if listen is not None else None


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Gateway]:
    """Run the connector until the end of the block; then let downloads finish (TDC_DRAIN_S).

    Args:
        settings: Loaded; port 0 takes any free port.
        environ: For the state directory.
        monotonic: By which the console's sign-ins and links end.

    Raises:
        ConfigurationError: An address is taken, the database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    _refuse_slow_parser()
    async with AsyncExitStack() as stack:
        sockets, settings = _bound(stack, settings)
        max_downloads, max_connections = _affordable(settings)
        admission = Admission(
            max_downloads=max_downloads,
            max_per_client=settings.max_downloads_per_client,
            trusted=settings.proxies,
            now=time.monotonic,
        )
        parts = await stack.enter_async_context(open_parts(settings, environ))
        watch = await stack.enter_async_context(
            ConnectorWatch.open(parts.database, changed=parts.tenancy.refresh)
        )
        await stack.enter_async_context(PurgeWatch.open(parts.database, parts.tenancy.purge))
        metrics = Metrics()
        reasons = _Reasons(parts.tenancy, admission)
        sync = await stack.enter_async_context(
            Sync.open(
                parts.database,
                watch,
                partial(_folder_listing, parts.tenancy),
                pace=SyncPace(settings.sync_interval_s),
            )
        )
        traffic = Traffic(now=time.time)
        await stack.enter_async_context(sampling(traffic))
        console = await open_console(
            parts,
            watch=watch,
            sync=sync,
            admission=admission,
            metrics=metrics,
            traffic=traffic,
            monotonic=monotonic,
        )
        admin = _admin_app(console, reasons, _Degraded(parts.database, watch))
        public = _public_app(
            settings, _Answers(parts, watch, admission), reasons, metrics=metrics, traffic=traffic
        )
        drained = partial(_drained, admission, at_most_s=settings.drain_s)
        await stack.enter_async_context(
            serving(
                admin,
                (sockets.admin, None),
                limiter=_limiter("admin", _ADMIN_CONNECTIONS, settings, metrics),
                drained=_not_waited_for,
            )
        )
        await stack.enter_async_context(
            serving(
                public,
                *sockets.public,
                limiter=_limiter("public", max_connections, settings, metrics),
                drained=drained,
            )
        )
        if watch.connectors.is_new:
            log.warning(
                "no connector yet",
                database=str(parts.database.place),
                mend="make one in the console, or by connectors apply; if there were some, the"
                " database has been lost: see TDC_DATABASE_URL, or restore a backup",
            )
        log.info("listening", **_listening(settings, parts.tenant))
        if settings.has_unnamed_proxy:
            log.warning("unnamed proxy in front", public=settings.public_url, fix=NAME_THE_PROXY)
        yield Gateway(parts, watch, admission, console, sync)


@dataclass(frozen=True, slots=True)
class _Sockets:
    public: tuple[tuple[socket.socket, ssl.SSLContext | None], ...]
    admin: socket.socket


@dataclass(frozen=True, slots=True)
class _Reasons:
    """Why the gateway is not ready; it is while answers from before exist."""

    tenancy: Tenancy
    admission: Admission

    def __call__(self) -> Sequence[str]:
        if self.admission.is_closing:
            return ["stopping: running downloads finish, new ones go elsewhere"]
        tenant = self.tenancy.tenant
        if tenant is None:
            return ["no credentials: give them in the console, or by TDC_CLIENT_ID and the like"]
        state = tenant.thron.state
        if state.logged_in or tenant.resolver.is_warm:
            return []
        return [state.problem or "not logged in to THRON yet"]


@dataclass(frozen=True, slots=True)
class _Degraded:
    """What is wrong, though the gateway answers what it can."""

    database: Database
    watch: ConnectorWatch

    def __call__(self) -> Sequence[str]:
        problem = self.database.problem
        found = [problem] if problem is not None else []
        if self.watch.connectors.is_new:
            found.append("no connector yet: make one in the console, or by connectors apply")
        return found


def _refuse_slow_parser() -> None:
    """Refuse aiohttp without its C parser: the Python one reads other requests than proxies do."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ConfigurationError(
            ["aiohttp lacks its C parser: install its wheel, and unset AIOHTTP_NO_EXTENSIONS"]
        )


def _bound(stack: AsyncExitStack, settings: Settings) -> tuple[_Sockets, Settings]:
    """Bind every listener, telling all that cannot be at once."""
    problems: list[str] = []
    bound: dict[str, socket.socket] = {}
    for name in ("listen", "admin_listen", "tls_listen"):
        listen = getattr(settings, name)
        if listen is None:
            continue
        try:
            bound[name] = stack.enter_context(bind(listen, setting=env_name(name)))
        except ConfigurationError as exc:
            problems += exc.problems
    if problems:
        raise ConfigurationError(problems)
    public: list[tuple[socket.socket, ssl.SSLContext | None]] = [(bound["listen"], None)]
    if settings.tls_cert is not None and settings.tls_key is not None:
        context = tls_context(settings.tls_cert, settings.tls_key)
        public.append((bound["tls_listen"], context))
    ports = {name: _with_port_of(getattr(settings, name), sock) for name, sock in bound.items()}
    return _Sockets(tuple(public), bound["admin_listen"]), settings.model_copy(update=ports)


def _with_port_of(listen: Listen, sock: socket.socket) -> Listen:
    return Listen(host=listen.host, port=sock.getsockname()[1])


def _affordable(settings: Settings) -> tuple[int, int]:
    """Raise the limit of open files; return how many downloads and connections it allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    spare = sys.maxsize if hard == resource.RLIM_INFINITY else hard - _DESCRIPTORS_OF_OURS
    downloads = max(1, min(settings.max_downloads, spare // _DESCRIPTORS_PER_DOWNLOAD))
    affordable = max(1, spare - downloads)
    usual = max(_USUAL_CONNECTIONS, 2 * downloads)
    connections = min(settings.max_connections or usual, affordable)
    lowered = {
        name: allowed
        for name, allowed in (("max_downloads", downloads), ("max_connections", connections))
        if allowed < (getattr(settings, name) or 0)
    }
    if lowered:
        log.warning(
            "limits lowered",
            **lowered,
            fix=f"raise the limit of open files (now {hard}), or lower"
            f" {' and '.join(map(env_name, lowered))}",
        )
    return downloads, connections


def _limiter(name: str, most: int, settings: Settings, metrics: Metrics) -> ConnectionLimiter:
    limiter = ConnectionLimiter(
        most=most,
        trusted=settings.proxies,
        count=lambda reason: metrics.connections_closed.labels(name, reason).inc(),
        now=time.monotonic,
    )
    metrics.connections.labels(name).set_function(lambda: limiter.open)
    return limiter


class _Answers:
    """Answers the public listener for the tenant that is connected."""

    def __init__(self, parts: Parts, watch: ConnectorWatch, admission: Admission) -> None:
        self._parts = parts
        self._watch = watch
        self._admission = admission
        self._made: tuple[Tenant, Downloads] | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        tenant = self._parts.tenant
        if tenant is None:
            raise NotConfigured
        if self._made is None or self._made[0] is not tenant:
            self._made = tenant, self._downloads(tenant)
        return await self._made[1].answer(request)

    def _downloads(self, tenant: Tenant) -> Downloads:
        settings = self._parts.settings
        return Downloads(
            connectors=lambda: self._watch.connectors,
            resolver=tenant.resolver,
            origins=tenant.origins,
            is_outdated=tenant.delivery_builder.is_outdated,
            note_delivery=tenant.delivery_builder.note_delivery,
            limits=Limits(
                admission=self._admission,
                retry_policy=RetryPolicy(read_gap_s=settings.read_gap_s, random=random.random),
                min_rate=MinRate(settings.min_rate_bytes_s, _MIN_RATE_WINDOW_S),
            ),
            bases=PublicBases(settings.public_base, settings.secure_base),
            stale_if_error_s=settings.stale_if_error_s,
        )


def _token_state(tenancy: Tenancy) -> TokenState | None:
    return tenancy.tenant.thron.state if tenancy.tenant is not None else None


def _folder_listing(tenancy: Tenancy) -> FolderListing | None:
    return tenancy.tenant.listing if tenancy.tenant is not None else None


def _admin_app(console: Console, reasons: _Reasons, degraded: _Degraded) -> web.Application:
    token = partial(_token_state, console.parts.tenancy)
    probes = admin_probes(reasons, degraded=degraded, metrics=console.metrics, token=token)
    return console_app(console, probes=probes)


def _public_app(
    settings: Settings,
    answers: _Answers,
    reasons: _Reasons,
    *,
    metrics: Metrics,
    traffic: Traffic,
) -> web.Application:
    app = web.Application(
        middlewares=[
            observe(
                metrics=metrics,
                traffic=traffic,
                trusted=settings.proxies,
                negative_ttl_s=settings.negative_ttl_s,
            )
        ]
    )
    app.on_response_prepare.append(stamp)
    app.add_routes(public_probes(reasons))
    app.router.add_route("*", r"/{path:[\s\S]*}", answers.answer)
    return app


async def _drained(admission: Admission, *, at_most_s: float) -> None:
    """Let downloads finish, and say how many were cut."""
    log.info("draining", downloads=admission.running, at_most_s=at_most_s)
    try:
        await admission.drained(at_most_s=at_most_s)
    finally:
        if admission.running:
            log.warning("downloads cut", downloads=admission.running)


async def _not_waited_for() -> None:
    """Wait for nothing."""


def _listening(settings: Settings, tenant: Tenant | None) -> dict[str, object]:
    return {
        "public": str(settings.listen),
        "admin": str(settings.admin_listen),
        "tls": str(settings.tls_listen) if settings.tls_listen else None,
        "set_up": tenant is not None,
    }


def _reachable(listen: Listen) -> Listen:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return Listen(host=host, port=listen.port)
