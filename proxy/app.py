"""The composition root: every long-lived part is made here, in order, and nowhere else."""

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import aiohttp
import structlog
from aiohttp import http_parser, web

from proxy import __version__
from proxy.admin.server import Console, open_console
from proxy.backoff import Backoff
from proxy.catalogue.database import Database, open_database
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.polling import PurgePoller
from proxy.catalogue.queries import Contents
from proxy.catalogue.session_store import session_store
from proxy.catalogue.sync import Sync, SyncIntervals
from proxy.check.report import Recording
from proxy.clock import Clock, utc_now
from proxy.connectors.folder_statistics_cache import FolderStatisticsCache
from proxy.connectors.preview import Previewer
from proxy.connectors.watch import ConnectorWatch
from proxy.delivery.admission import Admission
from proxy.delivery.aiohttp_client import AiohttpClient
from proxy.delivery.bulkhead import Bulkhead
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.download import Downloads, Limits, PublicBases
from proxy.delivery.explain import Explainer
from proxy.delivery.http_client import HttpClient
from proxy.delivery.lookup import Lookup
from proxy.delivery.min_rate import MinRate
from proxy.delivery.origin import Origins
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from proxy.delivery.rate_limiter import RateLimiter
from proxy.delivery.resolver import Lifetimes, Resolver
from proxy.delivery.retry import RetryPolicy
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.source_file import SourceFiles
from proxy.delivery.transport.client import Http1Client
from proxy.errors import ConfigurationError
from proxy.idle_connections import IdleBoundedConnector
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.descriptors import affordable
from proxy.server.listeners import bind_all, serving
from proxy.server.probes import PROBES, admin_probes, public_probe
from proxy.settings import Listen, Settings
from proxy.telemetry.live import Traffic, sampling
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.middleware import NAME_THE_PROXY, PSEUDONYM, Handler, Observer
from proxy.tenant import Parts, Tenant, TenantConnection
from proxy.thron.client import Client
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper

log = structlog.get_logger("proxy.app")

# Questions to THRON for addresses that nobody has asked for yet; a page with some dozens of new
# images may wait this long for its turn.
_UNKNOWN_AT_ONCE = 4
_UNKNOWN_PER_S = 20.0
_UNKNOWN_WAIT_S = 5.0
# Addresses that are not remembered, looked up at once. One client gets at most half of these:
# enough for a front with a thousand first requests after a restart, and few enough for the
# catalogue, which reads some hundreds a second, that nobody waits for long behind a flood.
_LOOK_UPS = 2048

# Of all downloads, one in so many may wait long for a source file: the API hangs for these alone.
_SLOW_SHARE = 4
# Long enough for a phone in a tunnel, short enough for a crowd of stalled readers.
_MIN_RATE_WINDOW_S = 300.0
_ADMIN_CONNECTIONS = 48
# What aiohttp holds of one upstream before it stops reading: twice this (its high-water mark).
_READ_BUFFER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Gateway:
    """The running connector.

    Attributes:
        parts: Its settings have the ports that were bound.
        watch: The connectors that are served.
        admission: Counts the downloads.
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        traffic: What comes and goes on the public listener.
        console: On the admin listener.
        monotonic: By which its links end.
    """

    parts: Parts
    watch: ConnectorWatch
    admission: Admission
    sync: Sync
    contents: Contents
    traffic: Traffic
    console: Console
    monotonic: Callable[[], float]

    @property
    def public_url(self) -> str:
        """Base of the public listener, as it is reached from this machine."""
        return f"http://{_reachable(self.parts.settings.listen)}"

    @property
    def admin_url(self) -> str:
        """Base of the admin listener, as it is reached from this machine."""
        return f"http://{_reachable(self.parts.settings.admin_listen)}"

    @property
    def secure_url(self) -> str | None:
        """Base of the native HTTPS listener, if there is one."""
        listen = self.parts.settings.tls_listen
        return f"https://{_reachable(listen)}" if listen is not None else None

    def set_up_url(self) -> str | None:
        """Return a new link to set the console's password, None where there is one.

        It is a secret: for the operator's terminal, and nothing else.
        """
        if self.console.password.is_set:
            return None
        link = self.console.links.set_up(now=self.monotonic())
        return f"{self.admin_url}/set-up?link={link}"

    def demo_url(self) -> str:
        """Return a link that signs in to the console as long as this runs; for the demo alone."""
        return f"{self.admin_url}/set-up?link={self.console.links.demo()}"


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    monotonic: Callable[[], float] = time.monotonic,
    clock: Clock | None = None,
) -> AsyncIterator[Gateway]:
    """Run the connector until the end of the block; then let downloads finish (TDC_DRAIN_S).

    Args:
        settings: Loaded; port 0 takes any free port.
        environ: For the state directory.
        monotonic: By which the console's sign-ins and links end.
        clock: As for ``open_parts``.

    Raises:
        ConfigurationError: An address is taken, the database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    _refuse_slow_parser()
    async with AsyncExitStack() as stack:
        # Before anything else: an address that is taken must leave no trace of this process.
        listeners, settings = bind_all(stack, settings)
        max_downloads, max_connections = affordable(settings)

        metrics = Metrics()
        traffic = Traffic(now=time.time)
        metrics.watch(traffic)
        await stack.enter_async_context(sampling(traffic))

        parts = await stack.enter_async_context(open_parts(settings, environ, clock=clock))
        connection = parts.connection
        watch = await stack.enter_async_context(
            ConnectorWatch.open(parts.database, changed=connection.refresh)
        )
        await stack.enter_async_context(PurgePoller.open(parts.database, connection.purge))
        sync = await stack.enter_async_context(
            Sync.open(
                parts.database,
                watch,
                lambda: parts.tenant.listing if parts.tenant is not None else None,
                intervals=SyncIntervals(settings.sync_interval_s),
            )
        )

        admission = Admission(
            max_downloads=max_downloads,
            max_per_client=settings.max_downloads_per_client,
            trusted=settings.proxies,
            now=time.monotonic,
        )
        downloads = Downloads(
            connectors=lambda: watch.connectors,
            tenant=lambda: connection.tenant,
            limits=Limits(
                admission=admission,
                retry_policy=RetryPolicy(
                    random.random, attempts=8, backoff=Backoff(0.1, longest_s=5)
                ),
                read_gap_s=settings.read_gap_s,
                pump=settings.pump,
                min_rate=MinRate(settings.min_rate_bytes_s, _MIN_RATE_WINDOW_S),
            ),
            bases=PublicBases(settings.public_base, settings.secure_base),
            stale_if_error_s=settings.stale_if_error_s,
        )
        reasons = partial(_not_ready, connection, admission)
        probes = admin_probes(
            reasons,
            degraded=partial(_degraded, parts.database, watch),
            metrics=metrics,
            token=connection.token_state,
        )
        contents = Contents(parts.database, now=utc_now)
        console = await stack.enter_async_context(
            open_console(
                parts,
                watch=watch,
                sync=sync,
                contents=contents,
                traffic=traffic,
                probes=probes,
                monotonic=monotonic,
            )
        )
        await stack.enter_async_context(
            serving(
                console.app,
                (listeners.admin, None),
                limiter=_limiter("admin", _ADMIN_CONNECTIONS, settings, metrics),
                drained=_not_waited_for,
                stopping=console.stopping,
            )
        )
        # The last to open, and the first to close: until it has drained all else must work.
        stopping = asyncio.Event()
        observer = Observer(
            _public_handler(downloads, reasons),
            at_once=downloads.answer_at_once,
            metrics=metrics,
            traffic=traffic,
            trusted=settings.proxies,
            negative_ttl_s=settings.negative_ttl_s,
            stopping=stopping,
        )
        await stack.enter_async_context(
            serving(
                observer.answer,
                *listeners.public,
                limiter=_limiter("public", max_connections, settings, metrics),
                drained=partial(admission.drained, at_most_s=settings.drain_s),
                stopping=stopping,
                at_once=observer.answer_at_once,
            )
        )
        _tell_start(parts, watch)
        yield Gateway(parts, watch, admission, sync, contents, traffic, console, monotonic)


@asynccontextmanager
async def open_parts(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    recording: Recording | None = None,
) -> AsyncIterator[Parts]:
    """Open the database, and where there are credentials the way to THRON.

    Args:
        settings: Loaded.
        environ: For the state directory.
        clock: By which what was learnt from THRON lapses; the machine's, if no other is given.
        recording: Is told of every answer of THRON's API and of origins.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, environ))
        log.info("database", place=str(database.place))
        opener = partial(_open_tenant, settings, clock=clock or Clock())
        connection = TenantConnection(
            settings,
            database,
            open_tenant=partial(opener, database=database, recording=recording),
            opened=stack,
        )
        await connection.refresh()
        yield Parts(settings, database, connection, partial(opener, database=None))


@asynccontextmanager
async def _open_tenant(
    settings: Settings,
    credentials: Credentials,
    *,
    clock: Clock,
    database: Database | None,
    recording: Recording | None = None,
) -> AsyncIterator[Tenant]:
    """Open a tenant; without a database it knows no catalogue, and shares no session.

    Raises:
        ConfigurationError: TDC_CA_FILE cannot be used.
    """
    client_id = credentials.client_id
    settings = settings.model_copy(update={"client_id": client_id})  # its hosts are named by it
    async with AsyncExitStack() as stack:
        client = Client(
            await stack.enter_async_context(api_session(settings)),
            api_url=settings.api_base,
            connect_timeout_s=settings.connect_timeout_s,
            total_timeout_s=settings.first_byte_timeout_s + settings.read_gap_s,
            on_reply=recording.on_reply if recording is not None else None,
        )
        thron = await stack.enter_async_context(
            TokenKeeper(
                client,
                credentials,
                now=clock.wall,
                random=random.random,
                store=session_store(database, credentials, now=clock.wall),
            )
        )
        search = Search(thron, client_id=client_id)
        statistics = await stack.enter_async_context(
            FolderStatisticsCache.open(search, now=clock.now)
        )
        known = KnownContents(database) if database is not None else None
        lookup = Lookup(thron, search, known=known)
        delivery_builder = DeliveryBuilder(
            thron,
            client_id=client_id,
            api_url=settings.api_base,
            cdn_url=settings.cdn_base,
            source_path=settings.source_path,
            now=clock.now,
        )
        resolver = Resolver(
            lookup,
            deliver=delivery_builder.build,
            lifetimes=Lifetimes(
                resolution_ttl_s=settings.resolution_ttl_s,
                negative_ttl_s=settings.negative_ttl_s,
                stale_if_error_s=settings.stale_if_error_s,
                max_resolutions=settings.max_resolutions,
            ),
            rate_limiter=RateLimiter(
                at_once=_UNKNOWN_AT_ONCE,
                per_s=_UNKNOWN_PER_S,
                max_wait_s=_UNKNOWN_WAIT_S,
                now=clock.now,
            ),
            look_ups=Bulkhead(places=_LOOK_UPS),
            caller=RetryingCaller(
                CircuitBreaker(),
                silent_s=lambda: thron.silent_s,
                now=clock.now,
                random=random.random,
            ),
            now=clock.now,
            starts_warm=known is not None and await known.has_any(),
        )
        stack.push_async_callback(resolver.aclose)
        origins = await stack.enter_async_context(
            _open_origins(settings, thron, clock=clock, recording=recording)
        )
        yield Tenant(
            client_id=client_id,
            api_url=settings.api_base,
            thron=thron,
            search=search,
            statistics=statistics,
            previewer=Previewer(search, statistics),
            listing=FolderListing(thron, search),
            delivery_builder=delivery_builder,
            resolver=resolver,
            origins=origins,
            explainer=Explainer(lookup, delivery_builder, origins, base=settings.public_base),
        )


@asynccontextmanager
async def _open_origins(
    settings: Settings, thron: TokenKeeper, *, clock: Clock, recording: Recording | None
) -> AsyncIterator[Origins]:
    hosts = OriginHosts(
        settings.origin_hosts,
        named_urls=[url for url in (settings.api_url, settings.cdn_url) if url is not None],
        tenant_urls=(settings.api_base, settings.cdn_base),
        # A proxy resolves names where their addresses cannot be checked.
        is_open_to_api=settings.api_base.startswith("https:") and settings.outbound_proxy is None,
    )
    async with byte_client(settings, hosts) as http:
        origin_client = OriginClient(
            http,
            hosts,
            first_byte_timeout_s=settings.first_byte_timeout_s,
            now=clock.now,
            heard=recording.heard_origin if recording is not None else None,
        )
        yield Origins(
            origin_client,
            SourceFiles(
                origin_client,
                thron,
                now=clock.now,
                most_slow=max(1, settings.max_downloads // _SLOW_SHARE),
            ),
            clock=clock,
            target_ttl_s=settings.resolution_ttl_s,
            refusal_ttl_s=settings.negative_ttl_s,
            sent=origin_fields(settings),
            random=random.random,
        )


@asynccontextmanager
async def api_session(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the client session of THRON's API, closed at the end of the block."""
    async with aiohttp.ClientSession(
        connector=IdleBoundedConnector(ssl=trusted_authorities(settings)),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _user_agent(settings)},
        proxy=_outbound_proxy(settings),
    ) as session:
        yield session


@asynccontextmanager
async def byte_client(settings: Settings, hosts: OriginHosts) -> AsyncIterator[HttpClient]:
    """Give the client of the bytes, which edits nothing, closed at the end of the block."""
    if settings.outbound_proxy is None:
        async with Http1Client(
            GuardedResolver(hosts),
            tls=trusted_authorities(settings),
            # With DNS and TLS: a failure to connect says something of the host, not of one content.
            connect_timeout_s=settings.connect_timeout_s,
        ) as client:
            yield client
        return
    # aiohttp knows CONNECT and the proxy's password. The one name that we resolve is the proxy's;
    # names of origins stay checked.
    async with aiohttp.ClientSession(
        connector=IdleBoundedConnector(ssl=trusted_authorities(settings)),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers={"Accept", "Accept-Encoding", "User-Agent", "Content-Type"},
        timeout=aiohttp.ClientTimeout(total=None, connect=settings.connect_timeout_s),
        read_bufsize=_READ_BUFFER,
        requote_redirect_url=False,
        proxy=_outbound_proxy(settings),
    ) as session:
        yield AiohttpClient(session)


def origin_fields(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Return the lines that go to origins with every request."""
    lines = [
        ("Accept", "*/*"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", _user_agent(settings)),
        ("Via", f"1.1 {PSEUDONYM}"),
    ]
    if settings.referer is not None:
        lines.append(("Referer", settings.referer))
    return tuple(lines)


def trusted_authorities(settings: Settings) -> ssl.SSLContext:
    """Return the certificate authorities of this machine, and those of TDC_CA_FILE.

    Raises:
        ConfigurationError: The file holds no certificates.
    """
    return _authorities(settings.ca_file)


@cache  # reading them takes 70 ms and some megabytes; a context may serve any number of sessions
def _authorities(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (ssl.SSLError, OSError) as exc:
            raise ConfigurationError(
                [f"TDC_CA_FILE: {ca_file} holds no PEM certificates: {exc}"]
            ) from exc
    return context


def _user_agent(settings: Settings) -> str:
    return settings.user_agent or f"{PSEUDONYM}/{__version__}"


def _outbound_proxy(settings: Settings) -> str | None:
    return settings.outbound_proxy.get_secret_value() if settings.outbound_proxy else None


def _refuse_slow_parser() -> None:
    """Refuse aiohttp without its C parser: the Python one reads other requests than proxies do."""
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise ConfigurationError(
            ["aiohttp lacks its C parser: install its wheel, and unset AIOHTTP_NO_EXTENSIONS"]
        )


def _public_handler(downloads: Downloads, reasons: Callable[[], Sequence[str]]) -> Handler:
    """Return what answers the public listener: probes and downloads, and no router between."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path.startswith(PROBES):
            probe = public_probe(request, reasons)
            if probe is not None:
                return probe
        return await downloads.answer(request)

    return handler


def _limiter(name: str, most: int, settings: Settings, metrics: Metrics) -> ConnectionLimiter:
    limiter = ConnectionLimiter(
        most=most,
        trusted=settings.proxies,
        count=lambda reason: metrics.connections_closed.labels(name, reason).inc(),
        now=time.monotonic,
    )
    metrics.connections.labels(name).set_function(lambda: limiter.open)
    return limiter


def _not_ready(connection: TenantConnection, admission: Admission) -> Sequence[str]:
    if admission.is_closing:
        return ["stopping: running downloads finish, new ones go elsewhere"]
    return connection.not_ready()


def _degraded(database: Database, watch: ConnectorWatch) -> Sequence[str]:
    """Return what is wrong, though the gateway answers what it can."""
    problem = database.problem
    found = [problem] if problem is not None else []
    if watch.connectors.is_new:
        found.append("no connector yet: make one in the console, or by connectors apply")
    return found


async def _not_waited_for() -> None:
    """Wait for nothing: a console's page that is cut is asked for again."""


def _tell_start(parts: Parts, watch: ConnectorWatch) -> None:
    settings = parts.settings
    if watch.connectors.is_new:
        log.warning(
            "no connector yet",
            database=str(parts.database.place),
            fix="make one in the console, or by connectors apply; if there were some, the"
            " database has been lost: see TDC_DATABASE_URL, or restore a backup",
        )
    log.info(
        "listening",
        public=str(settings.listen),
        admin=str(settings.admin_listen),
        tls=str(settings.tls_listen) if settings.tls_listen else None,
        set_up=parts.tenant is not None,
    )
    if settings.has_unnamed_proxy:
        log.warning("unnamed proxy in front", public=settings.public_url, fix=NAME_THE_PROXY)


def _reachable(listen: Listen) -> Listen:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)
    return Listen(host=host, port=listen.port)
