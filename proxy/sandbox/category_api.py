"""Folders, which THRON calls categories (docs/thron.md 5)."""

from collections import Counter
from typing import Any

from aiohttp import web

from proxy.sandbox.envelope import (
    Refused,
    answer,
    many,
    page_size,
    part,
    read_arguments,
    require_client,
    require_token,
)
from proxy.sandbox.scan import scan
from proxy.sandbox.specs import FolderSpec
from proxy.sandbox.world import World

_PAGE = 50


class CategoryApi:
    """The services that show the folder tree below the application's root."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the services with their paths."""
        x = "/api/xcontents/resources/category"
        return [
            web.get(f"{x}/getCategory", self.get_category),
            web.post(f"{x}/findByProperties2", self.find_by_properties2),
            web.get(f"{x}/findByProperties2", self.find_by_properties2),
        ]

    async def get_category(self, request: web.Request) -> web.Response:
        """Answer with a folder; with cascade, with the tree below it."""
        world = self._world
        require_token(request, world)
        require_client(world, request.query.get("clientId"))
        folder = self._visible(request.query.get("categoryId", ""))
        cascade = request.query.get("cascade") == "true"
        return answer(request, world, {"category": category(folder, world, cascade=cascade)})

    async def find_by_properties2(self, request: web.Request) -> web.Response:
        """Answer with the folders below one, fifty a page."""
        world = self._world
        require_token(request, world)
        arguments = await read_arguments(request)
        require_client(world, part(arguments, "client").get("clientId"))
        options = part(arguments, "categoryFieldOption")
        found = self._selected(part(arguments, "properties"))
        offset = arguments.get("offset")
        start = offset if isinstance(offset, int) and offset > 0 else 0
        size = page_size(
            arguments.get("numberOfResult"), default=_PAGE, maximum=_PAGE, switches=world.switches
        )
        size = min(size, world.switches.find_page_maximum)
        total = world.switches.totals_told and options.get("returnTotalResults")
        counts: Counter[str] = Counter()
        if options.get("returnNumberOfContents"):
            async for content in scan(world.tenant.contents()):
                counts.update(content.folder_ids)
        fields = {
            "categories": [self._item(one, options, counts) for one in found[start : start + size]],
            "totalResults": len(found) if total else 0,
        }
        return answer(request, world, fields)

    def _visible(self, key: str) -> FolderSpec:
        tenant = self._world.tenant
        folder = tenant.folder(key)
        if folder is None or folder.id not in tenant.visible_folders:
            raise Refused(self._world.switches.not_found_as, "CATEGORY_NOT_EXISTS")
        return folder

    def _selected(self, properties: Any) -> list[FolderSpec]:
        tenant = self._world.tenant
        visible = tenant.visible_folders
        above = properties.get("childOf")
        if above:
            visible &= self._below(self._visible(str(above)))
        ids = {str(one) for one in many(properties.get("categoryIds"))}
        text = str(properties.get("textSearch") or "").lower()
        found = [
            folder
            for folder in tenant.folders.values()
            if folder.id in visible
            and (not ids or folder.id in ids)
            and (not text or any(text in name.lower() for name in folder.names.values()))
        ]
        return sorted(found, key=lambda folder: next(iter(folder.names.values()), "").lower())

    def _below(self, folder: FolderSpec) -> frozenset[str]:
        tenant = self._world.tenant
        if self._world.switches.child_of_cascades:
            return tenant.below(folder.id) - {folder.id}
        return frozenset(one.id for one in tenant.folders.values() if one.parent_id == folder.id)

    def _item(self, folder: FolderSpec, options: Any, counts: Counter[str]) -> dict[str, Any]:
        tenant = self._world.tenant
        contents = counts[folder.id] if options.get("returnNumberOfContents") else None
        folders = None
        if options.get("returnNumberOfSubCategories"):
            folders = sum(one.parent_id == folder.id for one in tenant.folders.values())
        return {
            "category": category(folder, self._world),
            "numberOfContents": contents,
            "numberOfSubCategories": folders,
            "ownerFullname": "Sandbox Owner",
        }


def category(folder: FolderSpec, world: World, *, cascade: bool = False) -> dict[str, Any]:
    """Return a folder as THRON prints it, MCategory."""
    lower = world.switches.lower_case_locales
    key = "lang" if world.switches.locale_key == "lang" else "locale"
    below = [f for f in world.tenant.folders.values() if f.parent_id == folder.id]
    return {
        "id": folder.id,
        "active": True,
        "ancestorIds": list(world.tenant.ancestors(folder.id)),
        "upCategoryId": folder.parent_id,
        "categoryType": "PUBLIC",
        "locales": [
            {key: language.lower() if lower else language, "name": name}
            for language, name in folder.names.items()
        ],
        "prettyIds": [{"id": value, key: language} for language, value in folder.pretty_ids],
        "linkedCategories": [category(one, world, cascade=True) for one in below]
        if cascade
        else None,
        "creationDate": "2024-01-10T08:00:00.000Z",
        "version": 1,
    }
