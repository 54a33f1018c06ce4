"""content/search: the primary listing, with its page tokens and estimates (docs/thron.md 4.2)."""

import math
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from proxy.sandbox.content import SimulatedContent
from proxy.sandbox.content_json import search_item
from proxy.sandbox.criteria import search_tests
from proxy.sandbox.envelope import (
    answer,
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

# Listings under way at once; the oldest is forgotten, its token then being as good as expired.
LISTINGS = 64
_DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a page token leads: the rest of a listing that was made once."""

    ids: tuple[str, ...]
    start: int
    total: int
    until_s: float


class SearchApi:
    """The search service and the page tokens it gave out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages: OrderedDict[str, _Page] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        """Return the service with its GET twin."""
        path = "/api/xcontents/resources/content/search/{client}"
        return [web.post(path, self.search), web.get(path, self.search)]

    async def search(self, request: web.Request) -> web.Response:
        """Answer with one page of the contents that the criteria select."""
        world = self._world
        visible = world.visible_to(require_token(request, world))
        require_client(world, request.match_info["client"])
        arguments = await read_arguments(request)
        options = part(arguments, "responseOptions")
        self._require_taken(part(arguments, "criteria"), options)
        size = page_size(
            options.get("resultsPageSize"),
            default=_DEFAULT_PAGE,
            maximum=world.switches.search_largest_asked,
            switches=world.switches,
        )
        size = min(size, world.switches.search_page_maximum)
        token = arguments.get("pageToken")
        page = self._continued(str(token)) if token else await self._started(arguments, visible)
        return answer(request, world, self._fields(page, options, size=size, token=token))

    def _require_taken(self, criteria: Mapping[str, Any], options: Mapping[str, Any]) -> None:
        """Refuse what this tenant does not take (docs/thron.md 4.2)."""
        switches = self._world.switches
        orders = {"sort", "orderBy"} & options.keys()
        if not orders <= set(switches.search_orders):
            raise invalid(f"unknown: {', '.join(sorted(orders))}")
        fields = {str(one) for one in many(options.get("returnDetailsFields"))}
        if fields & set(switches.search_details_refused):
            raise invalid("unknown details")
        ids = [str(one) for one in many(criteria.get("ids"))]
        require_sound(ids, switches)
        if len(ids) > switches.search_most_ids:
            raise invalid(f"at most {switches.search_most_ids} ids")
        if switches.search_unknown_ids_refused and len(self._read(ids)) < len(set(ids)):
            raise invalid("unknown id")

    def _fields(
        self, page: _Page, options: Mapping[str, Any], *, size: int, token: str | None
    ) -> dict[str, Any]:
        world = self._world
        contents = self._read(page.ids[page.start : page.start + size])
        fields = [str(one) for one in many(options.get("returnDetailsFields"))]
        thumbs = [str(one.get("id")) for one in many(options.get("thumbsOptions"))]
        return {
            "items": [
                search_item(content, world, asked_for=fields, thumbs=thumbs) for content in contents
            ],
            "nextPageToken": self._next(page, size=size, token=token),
            "estimatedTotalResults": self._estimate(page.total),
        }

    async def _started(self, arguments: Mapping[str, Any], visible: frozenset[str]) -> _Page:
        world = self._world
        criteria = part(arguments, "criteria")
        rank, falls = _order(part(arguments, "responseOptions"))
        test = search_tests(criteria, self._folders)
        # Only what is sorted by is kept: 100,000 records would weigh too much.
        found: list[tuple[Any, str]] = [
            (rank(content), content.id)
            async for content in scan(self._candidates(criteria))
            if not visible.isdisjoint(content.folder_ids) and test(content)
        ]
        if not found and part(criteria, "imetadata"):
            require_answered(world.switches.unknown_value_as)
        found.sort(reverse=falls)
        ids = tuple(content_id for _, content_id in found)
        return _Page(ids, 0, len(ids), world.now() + world.switches.search_token_life_s)

    def _candidates(self, criteria: Mapping[str, Any]) -> Iterable[SimulatedContent]:
        ids = [str(one) for one in many(criteria.get("ids"))]
        if ids:
            return self._read(ids)
        held = many(part(criteria, "imetadata").get("haveAll"))
        if held:
            key, value = str(held[0].get("key")), str(held[0].get("value"))
            return self._world.tenant.holders(key, value, at=self._known_at)
        return self._world.tenant.contents(at=self._known_at)

    def _continued(self, token: str) -> _Page:
        page = self._pages.get(token)
        if page is None or page.until_s <= self._world.now():
            raise invalid("unknown page token")
        return page

    def _next(self, page: _Page, *, size: int, token: str | None) -> str | None:
        switches = self._world.switches
        start = page.start + size
        if start >= len(page.ids):
            if switches.search_token_repeats:
                return token or self._remember(page)
            return "" if switches.search_last_token_empty else None
        if switches.search_pages_shift:
            # Something was inserted before: the last item of this page comes again.
            start = max(page.start + 1, start - 1)
        return self._remember(_Page(page.ids, start, page.total, page.until_s))

    def _remember(self, page: _Page) -> str:
        token = uuid.uuid4().hex
        self._pages[token] = page
        if len(self._pages) > LISTINGS:
            self._pages.popitem(last=False)
        return token

    def _read(self, ids: Sequence[str]) -> list[SimulatedContent]:
        tenant = self._world.tenant
        found = (tenant.content(one, at=self._known_at) for one in dict.fromkeys(ids))
        return [content for content in found if content is not None]

    @property
    def _known_at(self) -> float:
        return self._world.now() - self._world.switches.search_lag_s

    def _estimate(self, total: int) -> int:
        # Rounded away from the truth: nobody may count on it (docs/thron.md 4.2).
        return max(0, total + math.ceil(total * self._world.switches.search_total_error))

    def _folders(self, named: Any) -> frozenset[str]:
        tenant = self._world.tenant
        folder_id = str(named.get("id")) if isinstance(named, Mapping) else str(named)
        if self._world.switches.search_by_folder_pretty_id:
            folder = tenant.folder(folder_id)
            folder_id = folder.id if folder else folder_id
        cascade = isinstance(named, Mapping) and bool(named.get("cascade"))
        return tenant.below(folder_id) if cascade else frozenset({folder_id})


def _order(options: Mapping[str, Any]) -> tuple[Callable[[SimulatedContent], Any], bool]:
    """Return what to sort by, and whether it falls; unasked, an order that means nothing."""
    name, _, way = str(options.get("orderBy", "")).rpartition("_")
    if name in _RANKS:
        return _RANKS[name], way == "d"
    order: Mapping[str, Any] = next(iter(many(options.get("sort"))), {})
    for name, rank in _RANKS.items():
        if name in order:
            return rank, part(order, name).get("order") == "desc"
    return _unspecified, False


def _unspecified(content: SimulatedContent) -> str:
    return content.id[::-1]


_RANKS: Mapping[str, Callable[[SimulatedContent], Any]] = {
    "lastUpdate": lambda content: content.last_update,
    "creationDate": lambda content: content.creation_date,
    "name": lambda content: content.title.lower(),
}
