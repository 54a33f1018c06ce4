"""Single contents and the older searches (docs/thron.md 3.3, 3.4, 4.4, 4.5)."""

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from proxy.sandbox.category_api import category
from proxy.sandbox.content import SimulatedContent
from proxy.sandbox.content_json import (
    linked_categories,
    record,
    thumb_url,
    version_item,
    wall,
)
from proxy.sandbox.criteria import properties_tests
from proxy.sandbox.envelope import (
    Refused,
    answer,
    business,
    denied,
    invalid,
    many,
    page_size,
    part,
    read_arguments,
    require_answered,
    require_client,
    require_sound,
    require_token,
)
from proxy.sandbox.scan import scan
from proxy.sandbox.world import World

_PAGE = 50
_SORTS: Mapping[str, Callable[[SimulatedContent], Any]] = {
    "contentname": lambda content: content.title.lower(),
    "creationdate": lambda content: content.creation_date,
    "lastupdate": lambda content: content.last_update,
}


class ContentApi:
    """The services about single contents, and findByProperties and showContents."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[web.RouteDef]:
        """Return the services with their paths."""
        x = "/api/xcontents/resources"
        admin = "/api/xadmin/resources/content"
        return [
            web.post(f"{x}/content/findByProperties", self.find_by_properties),
            web.get(f"{x}/content/findByProperties", self.find_by_properties),
            web.get(f"{x}/content/detail", self.detail),
            web.get(f"{x}/delivery/getContentDetail", self.content_detail),
            web.get(f"{x}/contentlist/showContents", self.show_contents),
            web.get(f"{admin}/detailSource/{{client}}/{{content}}", self.detail_source),
            web.post(f"{admin}/listVersions/{{client}}/{{content}}", self.list_versions),
        ]

    async def find_by_properties(self, request: web.Request) -> web.Response:
        """Answer with the contents of these ids, prettyIds or legacy metadatas."""
        world = self._world
        token = require_token(request, world)
        arguments = await read_arguments(request)
        require_client(world, part(arguments, "client").get("clientId"))
        criteria = part(arguments, "criteria")
        options = part(arguments, "contentFieldOption")
        self._require_taken(criteria)
        named = [self._named(str(key)) for key in many(criteria.get("contentIds"))]
        if None in named:
            require_answered(world.switches.unknown_pretty_id_as)
        ids = frozenset(content.id for content in named if content is not None)
        test = properties_tests(criteria, self._folders, ids)
        candidates = (c for c in named if c) if named else world.tenant.contents()
        visible = world.visible_to(token)
        found: dict[str, SimulatedContent] = {}
        async for content in scan(candidates):
            if not visible.isdisjoint(content.folder_ids) and test(content):
                found[content.id] = content
        if not found and criteria.get("metadatas"):
            require_answered(world.switches.unknown_value_as)
        ordered = _ordered(list(found.values()), str(arguments.get("orderBy", "")))
        start = _offset(arguments.get("offset"))
        size = page_size(
            arguments.get("numberOfresults"), default=_PAGE, maximum=_PAGE, switches=world.switches
        )
        size = min(size, world.switches.find_page_maximum)
        total = world.switches.totals_told and options.get("returnTotalResults")
        fields = {
            "contents": [self._found(one, options) for one in ordered[start : start + size]],
            "totalResults": len(ordered) if total else 0,
        }
        return answer(request, world, fields)

    async def detail(self, request: web.Request) -> web.Response:
        """Answer with one content's record."""
        world = self._world
        content = self._readable(request, "contentId")
        query = request.query
        with_categories = query.get("returnLinkedCategories") == "true"
        with_thumbs = query.get("returnThumbUrl") == "true"
        with_imetadata = query.get("returnImetadata") == "true"
        fields = {
            "content": record(content, world, with_imetadata=with_imetadata, service="detail"),
            "linkedCategories": self._categories(content) if with_categories else None,
            "thumbUrls": [thumb_url(content, world)] if with_thumbs else None,
            "totalDownloadableContents": 0,
            "totalRecommendedContents": 0,
        }
        return answer(request, world, fields)

    async def content_detail(self, request: web.Request) -> web.Response:
        """Answer with one content for display; a token or the pkey lets in."""
        content = self._readable(request, "xcontentId")
        fields = {"content": wall(content, self._world), "contentCategoryFullPath": []}
        return answer(request, self._world, fields)

    async def show_contents(self, request: web.Request) -> web.Response:
        """Answer with a folder's contents in the public style."""
        world = self._world
        require_token(request, world)
        query = request.query
        require_client(world, query.get("clientId"))
        folder = world.tenant.folder(query.get("categoryId", ""))
        if folder is None:
            raise business("CATEGORY_NOT_EXISTS")
        below = query.get("searchOnSubCategories") == "true"
        folders = world.tenant.below(folder.id) if below else frozenset({folder.id})
        folders &= world.tenant.visible_folders
        types = set(filter(None, query.get("contentType", "").split(",")))
        found = [
            content
            async for content in scan(world.tenant.contents())
            if not folders.isdisjoint(content.folder_ids)
            and (not types or content.content_type in types)
        ]
        start = _offset(query.get("offset"))
        size = min(_offset(query.get("numberOfResult")) or _PAGE, _PAGE)
        fields = {
            "contents": [wall(one, world) for one in found[start : start + size]],
            "totalResults": len(found) if query.get("returnTotalResults") == "true" else 0,
        }
        return answer(request, world, fields)

    async def detail_source(self, request: web.Request) -> web.Response:
        """Answer with the present source file's name, type and size."""
        content = self._administered(request)
        return answer(request, self._world, {"item": version_item(content.version)})

    async def list_versions(self, request: web.Request) -> web.Response:
        """Refuse: it needs MODIFY, which an application that downloads does not have."""
        self._administered(request)
        raise denied(self._world.switches.denied_as)

    def _require_taken(self, criteria: Mapping[str, Any]) -> None:
        """Refuse what is invalid, or what this tenant does not take (docs/thron.md 4.4)."""
        if "linkedCategoryOp" in criteria:
            folders = many(part(criteria, "linkedCategoryOp").get("linkedCategoryIds"))
            if not folders or "linkedCategories" in criteria:
                raise invalid("linkedCategoryOp needs an id, and excludes linkedCategories")
        keys = [str(key) for key in many(criteria.get("contentIds"))]
        require_sound(keys, self._world.switches)
        contents = [self._world.tenant.content(key) for key in keys]
        if self._world.switches.pretty_id_lookup_refused and None in contents:
            raise denied("403 text")

    def _readable(self, request: web.Request, name: str) -> SimulatedContent:
        """Return the content that a read service is asked for, by token or by pkey."""
        world = self._world
        pkey = request.query.get("pkey")
        if pkey is not None and "X-TOKENID" not in request.headers:
            # The slot takes a session token as well (docs/thron.md 3.5).
            if pkey != world.tenant.app.pkey and pkey not in world.tokens.living:
                raise business("CONTENT_NOT_FOUND")
        else:
            require_token(request, world)
        require_client(world, request.query.get("clientId"))
        if name not in request.query:
            raise invalid(f"{name} is required")
        return self._visible(request.query[name])

    def _administered(self, request: web.Request) -> SimulatedContent:
        require_token(request, self._world)
        require_client(self._world, request.match_info["client"])
        return self._visible(request.match_info["content"])

    def _visible(self, key: str) -> SimulatedContent:
        content = self._named(key)
        if content is None:
            raise Refused(self._world.switches.not_found_as, "CONTENT_NOT_EXISTS")
        if not self._world.tenant.sees(content):
            raise denied(self._world.switches.denied_as)
        return content

    def _named(self, key: str) -> SimulatedContent | None:
        switches = self._world.switches
        at = self._world.now() - switches.detail_lag_s
        return self._world.tenant.of_key(key, at=at, any_case=switches.pretty_id_any_case)

    def _found(self, content: SimulatedContent, options: Mapping[str, Any]) -> dict[str, Any]:
        version = content.version
        source = {"fileName": version.file_name, "extension": version.extension or None}
        with_imetadata = bool(options.get("returnImetadata"))
        with_categories = bool(options.get("returnLinkedCategories"))
        return {
            "content": record(content, self._world, with_imetadata=with_imetadata),
            "linkedCategories": self._categories(content) if with_categories else None,
            "source": source if options.get("returnSource") else None,
            "ownerFullname": "Sandbox Owner",
        }

    def _categories(self, content: SimulatedContent) -> list[dict[str, Any]]:
        tenant = self._world.tenant
        ids = linked_categories(content, self._world)
        return [category(tenant.folders[one], self._world) for one in ids if one in tenant.folders]

    def _folders(self, named: Any) -> frozenset[str]:
        tenant = self._world.tenant
        folder = tenant.folder(str(named["id"]))
        if folder is None:
            return frozenset()
        return tenant.below(folder.id) if named["cascade"] else frozenset({folder.id})


def _offset(value: Any) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else 0


def _ordered(contents: list[SimulatedContent], order: str) -> list[SimulatedContent]:
    name, _, way = order.rpartition("_")
    key = _SORTS.get(name.lower())
    return sorted(contents, key=key, reverse=way.upper() == "D") if key else contents
