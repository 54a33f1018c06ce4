"""The connector that a page or a call is about, and the URLs of its lines."""

from aiohttp import web

from proxy.admin.api.problems import ApiProblem
from proxy.catalogue.row_urls import RowUrls
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.settings import Settings

# The path of the console where connectors are made; a page of that name would be out of reach.
TAKEN_BY_THE_CONSOLE = frozenset({"new"})


def connector_of(watch: ConnectorWatch, slug: str) -> Connector:
    """Return the connector of a slug, enabled or not.

    Raises:
        ApiProblem: 404, there is none.
    """
    found = watch.connectors.of_slug(slug)
    if found is None:
        raise ApiProblem(404, f"There is no connector {slug!r}.")
    return found


def connector_here(watch: ConnectorWatch, request: web.Request) -> Connector:
    """Return the connector of a page.

    Raises:
        HTTPNotFound: There is none of this slug.
    """
    found = watch.connectors.of_slug(request.match_info["slug"])
    if found is None:
        raise web.HTTPNotFound
    return found


def line_urls(settings: Settings, connector: Connector, *, is_named: bool) -> RowUrls:
    """Return what makes the URLs of a connector's lines.

    Args:
        settings: Have the bases.
        connector: Whose lines they are.
        is_named: Whether URLs end with the file name.
    """
    return RowUrls(connector, settings.public_base, settings.secure_base, is_named)
