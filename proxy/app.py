"""Composition root: the parts of the connector, opened in order."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.purges import Purge
from proxy.catalogue.session_store import SharedSessions
from proxy.connectors.preview import Surveyor
from proxy.delivery.bulkhead import Bulkhead
from proxy.delivery.circuit_breaker import CircuitBreaker
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.explain import Explainer
from proxy.delivery.lookup import Lookup
from proxy.delivery.origin import Clock, Origins
from proxy.delivery.origin_client import OriginClient
from proxy.delivery.origin_hosts import OriginHosts
from proxy.delivery.rate_limiter import RateLimiter
from proxy.delivery.resolver import Lifetimes, Resolver
from proxy.delivery.retrying_caller import RetryingCaller
from proxy.delivery.source_file import SourceFiles
from proxy.outbound import api_session, byte_session, origin_fields
from proxy.report import Recording
from proxy.settings import Settings
from proxy.thron.client import Client
from proxy.thron.exchange import Reply, Request
from proxy.thron.search import Search
from proxy.thron.session import Credentials, SessionStore, Unshared
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


LOST_KEY = (
    "the kept credentials were encrypted with another key: restore the key file beside the database"
    " or TDC_SECRET_KEY, or give the credentials anew"
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """The parts that talk to one THRON tenant.

    Attributes:
        client_id: Its name in THRON.
        api_url: Base of its API.
        thron: Keeps the token, and asks with it.
        surveyor: What a connector would make public.
        listing: The contents of a connector's folder.
        delivery_builder: Content -> Delivery.
        resolver: Address -> Delivery.
        origins: Delivery -> bytes.
        explainer: The same way, step by step.
    """

    client_id: str
    api_url: str
    thron: TokenKeeper
    search: Search
    surveyor: Surveyor
    listing: FolderListing
    delivery_builder: DeliveryBuilder
    resolver: Resolver
    origins: Origins
    explainer: Explainer

    async def purge(self, purge: Purge) -> None:
        """Forget resolutions; and what failed a moment ago, which is asked for again soon."""
        await self.resolver.purge(purge)
        await self.origins.forget_failures()


class Tenancy:
    """The tenant that is connected, by the settings or by what the database has.

    What is connected once stays open until the end, so that a change of credentials breaks no
    download that runs.
    """

    def __init__(
        self,
        settings: Settings,
        database: Database,
        opened: AsyncExitStack,
        *,
        recording: Recording | None = None,
    ) -> None:
        self._settings = settings
        self._recording = recording
        self._database = database
        self._opened = opened
        self._credentials: Credentials | None = None
        self._connecting = asyncio.Lock()  # the console asks for it, and so does the watch
        self.tenant: Tenant | None = None
        self.is_key_lost = False

    async def refresh(self) -> None:
        """Connect the tenant whose credentials there are, unless it is connected already.

        Raises:
            ConfigurationError: TDC_CA_FILE cannot be used.
            DatabaseFailed: The database does not answer.
        """
        async with self._connecting:
            credentials = await self._known_credentials()
            if credentials is not None and credentials != self._credentials:
                await self._connect(credentials)

    async def purge(self, purge: Purge) -> None:
        """Forget resolutions of the tenant, if one is connected."""
        if self.tenant is not None:
            await self.tenant.purge(purge)

    async def _connect(self, credentials: Credentials) -> None:
        async with AsyncExitStack() as unless_connected:
            self.tenant = await _tenant(
                unless_connected,
                self._settings,
                credentials,
                database=self._database,
                recording=self._recording,
            )
            await self._opened.enter_async_context(unless_connected.pop_all())
        self._credentials = credentials
        log.info("tenant", client_id=credentials.client_id)

    async def _known_credentials(self) -> Credentials | None:
        settings = self._settings
        if settings.client_id and settings.app_id and settings.app_key:
            key = settings.app_key.get_secret_value()
            return Credentials(settings.client_id, settings.app_id, key, settings.username)
        kept = await self._database.tenant()
        self._note_lost_key(is_lost=kept is not None and kept.app_key is None)
        if kept is None or kept.app_key is None:
            return None
        return Credentials(kept.client_id, kept.app_id, kept.app_key, kept.username)

    def _note_lost_key(self, *, is_lost: bool) -> None:
        if is_lost and not self.is_key_lost:
            log.error("credentials cannot be decrypted", mend=LOST_KEY)
        self.is_key_lost = is_lost


@dataclass(frozen=True, slots=True)
class Parts:
    """What every command works with.

    Attributes:
        settings: As loaded.
        database: Open.
        tenancy: Which tenant is connected.
    """

    settings: Settings
    database: Database
    tenancy: Tenancy

    @property
    def tenant(self) -> Tenant | None:
        """The tenant that is connected; None in the set-up state."""
        return self.tenancy.tenant


@asynccontextmanager
async def open_parts(
    settings: Settings, environ: Mapping[str, str], *, recording: Recording | None = None
) -> AsyncIterator[Parts]:
    """Open the database, and where there are credentials the way to THRON.

    Args:
        settings: Loaded.
        environ: For the state directory.
        recording: Is told of every answer of THRON's API and of origins.

    Raises:
        ConfigurationError: The database or a file cannot be used.
        DatabaseFailed: The database does not answer.
    """
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings, environ))
        log.info("database", place=str(database.place))
        tenancy = Tenancy(settings, database, stack, recording=recording)
        await tenancy.refresh()
        yield Parts(settings, database, tenancy)


def open_database(
    settings: Settings, environ: Mapping[str, str]
) -> AbstractAsyncContextManager[Database]:
    """Open the database alone, as ``Database.open`` does.

    Args:
        settings: Loaded.
        environ: For the state directory.
    """
    return Database.open(settings.database(environ), secret_keys_given=settings.secret_keys)


@asynccontextmanager
async def open_tenant(settings: Settings, credentials: Credentials) -> AsyncIterator[Tenant]:
    """Open a tenant beside the one that is connected, to try credentials before they are kept.

    Raises:
        ConfigurationError: TDC_CA_FILE cannot be used.
    """
    async with AsyncExitStack() as stack:
        yield await _tenant(stack, settings, credentials, database=None)


async def _tenant(
    stack: AsyncExitStack,
    settings: Settings,
    credentials: Credentials,
    *,
    database: Database | None,
    recording: Recording | None = None,
) -> Tenant:
    """Open a tenant; without a database it knows no catalogue, and shares no session."""
    client_id = credentials.client_id
    settings = settings.model_copy(update={"client_id": client_id})  # its hosts are named by it
    sessions = session_store(database, credentials)
    thron = await _token_keeper(
        stack, settings, credentials, sessions, heard=recording.heard if recording else None
    )
    known = KnownContents(database) if database is not None else None
    search = Search(thron, client_id=client_id)
    lookup = Lookup(thron, search, known=known)
    delivery_builder = DeliveryBuilder(
        thron,
        client_id=client_id,
        api_url=settings.api_base,
        cdn_url=settings.cdn_base,
        source_path=settings.source_path,
    )
    is_warm = known is not None and await known.has_any()
    resolver = _resolver(
        settings, lookup, delivery_builder, silent_s=lambda: thron.silent_s, starts_warm=is_warm
    )
    stack.push_async_callback(resolver.aclose)
    origins = await _origins(stack, settings, thron, trace=recording.trace() if recording else None)
    return Tenant(
        client_id=client_id,
        api_url=settings.api_base,
        thron=thron,
        search=search,
        surveyor=Surveyor(thron, search),
        listing=FolderListing(thron, search),
        delivery_builder=delivery_builder,
        resolver=resolver,
        origins=origins,
        explainer=Explainer(lookup, delivery_builder, origins, base=settings.public_base),
    )


def session_store(database: Database | None, credentials: Credentials) -> SessionStore:
    """Return where the session is shared: in the database, if it can be encrypted there."""
    if database is None or database.encryption is None:
        return Unshared()
    return SharedSessions(database, database.encryption, credentials, now=time.time)


async def _token_keeper(
    stack: AsyncExitStack,
    settings: Settings,
    credentials: Credentials,
    store: SessionStore,
    *,
    heard: Callable[[Request, Reply], None] | None,
) -> TokenKeeper:
    http = await stack.enter_async_context(api_session(settings))
    client = Client(
        http,
        api_url=settings.api_base,
        connect_timeout_s=settings.connect_timeout_s,
        total_timeout_s=settings.first_byte_timeout_s + settings.read_gap_s,
        heard=heard,
    )
    keeper = TokenKeeper(client, credentials, now=time.time, random=random.random, store=store)
    return await stack.enter_async_context(keeper)


def _resolver(
    settings: Settings,
    lookup: Lookup,
    delivery_builder: DeliveryBuilder,
    *,
    silent_s: Callable[[], float],
    starts_warm: bool,
) -> Resolver:
    return Resolver(
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
            now=time.monotonic,
        ),
        look_ups=Bulkhead(places=_LOOK_UPS),
        caller=RetryingCaller(
            CircuitBreaker(), silent_s=silent_s, now=time.monotonic, random=random.random
        ),
        now=time.monotonic,
        starts_warm=starts_warm,
    )


async def _origins(
    stack: AsyncExitStack,
    settings: Settings,
    thron: TokenKeeper,
    *,
    trace: aiohttp.TraceConfig | None,
) -> Origins:
    hosts = OriginHosts(
        settings.origin_hosts,
        named_urls=[url for url in (settings.api_url, settings.cdn_url) if url is not None],
        tenant_urls=(settings.api_base, settings.cdn_base),
        # A proxy resolves names where their addresses cannot be checked.
        is_open_to_api=settings.api_base.startswith("https:") and settings.outbound_proxy is None,
    )
    http = await stack.enter_async_context(byte_session(settings, hosts, trace=trace))
    origin_client = OriginClient(
        http, hosts, first_byte_timeout_s=settings.first_byte_timeout_s, now=time.monotonic
    )
    return Origins(
        origin_client,
        SourceFiles(origin_client, thron, now=time.monotonic),
        clock=Clock(now=time.monotonic, wall=time.time),
        target_ttl_s=settings.resolution_ttl_s,
        refusal_ttl_s=settings.negative_ttl_s,
        sent=origin_fields(settings),
        random=random.random,
    )
