"""The way to THRON: database, session, resolver and origins, and the clients that they ask with."""

import random
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from pathlib import Path

import aiohttp
import structlog
from yarl import URL

from proxy import __version__
from proxy.catalogue.database import Database, open_database
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.seen_changes import SeenChanges
from proxy.catalogue.served_files import ServedFile, ServedFiles
from proxy.catalogue.session_store import session_store
from proxy.check.report import Recording
from proxy.clock import Clock
from proxy.connectors.folder_statistics_cache import FolderStatisticsCache
from proxy.connectors.model import Connector
from proxy.connectors.preview import Previewer
from proxy.delivery.aiohttp_client import AiohttpClient
from proxy.delivery.bulkhead import Bulkhead
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.explain import Explainer
from proxy.delivery.http_client import HttpClient, Observers
from proxy.delivery.lookup import Lookup
from proxy.delivery.origin import Origins
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import GuardedResolver, OriginHosts
from proxy.delivery.rate_limiter import RateLimiter
from proxy.delivery.resolution import Delivery
from proxy.delivery.resolver import Lifetimes, Resolver
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.reverification import Reverification
from proxy.delivery.source_file import SourceFiles
from proxy.delivery.transport.client import Http1Client
from proxy.errors import ConfigurationError
from proxy.idle_connections import IdleBoundedConnector
from proxy.semantics.dates import parse_http_date
from proxy.semantics.headers import media_type
from proxy.server.shared_counts import SharedQuestions
from proxy.settings import Settings
from proxy.telemetry import redaction
from proxy.telemetry.histogram import HistogramByLabel
from proxy.telemetry.metrics import Metrics
from proxy.telemetry.middleware import PSEUDONYM
from proxy.tenant import AppContext, Tenant, TenantConnection
from proxy.thron.client import Client
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper

log = structlog.get_logger("proxy.app")

# Questions to THRON for addresses that nobody has asked for yet, of all processes together; a page
# with some dozens of new images may wait this long for its turn.
_UNKNOWN_AT_ONCE = 4
_UNKNOWN_PER_S = 20.0
_UNKNOWN_WAIT_S = 5.0
# Addresses that are not remembered, looked up at once. One client gets at most half of these:
# enough for a front with a thousand first requests after a restart, and few enough for the
# catalogue, which reads some hundreds a second, that nobody waits for long behind a flood.
_LOOK_UPS = 2048
# Of all downloads, one in so many may wait long for a source file: the API hangs for these alone.
_SLOW_SHARE = 4
# What aiohttp holds of one upstream before it stops reading: twice this (its high-water mark).
_READ_BUFFER = 64 * 1024
# A request to a cache in front, from the connection to the status.
_CACHE_TIMEOUT_S = 10.0
# A look-up in THRON: what takes longer is asked again sooner than it answers.
_LOOK_UP_S = 10.0


@asynccontextmanager
async def open_context(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    clock: Clock | None = None,
    recording: Recording | None = None,
    metrics: Metrics | None = None,
    questions: SharedQuestions | None = None,
    progressed: Callable[[], None] | None = None,
) -> AsyncIterator[AppContext]:
    """Open the database, and where there are credentials the way to THRON.

    Args:
        settings: Loaded.
        environ: For the state directory.
        clock: By which what was learnt from THRON lapses; the machine's, if no other is given.
        recording: Is told of every answer of THRON's API and of origins.
        metrics: Where requests to THRON are counted.
        questions: What all processes ask THRON together; None: there are no others.
        progressed: As for ``Database.open``.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            open_database(settings, environ, progressed=progressed)
        )
        log.info("database", place=str(database.place))
        clock = clock or Clock()
        rate_limiter = RateLimiter(
            at_once=_UNKNOWN_AT_ONCE,
            per_s=_UNKNOWN_PER_S,
            max_wait_s=_UNKNOWN_WAIT_S,
            now=clock.now,
            shared=questions,
        )
        opener = partial(
            _open_tenant, settings, clock=clock, rate_limiter=rate_limiter, metrics=metrics
        )
        connection = TenantConnection(
            settings,
            database,
            open_tenant=partial(opener, database=database, recording=recording),
            opened=stack,
        )
        await connection.refresh()
        yield AppContext(settings, database, connection, partial(opener, database=None))


@asynccontextmanager
async def _open_tenant(
    settings: Settings,
    credentials: Credentials,
    *,
    clock: Clock,
    rate_limiter: RateLimiter,
    database: Database | None,
    recording: Recording | None = None,
    metrics: Metrics | None = None,
) -> AsyncIterator[Tenant]:
    """Open a tenant; without a database it knows no catalogue, and shares no session.

    Raises:
        ConfigurationError: TDC_CA_FILE cannot be used.
    """
    client_id = credentials.client_id
    settings = settings.model_copy(update={"client_id": client_id})  # its hosts are named by it
    async with AsyncExitStack() as stack:
        caller = RetryingCaller(
            CircuitBreaker(),
            silent_s=lambda: thron.silent_s,
            now=clock.now,
            random=random.random,
        )
        client = Client(
            await stack.enter_async_context(api_session(settings)),
            api_url=settings.api_base,
            connect_timeout_s=settings.connect_timeout_s,
            total_timeout_s=settings.first_byte_timeout_s + settings.read_gap_s,
            on_reply=recording.on_reply if recording is not None else None,
            answered=caller.note_answer,
            observe=metrics.asked_thron if metrics is not None else None,
        )
        redaction.know("app key", credentials.app_key)
        thron = await stack.enter_async_context(
            TokenKeeper(
                client,
                credentials,
                now=clock.wall,
                random=random.random,
                store=session_store(database, credentials, now=clock.wall),
                is_doubted=lambda: caller.outage is not None,
                redact=redaction.know,
            )
        )
        search = Search(thron, client_id=client_id)
        statistics = await stack.enter_async_context(
            FolderStatisticsCache.open(search, now=clock.now)
        )
        known = KnownContents(database) if database is not None else None
        served, changed = None, _ignore
        if database is not None:
            served = await stack.enter_async_context(ServedFiles.open(database))
            changed = (await stack.enter_async_context(SeenChanges.open(database))).note
        # Never less than a connection to THRON alone may take.
        look_up_s = max(_LOOK_UP_S, settings.connect_timeout_s)
        lookup = Lookup(thron, search, longest_s=look_up_s, known=known)
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
                look_up_s=look_up_s,
            ),
            rate_limiter=rate_limiter,
            look_ups=Bulkhead(places=_LOOK_UPS),
            caller=caller,
            now=clock.now,
            completed=partial(_note_served, served),
            changed=changed,
            starts_warm=known is not None and await known.has_any(),
        )
        stack.push_async_callback(resolver.aclose)
        if database is not None and settings.purge_hooks is not None:
            reverification = Reverification(
                lookup.members,
                resolutions=lambda: resolver.resolutions,
                served_for_s=settings.resolution_ttl_s + settings.stale_if_error_s,
                changed=changed,
                caller=caller,
                now=clock.now,
            )
            await stack.enter_async_context(
                reverification.running(every_s=settings.resolution_ttl_s)
            )
        origins = await stack.enter_async_context(
            _open_origins(settings, thron, clock=clock, recording=recording, metrics=metrics)
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


def _ignore(content_id: str) -> None:
    """Tell nobody of a change: a tenant that is tried out serves nothing."""


def _note_served(served: ServedFiles | None, connector: Connector, delivery: Delivery) -> None:
    """Note what an origin told of a content, for the summary table."""
    told = delivery.representation
    if served is None or told is None:
        return
    lines = dict(told.fields)
    modified = told.known.last_modified
    file = ServedFile(
        media_type=media_type(lines.get("Content-Type")),
        size=told.known.complete_length,
        modified=parse_http_date(modified) if modified is not None else None,
    )
    served.note(connector.slug, delivery.content_id, file)


@asynccontextmanager
async def _open_origins(
    settings: Settings,
    thron: TokenKeeper,
    *,
    clock: Clock,
    recording: Recording | None,
    metrics: Metrics | None,
) -> AsyncIterator[Origins]:
    hosts = OriginHosts(
        settings.origin_hosts,
        named_urls=[url for url in (settings.api_url, settings.cdn_url) if url is not None],
        tenant_urls=(settings.api_base, settings.cdn_base),
        # A proxy resolves names where their addresses cannot be checked.
        is_open_to_api=settings.api_base.startswith("https:") and settings.outbound_proxy is None,
    )
    cdn, api = URL(settings.cdn_base), URL(settings.api_base)
    kinds = {(cdn.raw_host, cdn.port): "cdn", (api.raw_host, api.port): "api"}

    def observe(histogram: HistogramByLabel, host: str, port: int) -> Callable[[float], None]:
        return histogram.of[kinds.get((host, port), "other")].observe

    connected = partial(observe, metrics.origin_connect) if metrics is not None else None
    answered = partial(observe, metrics.origin_first_byte) if metrics is not None else None
    async with byte_client(settings, hosts, connected=connected) as http:
        origin_client = OriginClient(
            http,
            hosts,
            first_byte_timeout_s=settings.first_byte_timeout_s,
            now=clock.now,
            heard=recording.heard_origin if recording is not None else None,
            answered=answered,
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
        proxy=outbound_proxy(settings),
    ) as session:
        yield session


@asynccontextmanager
async def cache_session(settings: Settings) -> AsyncIterator[aiohttp.ClientSession]:
    """Give the client session of purge hooks, closed at the end of the block."""
    async with aiohttp.ClientSession(
        connector=IdleBoundedConnector(ssl=trusted_authorities(settings)),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": _user_agent(settings)},
        timeout=aiohttp.ClientTimeout(total=_CACHE_TIMEOUT_S),
    ) as session:
        yield session


@asynccontextmanager
async def byte_client(
    settings: Settings,
    hosts: OriginHosts,
    *,
    connected: Observers | None = None,
) -> AsyncIterator[HttpClient]:
    """Give the client of the bytes, which edits nothing, closed at the end of the block.

    Args:
        settings: Loaded.
        hosts: Decides where connections may lead.
        connected: Gives what observes the seconds that new connections took, where no proxy
            makes them.
    """
    if settings.outbound_proxy is None:
        async with Http1Client(
            GuardedResolver(hosts),
            tls=trusted_authorities(settings),
            # With DNS and TLS: a failure to connect says something of the host, not of one content.
            connect_timeout_s=settings.connect_timeout_s,
            connected=connected,
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
        proxy=outbound_proxy(settings),
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


def outbound_proxy(settings: Settings) -> str | None:
    """Return the proxy that leads out of the operator's network; its URL may hold a password."""
    return settings.outbound_proxy.get_secret_value() if settings.outbound_proxy else None
