"""The console's door: nothing is answered to somebody unknown, and nothing changed by other sites.

Rule 1: what is open to everybody stands in ``OPEN``; all else, known or unknown, asks for a
sign-in or a token. Rule 2: what changes something is asked by a form or script of our own, or by
a machine with its token.
"""

from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.console import assets, csrf
from proxy.console.caller import CALLER, Caller, of_session, of_token
from proxy.console.parts import CONSOLE, Console
from proxy.console.problems import Problem
from proxy.console.rendering import see_other
from proxy.console.sessions import COOKIE
from proxy.console.visit import VISIT, visit
from proxy.console.words import Text
from proxy.semantics.forwarded import TrustedProxies

OPEN = frozenset(
    {
        "/livez",
        "/readyz",
        "/metrics",
        "/favicon.ico",
        "/login",
        "/set-up",
        "/preferences",
        assets.PATH,
    }
)

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_API = "/api"


def access(*, trusted: TrustedProxies) -> Middleware:
    """Return the middleware that lets in.

    Args:
        trusted: The proxies in front.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[VISIT] = visit(request, trusted=trusted)
        caller = await _caller(request)
        if caller is not None:
            request[CALLER] = caller
        elif _route(request) not in OPEN:
            return _refused(request)
        if request.method not in _SAFE:
            await _see_that_it_is_meant(request, caller)
        return await handler(request)

    return middleware


def is_api(request: web.Request) -> bool:
    """Tell whether a machine or a script asks, so that errors are problems and not pages."""
    return request.path.startswith(f"{_API}/")


def _route(request: web.Request) -> str | None:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


async def _caller(request: web.Request) -> Caller | None:
    console = request.app[CONSOLE]
    if is_api(request) and (given := request.headers.get("Authorization")) is not None:
        return await _machine(console, given)
    session = await console.sessions.find(request.cookies.get(COOKIE, ""))
    return of_session(session) if session is not None else None


async def _machine(console: Console, authorization: str) -> Caller:
    scheme, _, secret = authorization.partition(" ")
    token = await console.tokens.find(secret.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise _unauthorized("This token is not good: it may have been revoked.")
    return of_token(token)


def _refused(request: web.Request) -> web.Response:
    if is_api(request):
        raise _unauthorized("Sign in, or send Authorization: Bearer with a token of the console.")
    if request.method in _SAFE and request.path != "/":
        return see_other(f"/login?next={quote(request.path_qs, safe='/')}")
    return see_other("/login")


def _unauthorized(detail: str) -> Problem:
    return Problem(401, detail, fields={"WWW-Authenticate": 'Bearer realm="thron-connector"'})


async def _see_that_it_is_meant(request: web.Request, caller: Caller | None) -> None:
    if caller is not None and caller.token is not None:
        if not caller.can_change:
            raise Problem(403, "This token may only read.")
        return
    visit_ = request[VISIT]
    secret = caller.session.id if caller is not None and caller.session else visit_.visitor
    if csrf.is_foreign(request.headers, host=visit_.host):
        raise _forbidden(request, Text("Another site sent this; nothing was changed."))
    if is_api(request):
        given = request.headers.get(csrf.HEADER, "")
    else:
        posted = (await request.post()).get(csrf.FIELD, "")
        given = posted if isinstance(posted, str) else ""
    if not csrf.fits(given, secret):
        raise _forbidden(
            request, Text("This form is from before you signed in: load the page again.")
        )


def _forbidden(request: web.Request, detail: Text) -> Exception:
    if is_api(request):
        return Problem(403, f"{detail} Send the page's token in {csrf.HEADER}.")
    return web.HTTPForbidden(reason=HTTPStatus.FORBIDDEN.phrase, text=detail.english)
