"""The console's door: nothing is answered to somebody unknown, and nothing changed by other sites.

Rule 1: what is open to everybody stands in ``OPEN``; all else, known or unknown, asks for a
sign-in or a token. Rule 2: what changes something is asked by a form or script of our own, or by
a machine with its token.
"""

import asyncio
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.admin.api.problems import ApiProblem
from proxy.admin.auth import console_host, cookies, csrf
from proxy.admin.auth.api_tokens import ApiTokens
from proxy.admin.auth.request_context import ADMINISTRATOR, CALLER, CONTEXT, Caller
from proxy.admin.auth.sessions import COOKIE, Sessions
from proxy.admin.web import assets, kept_forms, pages
from proxy.admin.web.navigation import came_from
from proxy.admin.web.rendering import see_other
from proxy.text import Text

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

# Of a request of somebody unknown, such as the sign-in form; aiohttp takes 1 MiB of the others.
_MOST_ANONYMOUS_OCTETS = 16 * 1024
_FORM = "application/x-www-form-urlencoded"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_API = "/api"


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


def authorization(sessions: Sessions, tokens: ApiTokens, *, body_timeout_s: float) -> Middleware:
    """Return the middleware that lets in.

    Args:
        sessions: Of browsers.
        tokens: Of machines.
        body_timeout_s: For the whole content of a request to come.
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = await _caller(request, sessions, tokens)
        if caller is not None:
            request[CALLER] = caller
        elif route(request) not in OPEN:
            return await _refused(request, body_timeout_s=body_timeout_s)
        if request.method not in _SAFE:
            await _read(request, caller, timeout_s=body_timeout_s)
            await _refuse_forged(request, caller)
        return await handler(request)

    return middleware


async def _read(request: web.Request, caller: Caller | None, *, timeout_s: float) -> None:
    """Read the content, which the request then keeps.

    Raises:
        HTTPError: It is too large, too slow, or no form of a page of ours.
    """
    if not request.body_exists:
        return
    if not is_api(request):
        is_form = request.content_type == _FORM
        # The sender would choose how it is decoded, and some of Python's codecs are slow.
        if not is_form or (request.charset or "utf-8").lower() != "utf-8":
            raise web.HTTPUnsupportedMediaType
    if caller is None:
        if request.content_length is None:
            raise web.HTTPLengthRequired
        if request.content_length > _MOST_ANONYMOUS_OCTETS:
            raise web.HTTPRequestEntityTooLarge(_MOST_ANONYMOUS_OCTETS, request.content_length)
    try:
        async with asyncio.timeout(timeout_s):
            await request.read()
    except TimeoutError as exc:
        raise web.HTTPRequestTimeout from exc


def is_api(request: web.Request) -> bool:
    """Tell whether a machine or a script asks, so that errors are problems and not pages."""
    return request.path.startswith(f"{_API}/")


def route(request: web.Request) -> str | None:
    """Return the path of the page or operation that is asked for, its variables not filled in."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else None


async def _caller(request: web.Request, sessions: Sessions, tokens: ApiTokens) -> Caller | None:
    if is_api(request) and (given := request.headers.get("Authorization")) is not None:
        scheme, _, secret = given.partition(" ")
        token = await tokens.find(secret.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise _unauthorized("This token is not valid. It may have been revoked.")
        return Caller(f"token {token.name}", token=token)
    session = await sessions.find(
        cookies.read(request, COOKIE, is_secure=request[CONTEXT].is_secure)
    )
    return Caller(ADMINISTRATOR, session=session) if session is not None else None


async def _refused(request: web.Request, *, body_timeout_s: float) -> web.Response:
    if is_api(request):
        raise _unauthorized("Sign in, or send Authorization: Bearer with a token of the console.")
    if request.method in _SAFE and request.path != "/":
        return see_other(f"/login?next={quote(request.path_qs, safe='/')}")
    if request.method == "POST" and not request[CONTEXT].is_new and not _is_foreign(request):
        return see_other(
            f"/login?next={quote(await _form_page(request, body_timeout_s), safe='/')}"
        )
    return see_other("/login")


async def _form_page(request: web.Request, body_timeout_s: float) -> str:
    """Return the page whose form was sent after its session had ended, with what was typed."""
    kept = pages.kept_by(request.match_info.handler)
    if kept is None:
        referer = request.headers.get("Referer", "")
        return came_from(referer, host=request.host, otherwise="/")
    model, page = kept
    try:
        await _read(request, None, timeout_s=body_timeout_s)
        posted = await request.post()
    except (web.HTTPException, UnicodeDecodeError):
        return page or request.path
    secret = request[CONTEXT].browser_id
    return kept_forms.address(page or request.path, posted, model, secret=secret)


def _unauthorized(detail: str) -> ApiProblem:
    return ApiProblem(401, detail, fields={"WWW-Authenticate": 'Bearer realm="thron-connector"'})


async def _refuse_forged(request: web.Request, caller: Caller | None) -> None:
    if caller is not None and caller.token is not None:
        if not caller.can_change:
            raise ApiProblem(403, "This token is read-only.")
        return
    context = request[CONTEXT]
    secret = caller.session.id if caller is not None and caller.session else context.browser_id
    if _is_foreign(request):
        raise _forbidden(request, Text("The request came from another site. Nothing was changed."))
    if is_api(request):
        given = request.headers.get(csrf.HEADER, "")
    else:
        try:
            given = str((await request.post()).get(csrf.FIELD, ""))
        except UnicodeDecodeError as exc:
            raise web.HTTPBadRequest from exc
    if not csrf.fits(given, secret):
        raise _forbidden(
            request, Text("This form is from before you signed in: load the page again.")
        )


def _is_foreign(request: web.Request) -> bool:
    context = request[CONTEXT]
    return csrf.is_foreign(
        request.headers,
        host=context.host or "",
        port=context.port,
        is_port_known=context.is_port_known,
        is_secure=context.is_secure,
    )


def _forbidden(request: web.Request, detail: Text) -> Exception:
    if is_api(request):
        return ApiProblem(403, f"{detail} Send the page's token in {csrf.HEADER}.")
    return web.HTTPForbidden(reason=HTTPStatus.FORBIDDEN.phrase, text=detail.english)
