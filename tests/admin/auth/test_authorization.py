"""The door: nothing for the unknown, for other sites, or beyond what a token may."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from proxy.admin.auth.authorization import OPEN
from proxy.admin.server import open_console
from proxy.app.gateway import Gateway
from proxy.semantics.forwarded import TrustedProxies
from proxy.server.connection_limiter import ConnectionLimiter
from proxy.server.listeners import bind, serving
from proxy.settings import Listen
from tests.admin.nouns import OPERATIONS, PAGES
from tests.admin.visitor import Visitor
from tests.running import Running

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def routes() -> Iterator[tuple[str, str]]:
    """Give method and path of every page and operation, the variable segments filled in."""
    for method, path in PAGES:
        yield method, _filled(path)
    for operation in OPERATIONS:
        yield operation.method, _filled(operation.path)
    yield from (("GET", "/api"), ("GET", "/api/openapi.json"))


def _filled(path: str) -> str:
    """Fill a variable segment with its name, or with the first of its alternatives."""
    return re.sub(r"{(?:\w+:)?(\w+)[^}]*}", r"\1", path)


CLOSED = sorted({route for route in routes() if route[1] not in OPEN})


async def test_nobody_is_let_in(nobody: Visitor) -> None:
    """Every page and operation that is not open to everybody refuses who has not signed in."""
    for method, path in CLOSED:
        page = await nobody.ask(method, path)
        if path.startswith("/api/"):
            assert (page.status, page.json["status"]) == (401, 401), (method, path)
            assert page.fields["WWW-Authenticate"].startswith("Bearer"), (method, path)
        else:
            assert page.status == 303, (method, path)
            assert page.fields["Location"].partition("?")[0] == "/login", (method, path)


async def test_all_routes_are_walked(connector: Running, nobody: Visitor) -> None:
    """What the listener routes is what these tests walk, and what is open to everybody."""
    app = await connector.gateway.console.pages.made()
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical not in OPEN
    }
    declared = {(method, _canonical(path)) for method, path in PAGES}
    declared |= {(each.method, each.path) for each in OPERATIONS}
    declared |= {("GET", "/api"), ("GET", "/api/openapi.json")}
    assert {route for route in routed if route[0] != "HEAD"} == {
        route for route in declared if route[1] not in OPEN
    }
    assert (await nobody.get("/no-such-page")).status == 303
    assert (await nobody.get("/api/no-such-thing")).status == 401


def _canonical(path: str) -> str:
    return re.sub(r"{(\w+):[^}]*}", r"{\1}", path)


async def test_the_page_comes_back_after_signing_in(nobody: Visitor) -> None:
    """Who is sent to sign in comes back to the page that was asked for."""
    page = await nobody.get("/audit?before=7")
    assert page.fields["Location"] == "/login?next=/audit%3Fbefore%3D7"


CHANGING = sorted(
    {route for route in routes() if route[0] in _UNSAFE and not route[1].startswith("/api/")}
)


async def test_forms_of_other_sites_change_nothing(admin: Visitor) -> None:
    """A form without the token of its page, or sent by another site, is refused."""
    data = {"csrf": admin.csrf}
    for method, path in CHANGING:
        for sent in (
            {"data": data, "fields": {"Sec-Fetch-Site": "cross-site"}},
            {"data": data, "fields": {"Origin": "https://evil.example"}},
            {"data": {"csrf": "0" * 64}},
            {},
        ):
            page = await admin.ask(method, path, **sent)
            assert page.status == 403, (method, path, sent)


CALLS = sorted({(each.method, _filled(each.path)) for each in OPERATIONS if each.method in _UNSAFE})


async def test_calls_of_other_sites_change_nothing(admin: Visitor) -> None:
    """With a session's cookie alone the API changes nothing."""
    alone = {"Content-Type": "application/json"}
    foreign = {**alone, "X-CSRF-Token": admin.csrf, "Sec-Fetch-Site": "same-site"}
    for method, path in CALLS:
        for fields in (alone, foreign):
            page = await admin.ask(method, path, fields=fields, data=b"{}")
            assert page.status == 403, (method, path, fields)


async def test_a_token_reads(connector: Running, nobody: Visitor) -> None:
    """A machine's token opens the API, and no page."""
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    assert (await nobody.call("GET", "/api/audit", token=made.secret)).status == 200
    page = await nobody.ask("GET", "/audit", fields={"Authorization": f"Bearer {made.secret}"})
    assert page.status == 303


async def test_a_reading_token_changes_nothing(connector: Running, nobody: Visitor) -> None:
    """A token that may only read is refused whatever changes something."""
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    refused = (403, "This token is read-only.")
    for method, path in CALLS:
        page = await nobody.call(method, path, {}, token=made.secret)
        assert (page.status, page.json["detail"]) == refused, (method, path)


async def test_tokens_make_no_tokens(connector: Running, nobody: Visitor) -> None:
    """What only people may do, no token can."""
    made = await connector.gateway.console.tokens.make("m", can_change=True, actor="test")
    for each in (each for each in OPERATIONS if each.for_people):
        page = await nobody.call(each.method, _filled(each.path), {}, token=made.secret)
        assert page.status == 403, each.name


@pytest.mark.parametrize(
    "given",
    [
        pytest.param("Bearer tdc_wrong", id="unknown"),
        pytest.param("Bearer", id="empty"),
        pytest.param("Basic YWRtaW46cGFzc3dvcmQ=", id="another scheme"),
    ],
)
async def test_a_wrong_token_is_worse_than_none(admin: Visitor, given: str) -> None:
    """A token that is not good is refused, even beside a good session."""
    page = await admin.ask("GET", "/api/audit", fields={"Authorization": given})
    assert page.status == 401


async def test_a_revoked_token_ends(connector: Running, nobody: Visitor) -> None:
    """A revoked token opens nothing from then on."""
    tokens = connector.gateway.console.tokens
    made = await tokens.make("m", can_change=True, actor="test")
    assert await tokens.revoke(made.token.id, actor="test")
    assert (await nobody.call("GET", "/api/audit", token=made.secret)).status == 401


def test_open_paths_are_few() -> None:
    """What is open to everybody is what signing in needs, and what monitors ask for."""
    assert len(OPEN) == 8
    assert not [path for _, path in PAGES if path in OPEN and not _is_of_the_door(path)]


def _is_of_the_door(path: str) -> bool:
    return path in {"/login", "/set-up", "/preferences"}


@asynccontextmanager
async def hasty(gateway: Gateway) -> AsyncIterator[str]:
    """Serve its console once more, not patient with content; give its host and port."""
    console = open_console(
        gateway.context,
        watch=gateway.watch,
        sync=gateway.sync,
        contents=gateway.contents,
        purge_sender=gateway.purge_sender,
        traffic=gateway.traffic,
        probes={},
        body_timeout_s=0.1,
    )
    limiter = ConnectionLimiter(
        most=9, trusted=TrustedProxies(), count=lambda _: None, now=lambda: 0.0
    )

    async def nothing() -> None:
        pass

    with bind(Listen(host="127.0.0.1", port=0), setting="test") as sock:
        async with (
            console as opened,
            serving(opened.pages.server, (sock, None), limiter=limiter, drained=nothing),
        ):
            yield f"127.0.0.1:{sock.getsockname()[1]}"


async def test_slow_content_is_cut_off(connector: Running) -> None:
    """Content that does not come, of somebody unknown or known, is answered and cut off."""
    made = await connector.gateway.console.tokens.make("m", can_change=True, actor="test")
    form = "Content-Type: application/x-www-form-urlencoded\r\n"
    json = f"Content-Type: application/json\r\nAuthorization: Bearer {made.secret}\r\n"
    async with hasty(connector.gateway) as place:
        host, port = place.split(":")
        for path, fields in (("/login", form), ("/api/purge", json)):
            reader, writer = await asyncio.open_connection(host, int(port))
            asked = f"POST {path} HTTP/1.1\r\nHost: {place}\r\n{fields}Content-Length: 99\r\n\r\n{{"
            writer.write(asked.encode())
            answer = await reader.read()  # until the connection is closed
            assert answer.startswith(b"HTTP/1.1 408 "), path
            assert b"Connection: close" in answer
            writer.close()
            await writer.wait_closed()


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        pytest.param(FORM, b"password=" + b"x" * 16_384, 413, id="large"),
        pytest.param(FORM + "; charset=idna", b"password=x", 415, id="a charset of its own"),
        pytest.param(FORM, b"password=\xff", 400, id="no UTF-8"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\n\r\nx", 415, id="multipart"),
        pytest.param("text/plain", b"password=x", 415, id="no form"),
    ],
)
async def test_odd_content_is_refused(
    nobody: Visitor, kind: str, content: bytes, status: int
) -> None:
    """Of somebody unknown only what the sign-in form sends is read."""
    page = await nobody.ask("POST", "/login", fields={"Content-Type": kind}, data=content)
    assert page.status == status


async def test_content_of_unknown_length_is_refused(nobody: Visitor) -> None:
    """Somebody unknown has to say how much is coming."""

    async def endless() -> AsyncIterator[bytes]:
        yield b"password="

    page = await nobody.ask("POST", "/login", fields={"Content-Type": FORM}, data=endless())
    assert page.status == 411


async def test_forms_over_plain_http_on_a_port(nobody: Visitor) -> None:
    """A browser that sends an Origin and no Sec-Fetch-Site may send our forms, on any port."""
    await nobody.get("/login")
    for origin, status in ((nobody.base, 303), (f"{nobody.base}1", 403)):
        data = {"csrf": nobody.csrf, "theme": "dark"}
        page = await nobody.ask("POST", "/preferences", fields={"Origin": origin}, data=data)
        assert page.status == status


@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("tdc_session=" + "x" * 7000, id="a long session"),
        pytest.param("; ".join(f"c{number}=x" for number in range(900)), id="many"),
        pytest.param('tdc_session="\\777; ;;=;=x; tdc_visitor=\t', id="broken"),
        pytest.param("tdc_device=" + "%00" * 50, id="no device"),
    ],
)
async def test_odd_cookies_do_no_harm(nobody: Visitor, cookie: str) -> None:
    """Whatever cookies a browser was given by others, the sign-in page opens."""
    assert (await nobody.ask("GET", "/login", fields={"Cookie": cookie})).status == 200
