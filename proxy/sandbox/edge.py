"""What stands before every listener: the record of requests, and faults that need no answer."""

import asyncio
import contextlib
import socket
import struct
from http import HTTPStatus
from urllib.parse import parse_qsl

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from proxy.sandbox.behaviours import with_faults
from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.envelope import FORM, Refused, refuse
from proxy.sandbox.faults import Fault, Kind, Where
from proxy.sandbox.record import Recorded
from proxy.sandbox.static import ServerBehaviour, respond
from proxy.sandbox.world import World

CONTROL = "/sandbox/"
_STRIKING = web.RequestKey("striking", tuple)
_BODY_LIMIT = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: close() sends RST and not FIN
_SENT_BADLY = {Kind.STALL, Kind.RESET, Kind.TRUNCATED, Kind.TRICKLE}
_PLAIN = ServerBehaviour(ranges=False, validator="none", last_modified=False)
_ENVELOPE = orjson.dumps(
    {"resultCode": "EXCEPTION", "ssoCode": "OK", "errorDescription": "generic error"}
)
_PAGE = "<!DOCTYPE html><html><head><title>Oops</title></head><body>Please wait.</body></html>"


def striking(request: web.Request) -> tuple[Fault, ...]:
    """Return the faults that strike a request."""
    found: tuple[Fault, ...] = request.get(_STRIKING, ())
    return found


def middlewares(world: World, listener: str) -> list[Middleware]:
    """Return what every request of a listener goes through, the first outermost."""

    @web.middleware
    async def at_the_door(request: web.Request, handler: Handler) -> web.StreamResponse:
        if listener == "api" and request.path.startswith(CONTROL):
            return await handler(request)
        await _record(world, listener, request)
        if listener == "api" and world.api_down:
            return _hang_up(request)
        return await _with_faults(world, _where(listener, request), request, handler)

    @web.middleware
    async def refusing(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as refused:
            return refuse(request, world, refused)

    return [at_the_door, refusing]


async def _record(world: World, listener: str, request: web.Request) -> None:
    body = await request.read() if request.body_exists else b""
    form: list[tuple[str, str]] = []
    if request.content_type == FORM:
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
    fields = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in request.raw_headers)
    world.log.add(
        Recorded(
            listener, request.method, request.raw_path, fields, body[:_BODY_LIMIT], tuple(form)
        )
    )


def _where(listener: str, request: web.Request) -> Where:
    match listener:
        case "cdn":
            return "delivery" if request.path.startswith("/delivery/") else "static"
        case "storage":
            return "storage"
        case _:
            if "/downloadSource" in request.path:
                return "source"
            return "login" if "/loginApp/" in request.path else "api"


async def _with_faults(
    world: World, where: Where, request: web.Request, handler: Handler
) -> web.StreamResponse:
    faults = world.faults.take(where, method=request.method, target=request.raw_path)
    request[_STRIKING] = faults
    for fault in faults:
        await _delay(world, fault)
        answer = _instead(world, request, fault)
        if answer is not None:
            return answer
    response = await handler(request)
    badly = tuple(fault for fault in faults if fault.kind in _SENT_BADLY)
    if not badly or response.status != HTTPStatus.OK:
        return response  # sent badly, the text of a refusal would have the status of a file
    if isinstance(response, web.Response) and isinstance(response.body, bytes):
        return await _sent_badly(world, request, response, badly)
    return response


async def _delay(world: World, fault: Fault) -> None:
    """Wait as long as a fault says, or until released; a client that leaves cancels us."""
    stalls = fault.kind is Kind.STALL and fault.at is None
    if stalls or fault.kind is Kind.LATENCY:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None if stalls else fault.seconds):
                await world.faults.go_on.wait()


def _instead(world: World, request: web.Request, fault: Fault) -> web.StreamResponse | None:
    """Return what is answered in place of the faithful answer; None to go on."""
    if fault.kind is Kind.RESET and fault.at is None:
        return _hang_up(request, reset=True)
    if fault.kind is Kind.GARBAGE:
        return _hang_up(request, after=b"no HTTP\r\n\r\n")
    location = _elsewhere(world, request, fault)
    if location is not None:
        return web.Response(status=307, headers={"Location": location})
    return _other_answer(fault)


def _other_answer(fault: Fault) -> web.Response | None:  # noqa: PLR0911 - one for each kind
    retry = {"Retry-After": fault.retry_after} if fault.retry_after else {}
    match fault.kind:
        case Kind.STATUS:
            return web.Response(status=fault.status or 503, text="generic error", headers=retry)
        case Kind.BUSY:
            return web.Response(status=429, text="slow down", headers=retry)
        case Kind.HTML:
            return web.Response(status=fault.status or 200, text=_PAGE, content_type="text/html")
        case Kind.ENVELOPE:
            status = fault.status or 200
            return web.Response(status=status, body=_ENVELOPE, content_type="application/json")
        case Kind.EMPTY:
            return web.Response(body=b"", content_type="application/octet-stream")
        case Kind.HEAD_REFUSED:
            return web.Response(status=405, headers={"Allow": "GET"})
        case _:
            return None


def _elsewhere(world: World, request: web.Request, fault: Fault) -> str | None:
    match fault.kind:
        case Kind.REDIRECT_LOOP:
            return f"http://{request.host}{request.raw_path}"
        case Kind.REDIRECT_TO:
            return fault.location
        case Kind.DNS:
            return "http://no-such-host.invalid/static/AAAAAA_lost_BBBBBB.bin"
        case Kind.TLS:
            # A listener that does not speak TLS: the handshake fails.
            return f"https://{world.cdn_url.partition('://')[2]}/static/AAAAAA_lost_BBBBBB.bin"
    return None


async def _sent_badly(
    world: World, request: web.Request, response: web.Response, badly: tuple[Fault, ...]
) -> web.StreamResponse:
    """Send a small answer as badly as a file can be sent."""
    body = response.body if isinstance(response.body, bytes) else b""
    blob = BytesBlob(body, response.content_type)
    behaviour = with_faults(_PLAIN, badly, world.faults)
    return await respond(request, blob, behaviour=behaviour)


def _hang_up(request: web.Request, *, reset: bool = False, after: bytes = b"") -> web.Response:
    """Close the connection without an answer, or after octets that are none."""
    if after and request.transport is not None:
        request.transport.write(after)
        request.transport.close()
    elif request.transport is not None:
        if reset:
            sock: socket.socket = request.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response(status=500)
