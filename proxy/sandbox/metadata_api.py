"""Definitions of custom metadata, for the set-up dialogue (docs/thron.md 6)."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from proxy.sandbox.envelope import answer, many, part, read_arguments, require_client, require_token
from proxy.sandbox.envelope import business as refused_business
from proxy.sandbox.specs import ClassificationSpec, DefinitionSpec
from proxy.sandbox.world import World

_PAGE = 50


class MetadataApi:
    """The services of xintelligence that a connector needs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the services with their paths and GET twins."""
        x = "/api/xintelligence/resources"
        definitions = f"{x}/imetadatadefinition"
        return [
            web.post(f"{x}/classification/list/{{client}}", self.classifications),
            web.get(f"{x}/classification/listGet/{{client}}", self.classifications),
            web.post(f"{definitions}/list/{{client}}/{{classification}}", self.definitions),
            web.get(f"{definitions}/listGet/{{client}}/{{classification}}", self.definitions),
            web.post(f"{x}/metadatadefinition/list/{{client}}", self.loose_definitions),
            web.get("/api/xcontents/resources/client/detailClient", self.detail_client),
        ]

    async def classifications(self, request: web.Request) -> web.Response:
        """Answer with the tenant's classifications."""
        arguments = await self._arguments(request)
        active = part(arguments, "criteria").get("active")
        found = [
            one
            for one in self._world.tenant.library.classifications
            if active is None or one.active == active
        ]
        return self._page(request, arguments, [_classification(one) for one in found])

    async def definitions(self, request: web.Request) -> web.Response:
        """Answer with the definitions of one classification."""
        arguments = await self._arguments(request)
        library = self._world.tenant.library
        wanted = request.match_info["classification"]
        if wanted not in {one.id for one in library.classifications}:
            raise refused_business("CLASSIFICATION_NOT_FOUND")
        found = [one for one in library.definitions if one.classification_id == wanted]
        return self._selected(request, arguments, found)

    async def loose_definitions(self, request: web.Request) -> web.Response:
        """Answer with the definitions that belong to no classification."""
        arguments = await self._arguments(request)
        definitions = self._world.tenant.library.definitions
        found = [one for one in definitions if one.classification_id is None]
        return self._selected(request, arguments, found)

    async def detail_client(self, request: web.Request) -> web.Response:
        """Answer with the tenant's properties: the legacy metadata that contents have."""
        world = self._world
        require_token(request, world)
        names = {name for c in world.tenant.contents() for name, *_ in c.legacy_metadatas}
        metadatas = [{"name": name, "fieldType": "TEXTBOX"} for name in sorted(names)]
        client = {"clientId": world.tenant.client_id, "properties": {"customMetadatas": metadatas}}
        return answer(request, world, {"client": client})

    async def _arguments(self, request: web.Request) -> Mapping[str, Any]:
        require_token(request, self._world)
        require_client(self._world, request.match_info["client"])
        if request.method == "POST":
            return await read_arguments(request)
        # The listGet services have plain parameters instead of a param (docs/thron.md 6).
        query = request.query
        criteria = {"text": query.get("text"), "ids": query.get("ids", "").split(",")}
        pages = {
            name: int(query[name])
            for name in ("offset", "limit")
            if query.get(name, "").isdecimal()
        }
        return {"criteria": criteria, **pages}

    def _selected(
        self, request: web.Request, arguments: Mapping[str, Any], found: list[DefinitionSpec]
    ) -> web.Response:
        criteria = part(arguments, "criteria")
        ids = {str(one) for one in many(criteria.get("ids")) if one}
        keys = {str(one) for one in many(criteria.get("keys")) if one}
        types = {str(one) for one in many(criteria.get("metadataType")) if one}
        removed = criteria.get("removed")
        text = str(criteria.get("text") or "").lower()
        items = [
            _definition(one)
            for one in found
            if (not ids or one.id in ids)
            and (not keys or one.key in keys)
            and (not types or one.metadata_type in types)
            and (removed is None or one.removed == removed)
            and (not text or text in " ".join((one.key, *one.names.values())).lower())
        ]
        return self._page(request, arguments, items)

    def _page(
        self, request: web.Request, arguments: Mapping[str, Any], items: list[dict[str, Any]]
    ) -> web.Response:
        start = int(arguments.get("offset") or 0)
        stop = start + min(int(arguments.get("limit") or _PAGE), _PAGE)
        fields = {"items": items[start:stop], "totalResults": len(items)}
        return answer(request, self._world, fields)


def _names(names: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"lang": language, "label": label} for language, label in names.items()]


def _classification(one: ClassificationSpec) -> dict[str, Any]:
    return {
        "id": one.id,
        "classificationType": one.classification_type,
        "names": _names(one.names),
        "active": one.active,
        "removed": one.removed,
    }


def _definition(one: DefinitionSpec) -> dict[str, Any]:
    return {
        "id": one.id,
        "key": one.key,
        "metadataType": one.metadata_type,
        "names": _names(one.names),
        "visible": one.visible,
        "removed": one.removed,
        "constraints": {"applicableTo": list(one.applicable_to)},
        "inferred": False,
    }
