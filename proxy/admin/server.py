"""The admin listener: probes for machines, the console for people, and its API for both.

Here the console is put together: every noun's pages and operations get what they work with.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import chain

from aiohttp import web

from proxy.admin.api import operations
from proxy.admin.api.audit import AuditApi
from proxy.admin.api.connection import ConnectionApi
from proxy.admin.api.connectors import ConnectorsApi
from proxy.admin.api.contents import ContentsApi
from proxy.admin.api.folders import FoldersApi
from proxy.admin.api.links import LinksApi
from proxy.admin.api.overview import OverviewApi
from proxy.admin.api.purge import PurgeApi
from proxy.admin.api.purge_hooks import PurgeHooksApi
from proxy.admin.api.sessions import SessionsApi
from proxy.admin.api.tokens import TokensApi
from proxy.admin.api.urls import UrlsApi
from proxy.admin.auth.admin_password import Password
from proxy.admin.auth.api_tokens import ApiTokens
from proxy.admin.auth.authorization import BODY_TIMEOUT_S, authorization
from proxy.admin.auth.devices import Devices
from proxy.admin.auth.hosts import known_hosts
from proxy.admin.auth.login import Login
from proxy.admin.auth.login_rate_limiter import LoginRateLimiter
from proxy.admin.auth.passwords import PasswordHashes
from proxy.admin.auth.request_context import request_context
from proxy.admin.auth.sessions import Sessions
from proxy.admin.auth.sign_in_links import SignInLinks
from proxy.admin.content_actions import ContentActions
from proxy.admin.error_middleware import error_middleware
from proxy.admin.live import Live
from proxy.admin.overview import Observer
from proxy.admin.security_headers import secure
from proxy.admin.set_up import SetUp
from proxy.admin.store import ConsoleStore
from proxy.admin.web import api_document, pages
from proxy.admin.web.access import AccessPages
from proxy.admin.web.assets import ASSETS
from proxy.admin.web.assets import PATH as ASSETS_PATH
from proxy.admin.web.audit import AuditPages
from proxy.admin.web.connection import ConnectionPages
from proxy.admin.web.connector_breaks import ConnectorBreaksPages
from proxy.admin.web.connector_edit import ConnectorEditPages
from proxy.admin.web.connector_new import ConnectorNewPages
from proxy.admin.web.connectors import ConnectorsPages
from proxy.admin.web.content import ContentPages
from proxy.admin.web.contents import ContentsPages
from proxy.admin.web.links import LinksPages
from proxy.admin.web.login import LoginPages
from proxy.admin.web.overview import OverviewPages
from proxy.admin.web.preferences import PreferencesPages
from proxy.admin.web.purge import PurgePages
from proxy.catalogue.audit_retention import prune
from proxy.catalogue.polling import polling
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.clock import utc_now
from proxy.connectors.addresses import Address
from proxy.connectors.model import Connector
from proxy.connectors.service import ConnectorService
from proxy.connectors.store import ConnectorStore
from proxy.connectors.watch import ConnectorWatch
from proxy.edge.sender import PurgeSender
from proxy.errors import NotConfigured
from proxy.link_check.probe import LinkProbe
from proxy.link_check.results import ProbeResult
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import LinkCheckStore
from proxy.telemetry.live import TrafficView
from proxy.tenant import Parts, Resolutions

_PRUNE_AUDIT_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class Console:
    """The console, to be served, and what lets somebody in.

    Attributes:
        url: Its base, as it is reached from this machine.
        stopping: To be set once what still runs is cut.
        monotonic: By which its links end.
    """

    url: str
    app: web.Application
    store: ConsoleStore
    password: Password
    sessions: Sessions
    tokens: ApiTokens
    links: SignInLinks
    live: Live
    stopping: asyncio.Event
    monotonic: Callable[[], float]

    def set_up_url(self) -> str | None:
        """Return a new link to set the password, None where there is one.

        It is a secret: for the operator's terminal, and nothing else.
        """
        if self.password.is_set:
            return None
        return f"{self.url}/set-up?link={self.links.set_up(now=self.monotonic())}"

    def demo_url(self) -> str:
        """Return a link that signs in as long as this runs; for the demo alone."""
        return f"{self.url}/set-up?link={self.links.demo()}"


@asynccontextmanager
async def open_console(  # noqa: PLR0913 - what it works with, each by name
    parts: Parts,
    *,
    watch: ConnectorWatch,
    sync: Sync,
    contents: Contents,
    purge_sender: PurgeSender,
    traffic: TrafficView,
    probes: Sequence[web.RouteDef],
    resolutions: Callable[[], Resolutions] | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> AsyncIterator[Console]:
    """Give the console, the password read, until the end of the block.

    Args:
        parts: Settings, database, and the tenant that is connected.
        watch: The connectors that are served now.
        sync: Keeps the catalogue of contents.
        contents: Reads it.
        purge_sender: Tells caches in front of changes.
        traffic: What comes and goes on the public listener.
        probes: Routes that are open to everybody.
        resolutions: What the resolvers of the public listener hold; None: this process's.
        monotonic: Seconds that no change of the clock moves.
        body_timeout_s: As ``authorization`` has it.

    Raises:
        DatabaseFailed: The password cannot be read.
    """
    settings, database, connection = parts.settings, parts.database, parts.connection
    store = ConsoleStore(database)
    given = settings.admin_password_hash
    password = Password(
        store,
        PasswordHashes(),
        given=given.get_secret_value() if given is not None else None,
        now=utc_now,
    )
    await password.read()
    sessions = Sessions(store, password=password.hash, now=utc_now)
    tokens = ApiTokens(store, now=utc_now)
    links = SignInLinks()
    stopping = asyncio.Event()
    devices = Devices(database, password=password.hash, now=utc_now)
    login = Login(password, devices, sessions, LoginRateLimiter(), now=monotonic)
    resolutions = resolutions or connection.resolutions
    observer = Observer(settings, connection, watch, traffic, resolutions, utc_now, monotonic)
    live = Live(observer, sync)
    actions = ContentActions(database, connection, watch, contents)
    connectors = ConnectorStore(database)
    service = ConnectorService(
        connectors, settings, previewer=lambda: connection.connected.previewer, watch=watch
    )
    set_up = SetUp.of(connection, now=monotonic)

    async def prune_audit() -> None:
        await prune(database, now=utc_now())

    async def try_link(connector: Connector, address: Address) -> ProbeResult:
        tenant = connection.tenant  # that is connected when the try begins
        if tenant is None:
            return ProbeResult(NotConfigured.status, problem=NotConfigured.public)
        return await LinkProbe(tenant.resolver, tenant.origins).try_address(connector, address)

    async with AsyncExitStack() as stack:
        checks = LinkCheckStore(database, now=utc_now)
        checker = await stack.enter_async_context(LinkChecker.open(checks, try_link))
        await stack.enter_async_context(
            polling("audit", prune_audit, interval_s=_PRUNE_AUDIT_EVERY_S)
        )
        nouns_of_pages = (
            LoginPages(settings, store, password, links, sessions, login, monotonic),
            PreferencesPages(),
            OverviewPages(live, watch, sessions, stopping),
            PurgePages(settings, database, resolutions, watch, purge_sender),
            ConnectorNewPages(settings, connectors, watch, service, set_up),
            ConnectorEditPages(settings, connectors, watch, service, set_up, checks),
            ConnectorBreaksPages(connectors, service),
            ConnectorsPages(settings, connection, watch, sync, contents, set_up),
            ContentsPages(settings, watch, sync, contents, checks),
            ContentPages(settings, connection, watch, contents, actions, checks),
            LinksPages(settings, connection, watch, contents, checks, checker),
            ConnectionPages(parts, watch),
            AuditPages(store),
            AccessPages(settings, password, login, sessions, tokens),
        )
        nouns_of_api = (
            OverviewApi(live, traffic.recent),
            PurgeApi(settings, database, watch),
            PurgeHooksApi(purge_sender),
            ConnectionApi(parts),
            ConnectorsApi(settings, connectors, sync, contents, service),
            FoldersApi(set_up),
            UrlsApi(settings, watch, contents),
            ContentsApi(settings, watch, contents, actions),
            LinksApi(settings, connection, watch, checks, checker),
            AuditApi(store),
            TokensApi(tokens),
            SessionsApi(sessions),
        )
        app = web.Application(
            middlewares=[
                error_middleware(monotonic=monotonic),
                request_context(trusted=settings.proxies),
                known_hosts(settings.admin_hosts),
                authorization(sessions, tokens, body_timeout_s=body_timeout_s),
            ]
        )
        app.on_response_prepare.append(secure)
        app.add_routes(probes)
        app.add_routes(chain.from_iterable(map(pages.routes, nouns_of_pages)))
        app.add_routes(chain.from_iterable(map(operations.routes, nouns_of_api)))
        app.add_routes(api_document.routes(nouns_of_api))
        app.router.add_get(ASSETS_PATH, ASSETS.answer)
        app.router.add_get("/favicon.ico", ASSETS.icon)
        url = f"http://{settings.admin_listen.local}"
        yield Console(url, app, store, password, sessions, tokens, links, live, stopping, monotonic)
