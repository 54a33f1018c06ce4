"""What goes wrong becomes a page or a problem; every answer is told in one line of the log."""

import uuid
from collections.abc import Callable
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.admin.api.problems import ApiProblem, FieldProblem
from proxy.admin.auth.authorization import is_api, route
from proxy.admin.auth.request_context import CALLER, CONTEXT
from proxy.admin.web.rendering import render
from proxy.errors import ConfigurationError, GatewayError
from proxy.text import Text

log = structlog.get_logger("proxy.admin")

REQUEST_ID = web.RequestKey("request_id", str)

# Asked every few seconds by monitors, or once for every page.
_NOT_LOGGED = ("/livez", "/readyz", "/metrics", "/static", "/favicon.ico")

_WORDS = {
    400: Text("This request could not be understood."),
    403: Text("Nothing was changed: the request did not come from a page of this console."),
    404: Text("There is nothing at this address."),
    405: Text("This address does not accept this kind of request."),
    408: Text("The request did not arrive in time. Send it again."),
    411: Text("This request could not be understood."),
    413: Text("This is too large for this page."),
    415: Text("This request could not be understood."),
}
_OTHER = Text("Something went wrong in the connector. Its log has the details.")


def error_middleware(*, monotonic: Callable[[], float]) -> Middleware:
    """Return the outermost middleware of the admin listener."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = request_id = uuid.uuid4().hex
        began = monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = await _answered(request, handler)
            _log(request, response.status, duration_s=monotonic() - began)
            return response

    return middleware


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as exc:
        if exc.status < HTTPStatus.BAD_REQUEST:
            raise
        text = exc.text if isinstance(exc, web.HTTPForbidden) and exc.text else None
        allow = exc.headers.get("Allow")
        answer = _answer(request, exc.status, text, fields={"Allow": allow} if allow else {})
        if exc.status == HTTPStatus.REQUEST_TIMEOUT:
            # Closed at once: aiohttp would wait for the rest of the request for a while.
            answer.force_close()
            await answer.prepare(request)
            await answer.write_eof()
            request.protocol.force_close()
        return answer
    except ApiProblem as exc:
        return exc.response() if is_api(request) else _answer(request, exc.status, exc.detail)
    except ConfigurationError as exc:
        return _answer(request, 422, *exc.problems)
    except GatewayError as exc:
        log.warning("console failed", error=type(exc).__name__, reason=str(exc))
        return _answer(request, exc.status, exc.public)
    except Exception:
        log.exception("bug in the console", method=request.method, route=route(request))
        return _answer(request, 500, None)


def _answer(
    request: web.Request,
    status: int,
    *details: str | None,
    fields: dict[str, str] | None = None,
) -> web.Response:
    told = [each for each in details if each]
    if is_api(request):
        first = told[0] if told else str(_WORDS.get(status, _OTHER))
        several = [FieldProblem("", each) for each in told] if len(told) > 1 else []
        return ApiProblem(status, first, problems=several, fields=fields).response()
    if CONTEXT not in request:  # it went wrong before anything was known of who asks
        return web.Response(status=status, text=f"{HTTPStatus(status).phrase}\n")
    response = render(
        request,
        "error.html",
        status=status,
        details=[Text(each) for each in told] or [_WORDS.get(status, _OTHER)],
        code=status,
        request_id=request[REQUEST_ID],
    )
    response.headers.update(fields or {})
    return response


def _log(request: web.Request, status: int, *, duration_s: float) -> None:
    if request.path.startswith(_NOT_LOGGED):
        return
    caller = request.get(CALLER)
    log.info(
        "console",
        method=request.method,
        route=route(request),  # the path itself, and its query, may hold what is nobody's business
        status=status,
        actor=caller.actor if caller is not None else None,
        duration_s=round(duration_s, 6),
    )
