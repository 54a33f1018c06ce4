"""sync/export and sync/updatedContent: the whole and what changed (docs/thron.md 4.3)."""

import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiohttp import web

from proxy.sandbox.category_api import category
from proxy.sandbox.content import SimulatedContent, aware
from proxy.sandbox.content_json import linked_categories, record, thumb_url, version_summary
from proxy.sandbox.criteria import linked_category_op, moment
from proxy.sandbox.envelope import (
    answer,
    denied,
    invalid,
    many,
    page_size,
    part,
    read_arguments,
    require_client,
    require_token,
)
from proxy.sandbox.scan import scan
from proxy.sandbox.world import World

PAGE = 200
# "at most 2 months back": the shortest two months there are.
REACH = timedelta(days=59)
_MAX_FOLDERS = 50
_LISTINGS = 64


@dataclass(frozen=True, slots=True)
class _Change:
    """A content of the change feed; ``removed`` from the platform."""

    content_id: str
    last: SimulatedContent | None = None

    @property
    def removed(self) -> bool:
        """Whether it is gone: then its last record is told."""
        return self.last is not None


class SyncApi:
    """The services that need the role CORE_SYNC_CONTENTS."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages: OrderedDict[str, tuple[_Change, ...]] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """Return the services with their GET twins."""
        x = "/api/xcontents/resources/sync"
        return [
            web.post(f"{x}/export/{{client}}", self.export),
            web.get(f"{x}/export/{{client}}", self.export),
            web.post(f"{x}/updatedContent/{{client}}", self.updated_content),
            web.get(f"{x}/updatedContent/{{client}}", self.updated_content),
        ]

    async def export(self, request: web.Request) -> web.Response:
        """Answer with all contents of the criteria, 200 a page."""
        arguments = await self._arguments(request)
        return await self._answer(request, arguments, partial(self._all, arguments))

    async def updated_content(self, request: web.Request) -> web.Response:
        """Answer with what changed in a window, 200 a page."""
        arguments = await self._arguments(request)
        criteria = part(arguments, "criteria")
        now = aware(self._world.now())
        since = moment(criteria.get("fromDate", ""))
        until = moment(criteria["toDate"]) if criteria.get("toDate") else now
        if since < now - REACH or until <= since:
            raise invalid("fromDate is at most two months back, toDate after it")
        return await self._answer(
            request, arguments, lambda: self._changed(arguments, since, until)
        )

    async def _arguments(self, request: web.Request) -> Mapping[str, Any]:
        world = self._world
        require_token(request, world)
        require_client(world, request.match_info["client"])
        if not world.switches.sync_allowed:
            raise denied(world.switches.denied_as)
        arguments = await read_arguments(request)
        op = part(part(arguments, "criteria"), "linkedCategoryOp")
        if op.get("cascade") and len(many(op.get("linkedCategoryIds"))) > _MAX_FOLDERS:
            raise invalid(f"at most {_MAX_FOLDERS} categories")
        return arguments

    async def _answer(
        self,
        request: web.Request,
        arguments: Mapping[str, Any],
        start: Callable[[], Awaitable[Sequence[_Change]]],
    ) -> web.Response:
        world = self._world
        size = page_size(
            arguments.get("pageSize"), default=PAGE, maximum=PAGE, switches=world.switches
        )
        token = str(arguments.get("nextPage") or "")
        if token and token not in self._pages:
            raise invalid("unknown page")
        changes: tuple[_Change, ...] = self._pages[token] if token else tuple(await start())
        options = part(arguments, "options")
        items = [self._item(change, options) for change in changes[:size]]
        fields = {
            "items": [item for item in items if item is not None],
            "nextPage": self._remember(changes[size:]),
        }
        return answer(request, world, fields)

    def _remember(self, rest: tuple[_Change, ...]) -> str | None:
        if not rest:
            return None
        token = uuid.uuid4().hex
        self._pages[token] = rest
        if len(self._pages) > _LISTINGS:
            self._pages.popitem(last=False)
        return token

    async def _all(self, arguments: Mapping[str, Any]) -> Sequence[_Change]:
        # The role ignores ACLs: what lies outside the application's root is there as well.
        selected = self._selector(arguments)
        return [_Change(c.id) async for c in scan(self._world.tenant.contents()) if selected(c)]

    async def _changed(
        self, arguments: Mapping[str, Any], since: datetime, until: datetime
    ) -> Sequence[_Change]:
        tenant = self._world.tenant
        selected = self._selector(arguments)
        changes = [
            _Change(c.id)
            async for c in scan(tenant.contents())
            if since <= c.last_update <= until and selected(c)
        ]
        changes += [
            _Change(last.id, last)
            for gone, last in tenant.removed()
            if since <= aware(gone) <= until and selected(last)
        ]
        if self._world.switches.sync_reports_unlinks:
            changes += [
                _Change(before.id, before)
                for left, before in tenant.unlinked()
                if since <= aware(left) <= until and selected(before)
            ]
        return changes

    def _selector(self, arguments: Mapping[str, Any]) -> Any:
        criteria = part(arguments, "criteria")
        types = {str(one) for one in many(criteria.get("contentType"))}
        tests = list(linked_category_op(part(criteria, "linkedCategoryOp"), self._folders))
        return lambda c: (not types or c.content_type in types) and all(test(c) for test in tests)

    def _folders(self, named: Any) -> frozenset[str]:
        tenant = self._world.tenant
        folder = tenant.folder(str(named["id"]))
        if folder is None:
            return frozenset()
        return tenant.below(folder.id) if named["cascade"] else frozenset({folder.id})

    def _item(self, change: _Change, options: Mapping[str, Any]) -> dict[str, Any] | None:
        world = self._world
        content = change.last or world.tenant.content(change.content_id)
        if content is None:
            return None
        folders = [
            category(world.tenant.folders[one], world)
            for one in linked_categories(content, world)
            if one in world.tenant.folders
        ]
        with_imetadata = bool(options.get("returnImetadata"))
        version = version_summary(content.version)
        return {
            "content": record(content, world, with_imetadata=with_imetadata),
            "linkedCategories": folders if options.get("returnLinkedCategories") else None,
            "thumbUrl": thumb_url(content, world),
            "versionInfo": version if options.get("returnVersionInfo") else None,
            "removed": True if change.removed else None,
        }
