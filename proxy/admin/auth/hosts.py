"""Refuses what is asked of a host that is not the console's."""

from collections.abc import Collection
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.admin.api.problems import Problem
from proxy.admin.auth.authorization import is_api
from proxy.admin.auth.console_host import is_known
from proxy.admin.auth.request_context import CONTEXT

# Load balancers ask these by whatever name they know.
_PROBES = frozenset({"/livez", "/readyz"})


def known_hosts(names: Collection[str]) -> Middleware:
    """Return the middleware that refuses every host that is not the console's.

    Args:
        names: Of TDC_ADMIN_HOSTS.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request[CONTEXT].host
        if host is not None and is_known(host, names):
            return await handler(request)
        if request.path in _PROBES:  # its status is for all, its reasons are not
            status = (await handler(request)).status
            return web.Response(
                status=status,
                text=f"{HTTPStatus(status).phrase}\n",
                headers={"Cache-Control": "no-store"},
            )
        problem = Problem(421, _refusal(host))  # Misdirected Request: RFC 9110, 15.5.20
        if is_api(request):
            raise problem
        return web.Response(
            status=problem.status,
            text=f"{problem.detail}\n",
            headers={"Cache-Control": "no-store"},
        )

    return middleware


def _refusal(host: str | None) -> str:
    if host is None:
        return "The request names no host that can be read; open the console by its name."
    return (
        f"The console does not answer to the name {host}. If the name is yours, add it to"
        " TDC_ADMIN_HOSTS and restart the connector."
    )
