"""Liveness, readiness and metrics: what load balancers and monitors ask for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler

from proxy.telemetry.metrics import CONTENT_TYPE

Reasons = Callable[[], Sequence[str]]

PROBES = "/-/"
"""Begins the paths of the public listener's probes; no connector is called so."""

METRICS = "/metrics"
_NO_STORE = {"Cache-Control": "no-store"}


def public_probe(request: web.BaseRequest, reasons: Reasons) -> web.Response | None:
    """Return the answer to a probe of the public listener: a status, and no reasons.

    Args:
        request: Any; None is returned for what is no probe.
        reasons: Why the connector is not ready.
    """
    path = request.raw_path.partition("?")[0]
    if request.method not in {"GET", "HEAD"} or path not in {"/-/livez", "/-/readyz"}:
        return None
    if path == "/-/readyz" and reasons():
        return web.Response(status=503, text="not ready\n", headers=_NO_STORE)
    return web.Response(text="ok\n", headers=_NO_STORE)


def admin_probes(
    reasons: Reasons,
    *,
    degraded: Reasons,
    exposition: Callable[[], Awaitable[bytes]],
) -> Mapping[str, Handler]:
    """Return the probes of the admin listener by path: reasons as JSON, and Prometheus' metrics.

    Args:
        reasons: Why it is not ready.
        degraded: What is wrong though it is: sending clients elsewhere would help nobody.
        exposition: The metrics in Prometheus' text format.
    """

    async def livez(_request: web.Request) -> web.Response:
        return _json(200, {"status": "ok"})

    async def readyz(_request: web.Request) -> web.Response:
        if found := list(reasons()):
            return _json(503, {"status": "not ready", "reasons": found})
        found = list(degraded())
        return _json(200, {"status": "degraded" if found else "ok", "reasons": found})

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=await exposition(), headers={"Content-Type": CONTENT_TYPE})

    return {"/livez": livez, "/readyz": readyz, METRICS: metrics}


def _json(status: int, document: dict[str, object]) -> web.Response:
    return web.Response(
        status=status,
        body=orjson.dumps(document) + b"\n",
        content_type="application/json",
        headers=_NO_STORE,
    )
