"""The admin listener: probes for machines, the console for people, and its API for both."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from proxy.console.access import BODY_PATIENCE_S, access
from proxy.console.api import Operation
from proxy.console.assets import ASSETS
from proxy.console.assets import PATH as ASSETS_PATH
from proxy.console.audit_pruning import audit_pruning
from proxy.console.faults import faults
from proxy.console.hosts import known_hosts
from proxy.console.link_checks import link_checks
from proxy.console.live import LIVE, Live
from proxy.console.pages import (
    api_document,
    audit,
    connection,
    connector_edit,
    connector_new,
    connectors,
    content,
    contents,
    entrance,
    links,
    overview,
    preferences,
    purge,
    security,
)
from proxy.console.parts import CONSOLE, Console
from proxy.console.resources import audit as audit_resource
from proxy.console.resources import connection as connection_resource
from proxy.console.resources import connectors as connectors_resource
from proxy.console.resources import contents as contents_resource
from proxy.console.resources import folders as folders_resource
from proxy.console.resources import links as links_resource
from proxy.console.resources import overview as overview_resource
from proxy.console.resources import purge as purge_resource
from proxy.console.resources import sessions as sessions_resource
from proxy.console.resources import tokens as tokens_resource
from proxy.console.resources import urls as urls_resource
from proxy.console.security_fields import secure
from proxy.console.surveying import surveying
from proxy.console.visit import visits

# A page module's ROUTES, a resource module's OPERATIONS: new ones are entered here.
PAGES: tuple[web.RouteDef, ...] = (
    *entrance.ROUTES,
    *preferences.ROUTES,
    *overview.ROUTES,
    *purge.ROUTES,
    *connector_new.ROUTES,
    *connector_edit.ROUTES,
    *connectors.ROUTES,
    *contents.ROUTES,
    *content.ROUTES,
    *links.ROUTES,
    *connection.ROUTES,
    *audit.ROUTES,
    *security.ROUTES,
)

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    *overview_resource.OPERATIONS,
    *purge_resource.OPERATIONS,
    *connection_resource.OPERATIONS,
    *connectors_resource.OPERATIONS,
    *folders_resource.OPERATIONS,
    *urls_resource.OPERATIONS,
    *contents_resource.OPERATIONS,
    *links_resource.OPERATIONS,
    *audit_resource.OPERATIONS,
    *tokens_resource.OPERATIONS,
    *sessions_resource.OPERATIONS,
)


def console_app(
    console: Console, *, probes: Sequence[web.RouteDef], body_patience_s: float = BODY_PATIENCE_S
) -> web.Application:
    """Return the application of the admin listener.

    Args:
        console: What its pages work with.
        probes: Routes that are open to everybody.
        body_patience_s: As ``access`` has it.
    """
    settings = console.parts.settings
    app = web.Application(
        middlewares=[
            faults(monotonic=console.monotonic),
            visits(trusted=settings.proxies),
            known_hosts(settings.admin_hosts),
            access(body_patience_s=body_patience_s),
        ]
    )
    app[CONSOLE] = console
    app[LIVE] = Live(console)
    app.on_response_prepare.append(secure)
    app.cleanup_ctx.append(surveying)
    app.cleanup_ctx.append(link_checks)
    app.cleanup_ctx.append(audit_pruning)
    app.add_routes(probes)
    app.add_routes(PAGES)
    app.add_routes(each.route() for each in OPERATIONS)
    app.add_routes(api_document.routes(OPERATIONS))
    app.router.add_get(ASSETS_PATH, ASSETS.answer)
    app.router.add_get("/favicon.ico", ASSETS.icon)
    return app
