"""downloadSource: the original file, for whoever holds the share right (docs/thron.md 7.5)."""

from typing import get_args, get_type_hints
from urllib.parse import quote

from aiohttp import web

from proxy.sandbox.behaviours import of_source, with_faults
from proxy.sandbox.content import SimulatedContent, Version
from proxy.sandbox.edge import striking
from proxy.sandbox.envelope import (
    FORM,
    Refused,
    business,
    denied,
    expired,
    invalid,
    require_client,
)
from proxy.sandbox.signing import is_presigned, presign
from proxy.sandbox.static import respond
from proxy.sandbox.switches import Switches
from proxy.sandbox.tokens import TokenStatus
from proxy.sandbox.world import World

_RESOURCES = "/api/xadmin/resources/"


class SourceApi:
    """Answers downloadSource on the API's listener and its files on the storage's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return every path that the service may have; all but one are 404."""
        return [
            route(_RESOURCES + path, self.download)
            for path in get_args(get_type_hints(Switches)["source_path"])
            if path != "none"
            for route in (web.get, web.post)
        ]

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Answer with the source file, or with where the storage has it."""
        world = self._world
        client_id = request.match_info.get("clientId")
        path = request.path.removeprefix(_RESOURCES)
        if client_id is not None:
            path = path.removesuffix(client_id) + "{clientId}"
        if path != world.switches.source_path:
            return web.Response(status=404, text="no such resource")
        method = "POST" if request.method == "POST" else "GET"
        if not any(way.startswith(method) for way in world.switches.source_token_in):
            return web.Response(status=405, headers={"Allow": "POST" if method == "GET" else "GET"})
        await self._require_token(request, method)
        content = self._content(request)
        version = self._version(content, request.query.get("versionId"))
        if world.switches.source_by == "redirect":
            return self._to_storage(request, version)
        fields = {
            "Content-Disposition": _disposition(version, request.query.get("saveAs")),
            "Cache-Control": "no-cache, no-store, no-transform",
        }
        return await self._send(request, version, fields)

    async def stored(self, request: web.Request) -> web.StreamResponse:
        """Answer on the storage's listener: signed addresses only, GET and perhaps HEAD."""
        world = self._world
        if request.method not in {"GET", "HEAD"}:
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        head_refused = request.method == "HEAD" and not world.switches.storage_head
        if head_refused or not is_presigned(request.raw_path, now=world.now()):
            # An address signed for GET is not signed for HEAD, as S3 sees it.
            return web.Response(status=403, text="SignatureDoesNotMatch")
        content = world.tenant.content(request.match_info["content"])
        if content is None:
            return web.Response(status=404, text="NoSuchKey")
        version = self._version(content, request.match_info["version"])
        fields = {"Content-Disposition": request.query["response-content-disposition"]}
        return await self._send(request, version, fields)

    async def _send(
        self, request: web.Request, version: Version, fields: dict[str, str]
    ) -> web.StreamResponse:
        world = self._world
        behaviour = with_faults(of_source(world.switches), striking(request), world.faults)
        return await respond(request, version.source, behaviour=behaviour, fields=fields)

    async def _require_token(self, request: web.Request, method: str) -> None:
        """Refuse a request without a valid token in one of the places that count."""
        world = self._world
        form = await request.post() if request.content_type == FORM else {}
        offered = {
            f"{method} header": request.headers.get("X-TOKENID"),
            "GET query": request.query.get("tokenId") if method == "GET" else None,
            "POST form": form.get("tokenId"),
        }
        token = next(
            (str(t) for way, t in offered.items() if t and way in world.switches.source_token_in),
            None,
        )
        standing = world.tokens.use(token, now=world.now()) if token else TokenStatus.UNKNOWN
        if standing is not TokenStatus.OK:
            raise expired(world.switches, standing)

    def _content(self, request: web.Request) -> SimulatedContent:
        world = self._world
        require_client(world, request.match_info.get("clientId") or request.query.get("clientId"))
        content_id = request.query.get("xcontentId")
        if not content_id:
            raise invalid("xcontentId is required")
        content = world.tenant.content(content_id)
        if content is None:
            raise Refused(world.switches.not_found_as, "CONTENT_NOT_EXISTS")
        if not self._may_have(content):
            raise denied(world.switches.source_denied_as)
        return content

    def _may_have(self, content: SimulatedContent) -> bool:
        world = self._world
        if not (world.tenant.app.may_share and content.shareable) or content.trashed:
            return False
        if not content.is_out and not world.switches.source_of_unpublished:
            return False
        # Out of every folder a content keeps ACLs of its own, perhaps; in foreign ones it has none.
        is_left = not content.folder_ids and world.switches.source_of_unlinked
        return is_left or world.tenant.sees(content)

    def _version(self, content: SimulatedContent, version_id: str | None) -> Version:
        if version_id is None:
            return content.version
        for version in content.versions:
            if version.id == version_id:
                return version
        raise business("VERSION_NOT_AVAILABLE")

    def _to_storage(self, request: web.Request, version: Version) -> web.Response:
        world = self._world
        disposition = quote(_disposition(version, request.query.get("saveAs")), safe="")
        path = f"/source/{request.query['xcontentId']}/{version.id}"
        target, signature = presign(
            f"{path}?response-content-disposition={disposition}",
            now=world.now(),
            life_s=world.switches.storage_url_life_s,
        )
        world.signatures.add(signature)
        bucket = world.storage_url.replace("127.0.0.1", world.switches.storage_host)
        fields = {"Location": bucket + target, "Cache-Control": "no-store"}
        return web.Response(status=world.switches.source_redirect_status, headers=fields)


def _disposition(version: Version, save_as: str | None) -> str:
    """Return the attachment's Content-Disposition; ``saveAs`` keeps the source's extension."""
    name = save_as or version.file_name
    if version.extension and not name.lower().endswith(f".{version.extension.lower()}"):
        name = f"{name}.{version.extension}"
    ascii_name = "".join(c if " " <= c <= "~" and c not in '"\\' else "_" for c in name)
    encoded = quote(name, safe="")
    return f"attachment; filename=\"{ascii_name}\"; filename*=UTF-8''{encoded}"
