"""The admin listener: probes for machines, the console for people, and its API for both.

Here the console is put together: every noun's pages and operations get what they work with.
"""

from collections.abc import Callable, Mapping
from itertools import chain

from aiohttp import web
from aiohttp.typedefs import Handler

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
from proxy.admin.auth.authorization import authorization, known_hosts
from proxy.admin.auth.devices import Devices
from proxy.admin.auth.login import Login
from proxy.admin.auth.login_rate_limiter import LoginRateLimiter
from proxy.admin.auth.request_context import request_context
from proxy.admin.console import Console
from proxy.admin.content_actions import ContentActions
from proxy.admin.error_middleware import error_middleware
from proxy.admin.live import Live
from proxy.admin.onboarding import Onboarding, first_steps
from proxy.admin.overview import OverviewService
from proxy.admin.security_headers import secure
from proxy.admin.tenant_cache import TenantCache
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
from proxy.admin.web.first_steps import FirstStepsPages
from proxy.admin.web.links import LinksPages
from proxy.admin.web.login import LoginPages
from proxy.admin.web.overview import OverviewPages
from proxy.admin.web.preferences import PreferencesPages
from proxy.admin.web.purge import PurgePages
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.clock import utc_now
from proxy.connectors.service import ConnectorService
from proxy.connectors.store import ConnectorStore, ConnectorWatch
from proxy.edge.sender import PurgeSender
from proxy.telemetry.live import TrafficView
from proxy.tenant import AppContext, Resolutions


def application(  # noqa: PLR0913 - what it works with, each by name
    console: Console,
    context: AppContext,
    *,
    watch: ConnectorWatch,
    sync: Sync,
    contents: Contents,
    purge_sender: PurgeSender,
    traffic: TrafficView,
    probes: Mapping[str, Handler],
    resolutions: Callable[[], Resolutions],
    body_timeout_s: float,
) -> web.Application:
    """Return all that the admin listener answers, as ``open_console`` has been given its parts."""
    settings, database, connection = context.settings, context.database, context.connection
    password, sessions = console.password, console.sessions
    tokens, links, monotonic = console.tokens, console.links, console.monotonic
    checks, checker, stopping = console.checks, console.checker, console.stopping
    devices = Devices(database, password=password.hash, now=utc_now)
    login = Login(password, devices, sessions, LoginRateLimiter(), now=monotonic)
    overviews = OverviewService(
        settings, connection, watch, traffic, resolutions, utc_now, monotonic
    )
    live = Live(overviews, sync, refused_reload=lambda: console.refused_reload)
    actions = ContentActions(database, connection, watch, contents)
    connectors = ConnectorStore(database)
    service = ConnectorService(
        connectors, settings, previewer=lambda: connection.connected.previewer, watch=watch
    )
    tenant_cache = TenantCache.of(connection, now=monotonic)
    onboarding = Onboarding(database, connection, watch)
    nouns_of_pages = (
        LoginPages(settings, database, password, links, sessions, login, monotonic),
        PreferencesPages(),
        FirstStepsPages(onboarding),
        OverviewPages(live, watch, sessions, stopping),
        PurgePages(settings, database, resolutions, watch, purge_sender),
        ConnectorNewPages(settings, connectors, watch, service, tenant_cache),
        ConnectorEditPages(settings, connectors, watch, service, tenant_cache, checks),
        ConnectorBreaksPages(connectors, service, checks),
        ConnectorsPages(settings, connection, watch, sync, contents, tenant_cache),
        ContentsPages(settings, watch, sync, contents, checks),
        ContentPages(settings, connection, watch, contents, actions, checks),
        LinksPages(settings, connection, watch, contents, checks, checker),
        ConnectionPages(context, watch),
        AuditPages(database),
        AccessPages(settings, password, login, sessions, tokens),
    )
    nouns_of_api = (
        OverviewApi(live, traffic.recent),
        PurgeApi(settings, database, watch),
        PurgeHooksApi(purge_sender),
        ConnectionApi(context),
        ConnectorsApi(settings, connectors, sync, contents, service),
        FoldersApi(tenant_cache),
        UrlsApi(settings, watch, contents),
        ContentsApi(settings, watch, contents, actions),
        LinksApi(settings, connection, watch, checks, checker),
        AuditApi(database),
        TokensApi(tokens),
        SessionsApi(sessions),
    )
    app = web.Application(
        middlewares=[
            error_middleware(monotonic=monotonic),
            request_context(trusted=settings.proxies),
            known_hosts(settings.admin_hosts),
            authorization(sessions, tokens, body_timeout_s=body_timeout_s),
            first_steps(onboarding),
        ]
    )
    app.on_response_prepare.append(secure)
    app.add_routes(web.get(path, probe) for path, probe in probes.items())
    app.add_routes(chain.from_iterable(map(pages.routes, nouns_of_pages)))
    app.add_routes(chain.from_iterable(map(operations.routes, nouns_of_api)))
    app.add_routes(api_document.routes(nouns_of_api))
    app.router.add_get(ASSETS_PATH, ASSETS.answer)
    app.router.add_get("/favicon.ico", ASSETS.icon)
    return app
