"""The door: nothing for the unknown, for other sites, or beyond what a token may."""

import re
from collections.abc import Iterator

import pytest
from aiohttp import web

from proxy.console.access import OPEN
from proxy.console.server import OPERATIONS, PAGES, console_app
from tests.console.visitor import Visitor
from tests.running import Running

_UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def routes() -> Iterator[tuple[str, str]]:
    """Give method and path of every page and operation, the variable segments filled in."""
    for page in PAGES:
        yield page.method, _filled(page.path)
    for operation in OPERATIONS:
        yield operation.method, _filled(operation.path)
    yield from (("GET", "/api"), ("GET", "/api/openapi.json"))


def _filled(path: str) -> str:
    """Fill a variable segment with its name, or with the first of its alternatives."""
    return re.sub(r"{(?:\w+:)?(\w+)[^}]*}", r"\1", path)


CLOSED = sorted({route for route in routes() if route[1] not in OPEN})


@pytest.mark.parametrize(("method", "path"), CLOSED)
async def test_nobody_is_let_in(nobody: Visitor, method: str, path: str) -> None:
    """Every page and operation that is not open to everybody refuses who has not signed in."""
    page = await nobody.ask(method, path)
    if path.startswith("/api/"):
        assert (page.status, page.json["status"]) == (401, 401)
        assert page.fields["WWW-Authenticate"].startswith("Bearer")
    else:
        assert (page.status, page.fields["Location"].partition("?")[0]) == (303, "/login")


async def test_all_routes_are_walked(connector: Running, nobody: Visitor) -> None:
    """What the listener routes is what these tests walk, and what is open to everybody."""
    app = console_app(connector.gateway.console, probes=())
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.resource.canonical not in OPEN
    }
    declared = {(page.method, _canonical(page.path)) for page in PAGES}
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


@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_forms_of_other_sites_change_nothing(admin: Visitor, method: str, path: str) -> None:
    """A form without the token of its page, or sent by another site, is refused."""
    data = {"csrf": admin.csrf}
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert (await admin.ask(method, path, data=data, fields=foreign)).status == 403
    foreign = {"Origin": "https://evil.example"}
    assert (await admin.ask(method, path, data=data, fields=foreign)).status == 403
    assert (await admin.ask(method, path, data={"csrf": "0" * 64})).status == 403
    assert (await admin.ask(method, path)).status == 403


CALLS = sorted({(each.method, _filled(each.path)) for each in OPERATIONS if each.method in _UNSAFE})


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_calls_of_other_sites_change_nothing(admin: Visitor, method: str, path: str) -> None:
    """With a session's cookie alone the API changes nothing."""
    fields = {"Content-Type": "application/json"}
    assert (await admin.ask(method, path, fields=fields, data=b"{}")).status == 403
    fields |= {"X-CSRF-Token": admin.csrf, "Sec-Fetch-Site": "same-site"}
    assert (await admin.ask(method, path, fields=fields, data=b"{}")).status == 403


async def test_a_token_reads(connector: Running, nobody: Visitor) -> None:
    """A machine's token opens the API, and no page."""
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    assert (await nobody.call("GET", "/api/audit", token=made.secret)).status == 200
    page = await nobody.ask("GET", "/audit", fields={"Authorization": f"Bearer {made.secret}"})
    assert page.status == 303


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_a_reading_token_changes_nothing(
    connector: Running, nobody: Visitor, method: str, path: str
) -> None:
    """A token that may only read is refused whatever changes something."""
    made = await connector.gateway.console.tokens.make("m", can_change=False, actor="test")
    page = await nobody.call(method, path, {}, token=made.secret)
    assert (page.status, page.json["detail"]) == (403, "This token may only read.")


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
    assert not [page for page in PAGES if page.path in OPEN and not _is_of_the_door(page)]


def _is_of_the_door(page: web.RouteDef) -> bool:
    return page.path in {"/login", "/set-up", "/preferences"}
