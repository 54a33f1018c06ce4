"""What goes wrong becomes a page or a problem, and one line of the log."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.admin.api.problems import ApiProblem
from proxy.admin.auth.request_context import CONTEXT, context_of
from proxy.admin.error_middleware import error_middleware
from proxy.errors import ConfigurationError, DatabaseFailed
from proxy.semantics.forwarded import TrustedProxies
from tests.admin.visitor import Visitor
from tests.logs import logged

Client = TestClient[web.Request, web.Application]


async def _fail(request: web.Request) -> web.Response:
    request[CONTEXT] = context_of(request, trusted=TrustedProxies())
    match request.match_info["what"]:
        case "bug":
            raise RuntimeError("s3cret")
        case "database":
            raise DatabaseFailed("disk full at /var/lib/x")
        case "slip":
            raise ConfigurationError(["One thing.", "Another."])
        case "problem":
            raise ApiProblem(409, "There is one.")
        case _:
            raise web.HTTPSeeOther("/x")


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[error_middleware(monotonic=lambda: 0.0)])
    app.router.add_get("/{what}", _fail)
    app.router.add_get("/api/{what}", _fail)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.mark.parametrize(
    ("what", "status", "said"),
    [
        pytest.param("bug", 500, "Something went wrong in the connector.", id="a bug"),
        pytest.param("database", 503, "database cannot be read", id="an error of ours"),
        pytest.param("slip", 422, "One thing.", id="an operator's slip"),
        pytest.param("problem", 409, "There is one.", id="a problem"),
    ],
)
async def test_said(client: Client, what: str, status: int, said: str) -> None:
    """Pages and the API say the same, and nothing of the inside."""
    with logged():
        for path in (f"/{what}", f"/api/{what}"):
            async with client.get(path) as response:
                text = await response.text()
                assert response.status == status
                assert said in text
                assert "s3cret" not in text
                assert "/var/lib" not in text
                is_api = path.startswith("/api/")
                kind = "application/problem+json" if is_api else "text/html"
                assert response.content_type == kind


async def test_a_bug_is_logged(client: Client) -> None:
    """A bug leaves a traceback in the log, with the request's id that the page shows."""
    with logged() as log:
        async with client.get("/bug") as response:
            text = await response.text()
        bug = log.of("bug in the console")[0]
        assert "RuntimeError" in bug["exception"]
        assert bug["request_id"] in text


async def test_redirects_pass(client: Client) -> None:
    """A redirect is no fault."""
    with logged():
        async with client.get("/elsewhere", allow_redirects=False) as response:
            assert response.status == 303


async def test_log_lines(admin: Visitor) -> None:
    """Each answer is one line, which names the route and who asked, but no path and no query."""
    with logged() as log:
        await admin.get("/audit?before=s3cret")
        await admin.get("/no-such-page/s3cret")
        await admin.get("/livez")
        lines = log.of("console")
        assert [(each["route"], each["status"], each["actor"]) for each in lines] == [
            ("/audit", 200, "admin"),
            (None, 404, "admin"),
        ]
        assert "s3cret" not in log.text


async def test_methods(admin: Visitor) -> None:
    """A method that an address does not take is told which ones it does."""
    page = await admin.send("/audit")
    assert (page.status, "GET" in page.fields["Allow"]) == (405, True)
    page = await admin.call("DELETE", "/api/audit")
    assert (page.status, "GET" in page.fields["Allow"]) == (405, True)
