"""A connector's summary table: every content, its addresses, and how they stand."""

import asyncio
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from proxy.admin.connector_lookup import connector_here, line_urls
from proxy.admin.urls_query import NO_LANGUAGE, Order, UrlsQuery
from proxy.admin.web import content_labels as words
from proxy.admin.web import pages
from proxy.admin.web.pagination import near
from proxy.admin.web.rendering import render
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.catalogue.url_rows import Sort, UrlRow
from proxy.connectors import addresses as paths
from proxy.connectors.identifiers import strategy
from proxy.connectors.watch import ConnectorWatch
from proxy.link_check.store import LinkCheckStore
from proxy.settings import Settings

# Collisions told above the table; the filter shows the others.
_TOLD = 5
_SIZES = (25, 50)


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a column that can be sorted by.

    Attributes:
        href: Sorts by it; where that is so already, the other way round.
        direction: ``ascending``, ``descending`` or None, as aria-sort has it.
    """

    href: str
    direction: str | None


@dataclass(frozen=True, slots=True)
class ContentsPages:
    """The summary table."""

    settings: Settings
    watch: ConnectorWatch
    sync: Sync
    contents: Contents
    links: LinkCheckStore

    @pages.get("/connectors/{slug}")
    async def show(self, request: web.Request) -> web.Response:
        """Show a page of the table."""
        connector = connector_here(self.watch, request)
        query = UrlsQuery.lenient(request.query)
        path = f"/connectors/{connector.slug}"
        page, tally, sync, problems = await asyncio.gather(
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
            pattern=paths.illustrative(
                line_urls(self.settings, connector, is_named=False).base, connector
            ),
            is_guessed=self.settings.is_public_url_guessed,
            query=query,
            page_=page,
            last=max(1, -(-page.total // query.size)),
            tally=tally,
            has_language=strategy(connector).has_language,
            sync=sync,
            link_problems=problems,
            collisions=await self.contents.collisions(connector, limit=_TOLD) if collided else (),
            urls=line_urls(self.settings, connector, is_named=query.names),
            heads={sort: _head(query, sort, path) for sort in Sort},
            words=words,
            near=near,
            statuses=[each for each in words.STATUSES if each is not AddressStatus.REMOVED],
            removed=AddressStatus.REMOVED,
            no_language=NO_LANGUAGE,
            sizes=_SIZES,
            content_path=lambda line: content_path(connector.slug, line),
        )


def content_path(slug: str, line: UrlRow) -> str:
    """Return the address of a content's page."""
    return f"/connectors/{slug}/contents/{quote(line.content_id, safe='')}"


def _head(query: UrlsQuery, sort: Sort, path: str) -> Head:
    is_here = query.sort is sort
    order = Order.DOWN if is_here and not query.is_descending else Order.UP
    direction = ("descending" if query.is_descending else "ascending") if is_here else None
    return Head(query.href(path, sort=sort, order=order), direction)
