"""The CDN's static files: who may have them, for how long, and how they are sent."""

import re
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web

from proxy.sandbox.behaviours import of_static, with_faults
from proxy.sandbox.delivery import DeliveryApi, Published
from proxy.sandbox.edge import striking
from proxy.sandbox.signing import is_signed
from proxy.sandbox.static import respond
from proxy.sandbox.world import World

_HOP = re.compile(r"/static/hop([0-9]+)/")
_OVERRIDE = "response-content-disposition"


class StaticFiles:
    """Answers /static/... on the CDN's listener."""

    def __init__(self, world: World, delivery: DeliveryApi) -> None:
        self._world = world
        self._delivery = delivery

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer with a published file."""
        hop = _HOP.match(request.raw_path)
        if hop:
            return self._next_hop(request, int(hop[1]))
        refused = self._refusal(request)
        if refused is not None:
            return refused
        published = self._delivery.published(request.match_info["name"])
        if published is None or not self._is_alive(published):
            status = 404 if published is None else self._world.switches.old_static_status
            return web.Response(status=status, text="no such file")
        behaviour = with_faults(
            of_static(self._world.switches), striking(request), self._world.faults
        )
        fields = self._fields(request)
        return await respond(request, published.blob, behaviour=behaviour, fields=fields)

    def _next_hop(self, request: web.Request, hop: int) -> web.Response:
        onward = f"/static/hop{hop - 1}/" if hop > 1 else "/static/"
        location = self._world.cdn_url + _HOP.sub(onward, request.raw_path, count=1)
        return web.Response(status=302, headers={"Location": location})

    def _refusal(self, request: web.Request) -> web.Response | None:
        switches = self._world.switches
        if switches.token_protection and not is_signed(request.raw_path, now=self._world.now()):
            return web.Response(status=403, text="token")
        if switches.domain_protection and not self._is_referred(request):
            return web.Response(status=403, text="domain")
        return None

    def _is_referred(self, request: web.Request) -> bool:
        referer = request.headers.get("Referer", "")
        if not referer:
            return self._world.switches.empty_referer_allowed
        return urlsplit(referer).hostname in self._world.switches.domains_allowed

    def _is_alive(self, published: Published) -> bool:
        if published.version is None:
            return True
        since = self._world.tenant.retired_since(published.version)
        switches = self._world.switches
        life_s = switches.old_static_life_s + switches.rendition_lag_s
        return since is None or self._world.now() < since + life_s

    def _fields(self, request: web.Request) -> dict[str, str]:
        fields = {"Cache-Control": "public, max-age=31536000", "Server": "AmazonS3"}
        if self._world.switches.static_cors:
            fields["Access-Control-Allow-Origin"] = "*"
        query = request.raw_path.partition("?")[2]
        override = dict(parse_qsl(query)).get(_OVERRIDE)
        if override:
            fields["Content-Disposition"] = re.sub(r"[\x00-\x1f\x7f]", "", override)
        return fields
