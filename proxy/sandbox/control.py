"""The control endpoints: what tests and curious people do to the sandbox from outside.

All under ``{api_url}/sandbox/``, JSON in and out; they answer while the API is down.
"""

import base64
import binascii
from dataclasses import asdict, fields
from typing import Any

import orjson
from aiohttp import web

from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.content import PUBLISHED, SimulatedContent
from proxy.sandbox.faults import Fault, Kind
from proxy.sandbox.switches import Switches
from proxy.sandbox.tenant import PrettyIdTaken
from proxy.sandbox.world import World


class Control:
    """The endpoints; every change answers with what it made."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the endpoints with their paths."""
        one = "/sandbox/contents/{content}"
        return [
            web.get("/sandbox/state", self.state),
            web.get("/sandbox/log", self.log),
            web.delete("/sandbox/log", self.clear_log),
            web.get("/sandbox/contents", self.contents),
            web.post("/sandbox/tokens/expire", self.expire_tokens),
            web.post("/sandbox/pkey/new", self.new_pkey),
            web.post("/sandbox/app", self.change_app),
            web.post("/sandbox/api/{state:up|down}", self.api),
            web.post("/sandbox/switches", self.change_switches),
            web.post("/sandbox/faults", self.add_fault),
            web.delete("/sandbox/faults", self.clear_faults),
            web.post(f"{one}/version", self.version),
            web.post(f"{one}/{{deed:unlink|link|trash|remove}}", self.relink),
            web.post(f"{one}/{{deed:unpublish|publish}}", self.publish),
            web.post(f"{one}/channels", self.channels),
            web.post(f"{one}/change", self.change),
        ]

    async def state(self, _request: web.Request) -> web.Response:
        """Answer with what the sandbox is and how it is set."""
        world = self._world
        app = world.tenant.app
        return _json(
            {
                "client_id": world.tenant.client_id,
                "app_id": app.id,
                "app_key": app.key,
                "pkey": app.pkey,
                "root_folder_id": app.root_folder_id,
                "api_url": world.api_url,
                "cdn_url": world.cdn_url,
                "storage_url": world.storage_url,
                "api_down": world.api_down,
                "logins": world.tokens.logins,
                "living_tokens": len(world.tokens.living),
                "requests": len(world.log),
                "contents": len(world.tenant.library.contents),
                "faults": [asdict(fault) for fault in world.faults.waiting],
                "switches": asdict(world.switches),
            }
        )

    async def log(self, _request: web.Request) -> web.Response:
        """Answer with the requests received."""
        return _json(
            [
                {
                    "listener": entry.listener,
                    "method": entry.method,
                    "target": entry.target,
                    "fields": entry.fields,
                    "form": entry.form,
                }
                for entry in self._world.log
            ]
        )

    async def clear_log(self, _request: web.Request) -> web.Response:
        """Forget the requests received."""
        self._world.log.clear()
        return _json({})

    async def contents(self, request: web.Request) -> web.Response:
        """Answer with the contents of the tenant, a hundred from an offset on."""
        offset = request.query.get("offset", "0")
        start = int(offset) if offset.isascii() and offset.isdigit() else 0
        shown = []
        for place, content in enumerate(self._world.tenant.contents()):
            if start <= place < start + 100:
                shown.append(_shown(content))
        return _json(shown)

    async def expire_tokens(self, _request: web.Request) -> web.Response:
        """End every session."""
        return _json({"expired": self._world.tokens.expire_all()})

    async def new_pkey(self, _request: web.Request) -> web.Response:
        """Revoke the share key and make a new one."""
        return _json({"pkey": self._world.tenant.new_pkey()})

    async def change_app(self, request: web.Request) -> web.Response:
        """Change the application: ``active``, ``may_share``, ``pkey``."""
        app = self._world.tenant.app
        asked = await _asked(request)
        _only(asked, {"active", "may_share", "pkey"})
        for name, value in asked.items():
            setattr(app, name, value)
        return _json({"active": app.active, "may_share": app.may_share, "pkey": app.pkey})

    async def api(self, request: web.Request) -> web.Response:
        """Take the API down, or up again."""
        self._world.api_down = request.match_info["state"] == "down"
        return _json({"api_down": self._world.api_down})

    async def change_switches(self, request: web.Request) -> web.Response:
        """Set switches by name."""
        asked = await _asked(request)
        _only(asked, {one.name for one in fields(Switches)})
        for name, value in asked.items():
            read = tuple(value) if isinstance(value, list) else value
            setattr(self._world.switches, name, read)
        return _json(asdict(self._world.switches))

    async def add_fault(self, request: web.Request) -> web.Response:
        """Add one fault, its attributes as JSON."""
        asked = await _asked(request)
        _only(asked, {one.name for one in fields(Fault)})
        try:
            self._world.faults.add(Fault(**{**asked, "kind": Kind(str(asked.get("kind")))}))
        except (TypeError, ValueError) as exc:
            raise web.HTTPBadRequest(text=str(exc)) from exc
        return _json([asdict(fault) for fault in self._world.faults.waiting])

    async def clear_faults(self, _request: web.Request) -> web.Response:
        """Take every fault back."""
        self._world.faults.clear()
        return _json([])

    async def version(self, request: web.Request) -> web.Response:
        """Publish a new version: ``data`` in base64, ``file_name`` and ``media_type`` if wished."""
        asked = await _asked(request)
        _only(asked, {"data", "file_name", "media_type"})
        content = self._content(request)
        blob = None
        if asked.get("data") is not None:
            media_type = str(asked.get("media_type") or content.version.media_type)
            blob = BytesBlob(_octets(asked["data"]), media_type)
        world = self._world
        version = world.tenant.publish_new_version(
            content.id,
            now=world.now(),
            blob=blob,
            file_name=asked.get("file_name"),
            touch=world.switches.replacement_raises_last_update,
        )
        return _json({"version_id": version.id, "number": version.number})

    async def relink(self, request: web.Request) -> web.Response:
        """Link, unlink (from ``folder_id`` or all folders), trash or remove a content."""
        tenant = self._world.tenant
        now = self._world.now()
        folder_id = (await _asked(request)).get("folder_id")
        content_id = self._content(request).id
        match request.match_info["deed"]:
            case "unlink":
                tenant.unlink(content_id, folder_id, now=now)
            case "link":
                tenant.link(content_id, str(folder_id), now=now)
            case "trash":
                tenant.trash(content_id, now=now)
            case _:
                tenant.remove(content_id, now=now)
        content = tenant.content(content_id)
        return _json(_shown(content) if content else {})

    async def publish(self, request: web.Request) -> web.Response:
        """Take a content off its channels, or back to those that its file has."""
        tenant = self._world.tenant
        content = self._content(request)
        if request.match_info["deed"] == "publish":
            channels = tuple(content.version.renditions)
            content = tenant.set_status(
                content.id, PUBLISHED, now=self._world.now(), channels=channels
            )
        else:
            status = str((await _asked(request)).get("status") or "READY")
            content = tenant.set_status(content.id, status, now=self._world.now())
        return _json(_shown(content))

    async def channels(self, request: web.Request) -> web.Response:
        """Give a content's channels other states, by their names; its status follows."""
        states = {name: str(state) for name, state in (await _asked(request)).items()}
        content = self._content(request)
        now = self._world.now()
        return _json(_shown(self._world.tenant.set_channels(content.id, states, now=now)))

    async def change(self, request: web.Request) -> web.Response:
        """Change ``titles``, ``pretty_ids`` or ``imetadata`` of a content."""
        asked = await _asked(request)
        _only(asked, {"titles", "pretty_ids", "imetadata"})
        tenant = self._world.tenant
        content = self._content(request)
        now = self._world.now()
        for name, value in asked.items():
            read = value if name == "titles" else tuple(tuple(one) for one in value)
            try:
                if name == "pretty_ids":
                    tenant.rename(content.id, now=now, pretty_ids=read)
                else:
                    tenant.change(content.id, now=now, **{name: read})
            except PrettyIdTaken as exc:
                raise web.HTTPConflict(text="PRETTYID_ALREADY_EXISTS") from exc
        return _json(_shown(tenant.find(content.id)))

    def _content(self, request: web.Request) -> SimulatedContent:
        try:
            return self._world.tenant.find(request.match_info["content"])
        except KeyError as exc:
            raise web.HTTPNotFound(text="no such content") from exc


async def _asked(request: web.Request) -> dict[str, Any]:
    try:
        value = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError as exc:
        raise web.HTTPBadRequest(text=f"no JSON: {exc}") from exc
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="a JSON object, please")
    return value


def _only(asked: dict[str, Any], known: set[str]) -> None:
    unknown = sorted(set(asked) - known)
    if unknown:
        names = ", ".join(sorted(known))
        raise web.HTTPBadRequest(text=f"unknown: {', '.join(unknown)}; known: {names}")


def _octets(text: Any) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except binascii.Error as exc:
        raise web.HTTPBadRequest(text="data is not base64") from exc


def _shown(content: SimulatedContent) -> dict[str, Any]:
    return {
        "id": content.id,
        "content_type": content.content_type,
        "titles": dict(content.titles),
        "pretty_ids": content.pretty_ids,
        "imetadata": content.imetadata,
        "folder_ids": content.folder_ids,
        "status": content.status,
        "channels": content.channels,
        "file_name": content.version.file_name,
        "length": content.version.source.length,
        "version_id": content.version.id,
    }


def _json(value: Any) -> web.Response:
    body = orjson.dumps(value, option=orjson.OPT_INDENT_2)
    return web.Response(body=body, content_type="application/json")
