"""The connectors that there are."""

from aiohttp import web

from proxy.console.parts import CONSOLE
from proxy.console.rendering import render


async def show(request: web.Request) -> web.Response:
    """Show the list."""
    return render(request, "connectors.html", connectors=request.app[CONSOLE].watch.connectors.all)


ROUTES = (web.get("/connectors", show),)
