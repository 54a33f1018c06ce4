"""A connector's summary table: every content, its addresses, and how they stand."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import quote, urlencode

from aiohttp import web
from pydantic import Field

from proxy.admin.auth.request_context import CONTEXT, keep
from proxy.admin.connector_lookup import connector_here, line_urls
from proxy.admin.urls_query import NO_LANGUAGE, Order, UrlsQuery
from proxy.admin.web import content_labels as words
from proxy.admin.web import forms, pages
from proxy.admin.web.navigation import local
from proxy.admin.web.pagination import near
from proxy.admin.web.rendering import render, see_other
from proxy.admin.web.table_view import SIZES, TABLE_COOKIE, USUAL, Column, TableView, view_of
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.catalogue.url_rows import Sort, Tally, UrlRow
from proxy.clock import utc_now
from proxy.connectors.identifiers import strategy
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.link_check.store import LinkCheckStore
from proxy.settings import Settings

# Collisions named above the table; the filter shows the others.
_NAMED = 5
# What somebody has to look after, in this order.
_PROBLEMS = (
    AddressStatus.COLLISION,
    AddressStatus.NO_IDENTIFIER,
    AddressStatus.NOT_ADDRESSABLE,
    AddressStatus.UNPUBLISHED,
)


@dataclass(frozen=True, slots=True)
class ColumnHeader:
    """The header of a column that can be sorted by.

    Attributes:
        href: Sorts by it; where that is so already, the other way round.
        direction: ``ascending``, ``descending`` or None, as aria-sort has it.
    """

    href: str
    direction: str | None


class ChosenView(TableView):
    """The form of the view, and the page to come back to."""

    columns: frozenset[Column] = frozenset()
    names: bool = False
    back: Annotated[str, Field(max_length=4096)] = "/"


@dataclass(frozen=True, slots=True)
class ContentsPages:
    """The summary table."""

    settings: Settings
    watch: ConnectorWatch
    sync: Sync
    contents: Contents
    links: LinkCheckStore
    now: Callable[[], datetime] = utc_now

    @pages.get("/connectors/{slug}")
    async def show(self, request: web.Request) -> web.Response:
        """Show a page of the table."""
        connector = connector_here(self.watch, request)
        view = view_of(request)
        query = UrlsQuery.lenient(request.query, names=view.names, size=view.size)
        path = f"/connectors/{connector.slug}"
        page, tally, sync, link_problems = await asyncio.gather(
            self.contents.page(
                connector,
                query.selection,
                sort=query.sort,
                descending=query.is_descending,
                offset=query.offset,
                limit=query.size,
            ),
            self.contents.tally(connector),
            self.sync.state(connector.slug),
            self.links.problems(connector),
        )
        collided = tally.by_status[AddressStatus.COLLISION]
        return render(
            request,
            "contents.html",
            connector=connector,
            path=path,
            is_guessed=self.settings.is_public_url_guessed,
            query=query,
            view=view,
            columns=_possible(connector),
            usual=USUAL,
            page_=page,
            last=max(1, -(-page.total // query.size)),
            tally=tally,
            problems=_problems(tally),
            sync=sync,
            age=self.now() - sync.last_ok if sync.last_ok is not None else None,
            link_problems=link_problems,
            collisions=await self.contents.collisions(connector, limit=_NAMED) if collided else (),
            urls=line_urls(self.settings, connector, is_named=query.names),
            plain=line_urls(self.settings, connector, is_named=False),
            export=f"/api{path}/urls/export",
            exported=_exported(query),
            heads={sort: _head(query, sort, path) for sort in Sort},
            words=words,
            near=near,
            no_language=NO_LANGUAGE,
            sizes=SIZES,
            content_path=lambda line: content_path(connector.slug, line),
        )

    @pages.post("/connectors/{slug}/read")
    async def read(self, request: web.Request) -> web.Response:
        """Have the folder read now, whoever is due for it."""
        connector = connector_here(self.watch, request)
        await self.sync.request(connector.slug)
        back = (await request.post()).get("back", "")
        return see_other(local(str(back) or f"/connectors/{connector.slug}"))

    @pages.post("/preferences/table")
    async def choose(self, request: web.Request) -> web.Response:
        """Keep how the table is liked, and go back to it."""
        form = forms.read(await request.post(), ChosenView)
        if form.value is None:
            raise web.HTTPBadRequest
        response = see_other(local(form.value.back))
        is_secure = request[CONTEXT].is_secure
        keep(response, TABLE_COOKIE, form.value.cookie, is_secure=is_secure)
        return response


def content_path(slug: str, line: UrlRow) -> str:
    """Return the address of a content's page."""
    return f"/connectors/{slug}/contents/{quote(line.content_id, safe='')}"


def _possible(connector: Connector) -> Sequence[Column]:
    """Return the columns that a connector's table can have, in their order."""
    has_language = strategy(connector).has_language
    return [each for each in Column if has_language or each is not Column.LANGUAGE]


def _problems(tally: Tally) -> Sequence[tuple[AddressStatus, int]]:
    counted = [(each, tally.by_status[each]) for each in _PROBLEMS]
    return [(status, number) for status, number in counted if number]


def _exported(query: UrlsQuery) -> str:
    """Return the query of an export of all that a page's query selects."""
    chosen = query.pairs(without=("page", "size", "names"))
    return urlencode([*chosen, ("names", "on" if query.names else "off")])


def _head(query: UrlsQuery, sort: Sort, path: str) -> ColumnHeader:
    is_here = query.sort is sort
    order = Order.DOWN if is_here and not query.is_descending else Order.UP
    direction = ("descending" if query.is_descending else "ascending") if is_here else None
    return ColumnHeader(query.href(path, sort=sort, order=order), direction)
