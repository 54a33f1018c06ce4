"""The conventions of THRON's REST services: how they are asked, answer and refuse.

docs/thron.md 1.2 to 1.5.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from aiohttp import web

from proxy.sandbox.switches import Absence, Refusal, Switches
from proxy.sandbox.tokens import TokenStatus
from proxy.sandbox.world import World

FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_FIELDS = {
    "Cache-Control": "no-cache, no-store, no-transform",
    "Vary": "Accept-Encoding,Accept,X-TOKENID",
    "X-ORIGIN-HOST": "sandbox-1",
}
LOGIN = "/login"
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>THRON</title></head><body>Sign in</body></html>"


class Refused(Exception):
    """A request that THRON does not answer as asked.

    Attributes:
        form: The status and the kind of body, such as ``418 envelope``.
        result_code: The service family's resultCode.
        sso_code: The ssoCode beside it.
    """

    def __init__(self, form: str, result_code: str, *, sso_code: str = "OK", why: str = "") -> None:
        super().__init__(f"{form} {result_code} {why}")
        self.form = form
        self.result_code = result_code
        self.sso_code = sso_code
        self.why = why


def business(result_code: str, why: str = "") -> Refused:
    """Return a business exception: HTTP 418 with the ordinary envelope."""
    return Refused("418 envelope", result_code, why=why)


def invalid(why: str) -> Refused:
    """Return the refusal of invalid arguments: HTTP 400 with a text."""
    return Refused("400 text", "BAD_REQUEST", why=why)


def require_answered(absence: Absence) -> None:
    """Refuse a question for what is not there, where that is not answered with nothing."""
    if absence != "nothing":
        raise Refused(absence, "BAD_REQUEST", why="no such thing")


def require_sound(ids: Iterable[str], switches: Switches) -> None:
    """Fail at a question about a content that this tenant cannot answer for."""
    if not set(switches.exception_ids).isdisjoint(ids):
        raise business("EXCEPTION", why="generic error")


def denied(form: Refusal) -> Refused:
    """Return the refusal of a right; its status is that of an expired session."""
    return Refused(form, "ACCESS_DENIED", sso_code="ACCESS_DENIED", why="access denied")


def token_of(request: web.Request) -> str | None:
    """Return the session token of a request: the field wins over the query."""
    return request.headers.get("X-TOKENID") or request.query.get("tokenId")


def require_token(request: web.Request, world: World, *, renew: bool = True) -> str:
    """Return the valid token of a request, renewed by this use.

    Raises:
        Refused: The token is missing, unknown or expired.
    """
    token = token_of(request)
    look = world.tokens.use if renew else world.tokens.status
    status = look(token, now=world.now()) if token else TokenStatus.UNKNOWN
    if token is None or status is not TokenStatus.OK:
        raise expired(world.switches, status)
    return token


def expired(switches: Switches, status: TokenStatus) -> Refused:
    """Return the refusal of a token that is missing, unknown or expired."""
    return Refused(
        switches.expired_as, "ACCESS_DENIED", sso_code=status.value, why="session expired"
    )


def require_client(world: World, client_id: str | None) -> None:
    """Refuse a request for another tenant: this token has no right there."""
    if client_id != world.tenant.client_id:
        raise denied(world.switches.denied_as)


async def read_arguments(request: web.Request) -> Mapping[str, Any]:
    """Return the arguments of a JSON service: the body of a POST, ``param`` of its GET twin.

    An unparsable ``param`` counts as an empty request (docs/thron.md 1.2).

    Raises:
        Refused: The body of a POST is no JSON object.
    """
    if request.method != "POST":
        return _parsed(request.query.get("param", "")) or {}
    if request.content_type != _JSON:
        raise Refused("415 text", "BAD_REQUEST", why="unsupported media type")
    body = await request.read()
    arguments = _parsed(body) if body else {}
    if arguments is None:
        raise invalid("the body is not a JSON object")
    return arguments


def _parsed(text: str | bytes) -> dict[str, Any] | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def many(value: Any) -> list[Any]:
    """Return a list: a single value is accepted where a list is expected."""
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]


def part(value: Any, name: str) -> Mapping[str, Any]:
    """Return an object inside an object; an empty one where it is missing."""
    inner = value.get(name) if isinstance(value, Mapping) else None
    return inner if isinstance(inner, Mapping) else {}


def page_size(asked_for: Any, *, default: int, maximum: int, switches: Switches) -> int:
    """Return how many items a page gets.

    Raises:
        Refused: More than the maximum is asked for, where that is refused and not cut down.
    """
    size = asked_for if isinstance(asked_for, int) and asked_for > 0 else default
    if size > maximum and switches.oversized_page_refused:
        raise invalid(f"at most {maximum} results")
    return min(size, maximum)


def date(moment: datetime) -> str:
    """Return a time as THRON prints it: UTC with milliseconds."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def answer(
    request: web.Request, world: World, fields: Mapping[str, Any], *, result_code: str = "OK"
) -> web.Response:
    """Return the envelope with a service's fields."""
    return _enveloped(request, world, fields, status=200, result_code=result_code)


def refuse(request: web.Request, world: World, refused: Refused) -> web.Response:
    """Return the response to a request that is refused."""
    status, _, kind = refused.form.partition(" ")
    match kind:
        case "envelope":
            fields = {"errorDescription": refused.why or None}
            return _enveloped(
                request,
                world,
                fields,
                status=int(status),
                result_code=refused.result_code,
                sso_code=refused.sso_code,
            )
        case "html":
            return login_page(status=int(status))
        case "redirect":
            return web.Response(status=int(status), headers={**_FIELDS, "Location": LOGIN})
        case _:
            return _text(request, int(status), refused.why or refused.result_code)


def login_page(*, status: int = 200) -> web.Response:
    """Return the page that a browser without a session is shown."""
    return web.Response(status=status, text=_LOGIN_PAGE, content_type="text/html")


def _text(request: web.Request, status: int, why: str) -> web.Response:
    if request.query.get("callback"):
        # docs/thron.md 1.4: with JSONP errors come as 200 and a field.
        return web.Response(text="", headers={**_FIELDS, "X-ERRORCODE": str(status)})
    return web.Response(status=status, text=why, headers=_FIELDS)


def _enveloped(
    request: web.Request,
    world: World,
    fields: Mapping[str, Any],
    *,
    status: int,
    result_code: str,
    sso_code: str = "OK",
) -> web.Response:
    switches = world.switches
    envelope: dict[str, Any] = {"resultCode": result_code, "errorDescription": None}
    if switches.sso_code_sent:
        envelope["ssoCode"] = sso_code
    if switches.unknown_fields_sent:
        envelope["somethingNew"] = {"since": "tomorrow", "list": [1, None, {}]}
    body = orjson.dumps(_shaped({**envelope, **fields}, switches))
    callback = request.query.get("callback", "")
    if callback.isidentifier():
        script = callback.encode() + b"(" + body + b")"
        return _body(script, "application/x-javascript", status=200)
    return _body(body, _JSON, status=status)


def _body(body: bytes, content_type: str, *, status: int) -> web.Response:
    return web.Response(body=body, status=status, content_type=content_type, headers=_FIELDS)


def _shaped(value: Any, switches: Switches) -> Any:
    """Shape an answer as the switches say: nulls, empty lists, lists of one."""
    if isinstance(value, Mapping):
        shaped = {name: _shaped(inner, switches) for name, inner in value.items()}
        return {name: inner for name, inner in shaped.items() if _is_sent(inner, switches)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        members = [_shaped(member, switches) for member in value]
        return members[0] if switches.single_for_list and len(members) == 1 else members
    return value


def _is_sent(value: Any, switches: Switches) -> bool:
    if value is None:
        return switches.nulls_sent
    return value != [] or switches.empty_lists_sent
