"""The first page: how the connector is doing, and what to do next."""

from aiohttp import web

from proxy.console.parts import CONSOLE
from proxy.console.rendering import render


async def show(request: web.Request) -> web.Response:
    """Show the page."""
    console = request.app[CONSOLE]
    return render(
        request,
        "overview.html",
        is_connected=console.parts.tenant is not None,
        connectors=console.watch.connectors.all,
    )


ROUTES = (web.get("/", show),)
