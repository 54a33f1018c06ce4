"""What load balancers and monitors are answered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.server.probes import admin_probes, public_probe

Client = TestClient[web.Request, web.Application]
REASON = "THRON refuses the login"


@asynccontextmanager
async def _client(routes: list[web.RouteDef]) -> AsyncIterator[Client]:
    app = web.Application()
    app.add_routes(routes)
    async with TestClient(TestServer(app)) as client:
        yield client


def _public(reasons: list[str]) -> web.RouteDef:
    async def handler(request: web.Request) -> web.Response:
        return public_probe(request, lambda: reasons) or web.Response(text="no probe")

    return web.route("*", "/{path:.*}", handler)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("POST", "/-/livez", id="another method"),
        pytest.param("GET", "/-/livez/", id="another path"),
        pytest.param("GET", "/media/-/livez", id="a content"),
    ],
)
async def test_what_is_no_probe(method: str, path: str) -> None:
    """All but two resources is for others to answer."""
    async with _client([_public([])]) as client, client.request(method, path) as answer:
        assert await answer.text() == "no probe"


@pytest.mark.parametrize(
    ("reasons", "status", "text"),
    [
        pytest.param([], 200, "ok\n", id="ready"),
        pytest.param([REASON], 503, "not ready\n", id="not ready"),
    ],
)
async def test_public_readiness(reasons: list[str], status: int, text: str) -> None:
    """Strangers learn whether it is ready, and nothing of why not."""
    async with _client([_public(reasons)]) as client:
        async with client.get("/-/readyz") as answer:
            assert (answer.status, await answer.text()) == (status, text)
            assert answer.headers["Cache-Control"] == "no-store"
        async with client.head("/-/readyz") as answer:
            assert answer.status == status


@pytest.mark.parametrize("reasons", [[], [REASON]])
async def test_liveness_has_no_reasons(reasons: list[str]) -> None:
    """Whatever is missing, a process that answers is alive: a restart would help nobody."""
    async with _client([_public(reasons)]) as client, client.get("/-/livez") as answer:
        assert answer.status == 200
    async with _client(_admin(reasons)) as client, client.get("/livez") as answer:
        assert answer.status == 200


def _admin(reasons: list[str]) -> list[web.RouteDef]:
    async def exposition() -> bytes:
        return b"figures 1.0\n"

    probes = admin_probes(lambda: reasons, degraded=list, exposition=exposition)
    return [web.get(path, probe) for path, probe in probes.items()]


@pytest.mark.parametrize(
    ("reasons", "status", "word"),
    [
        pytest.param([], 200, "ok", id="ready"),
        pytest.param([REASON, "draining"], 503, "not ready", id="not ready"),
    ],
)
async def test_admin_readiness(reasons: list[str], status: int, word: str) -> None:
    """Operators learn every reason, as JSON."""
    async with _client(_admin(reasons)) as client, client.get("/readyz") as answer:
        assert answer.status == status
        assert answer.content_type == "application/json"
        assert orjson.loads(await answer.read()) == {"status": word, "reasons": reasons}


async def test_metrics() -> None:
    """The figures are read as they are asked for, in Prometheus' text format."""
    async with _client(_admin([])) as client, client.get("/metrics") as answer:
        assert await answer.text() == "figures 1.0\n"
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
