"""The admin listener: probes for machines, the console for people, and its API for both."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from proxy.admin.api import audit as audit_resource
from proxy.admin.api import connection as connection_resource
from proxy.admin.api import connectors as connectors_resource
from proxy.admin.api import contents as contents_resource
from proxy.admin.api import folders as folders_resource
from proxy.admin.api import links as links_resource
from proxy.admin.api import overview as overview_resource
from proxy.admin.api import purge as purge_resource
from proxy.admin.api import sessions as sessions_resource
from proxy.admin.api import tokens as tokens_resource
from proxy.admin.api import urls as urls_resource
from proxy.admin.api.operations import Operation
from proxy.admin.audit_pruning import audit_pruning
from proxy.admin.auth.access import BODY_PATIENCE_S, access
from proxy.admin.auth.hosts import known_hosts
from proxy.admin.auth.request_context import visits
from proxy.admin.faults import faults
from proxy.admin.link_checks import link_checks
from proxy.admin.live import LIVE, Live
from proxy.admin.parts import CONSOLE, Console
from proxy.admin.security_fields import secure
from proxy.admin.set_up import surveying
from proxy.admin.web import (
    api_document,
    audit,
    connection,
    connector_edit,
    connector_new,
    connectors,
    content,
    contents,
    links,
    overview,
    preferences,
    purge,
    security,
)
from proxy.admin.web import login as entrance
from proxy.admin.web.assets import ASSETS
from proxy.admin.web.assets import PATH as ASSETS_PATH

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
