"""Refuses what is asked of a host that is not the console's."""

from collections.abc import Collection

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.admin.api.problems import ApiProblem
from proxy.admin.auth import console_host
from proxy.admin.auth.authorization import is_api
from proxy.admin.auth.request_context import CONTEXT


def known_hosts(names: Collection[str]) -> Middleware:
    """Return the middleware that refuses every host that is not the console's.

    Args:
        names: Of TDC_ADMIN_HOSTS.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request[CONTEXT].host
        if is_api(request) and not console_host.is_known(host, names):
            raise ApiProblem(421, console_host.refusal(host))  # as text elsewhere
        return await console_host.answer(request, handler, host=host, names=names)

    return middleware
