"""The hosts that the console answers to: no name of somebody else's may lead to it.

A page of another site can give its own name this machine's address, and then ask the console as
if it were its own (DNS rebinding). An address cannot be rebound, a loopback name leads nowhere
else (RFC 6761, 6.3), and every other name is the operator's to give in TDC_ADMIN_HOSTS.
"""

from collections.abc import Collection
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler

# Load balancers ask these by whatever name they know.
_PROBES = frozenset({"/livez", "/readyz"})
_NO_STORE = {"Cache-Control": "no-store"}


def is_known(host: str | None, names: Collection[str]) -> bool:
    """Tell whether the console answers to a host.

    Args:
        host: In lower case, without port; an IPv6 address in brackets; None if it cannot be read.
        names: Those that the operator gave.
    """
    if host is None:
        return False
    if host in names or host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


async def answer(
    request: web.Request, handler: Handler, *, host: str | None, names: Collection[str]
) -> web.StreamResponse:
    """Answer where a host of the console's is asked; of others, the status of probes alone.

    Args:
        request: As it came.
        handler: Answers it.
        host: That is asked, as ``is_known`` takes it.
        names: Those that the operator gave.
    """
    if is_known(host, names):
        return await handler(request)
    if request.path in _PROBES:  # its status is for all, its reasons are not
        status = (await handler(request)).status
        text = f"{HTTPStatus(status).phrase}\n"
        return web.Response(status=status, text=text, headers=_NO_STORE)
    # Misdirected Request: RFC 9110, 15.5.20.
    return web.Response(status=421, text=f"{refusal(host)}\n", headers=_NO_STORE)


def refusal(host: str | None) -> str:
    """Return what to do where a host is asked that is not the console's."""
    if host is None:
        return "The request names no host that can be read; open the console by its name."
    return (
        f"The console does not answer to the name {host}. If the name is yours, add it to"
        " TDC_ADMIN_HOSTS and restart the connector."
    )
