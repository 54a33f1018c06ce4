"""The summary table of a connector: page by page, and whole as CSV, JSON or text."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import structlog
from aiohttp import web
from pydantic import BeforeValidator, Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.connector_lookup import connector_of, line_urls
from proxy.admin.urls_query import LinesQuery, UrlsQuery, several
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.export import MEDIA_TYPES, Format, exported
from proxy.catalogue.queries import Contents
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import Tally, UrlRow
from proxy.connectors.store import ConnectorWatch
from proxy.errors import DatabaseFailed
from proxy.settings import Settings
from proxy.thron.content import Publication

log = structlog.get_logger("proxy.admin")

_LARGEST = 200
# As many as stand on the largest page of the console's; their numbers fit into a URL.
_LARGEST_SELECTION = 250
_TAG = "Contents"


class UrlLine(Model):
    """One address of one content, or a content without an address."""

    number: int = Field(description="identifies the row as long as it exists")
    content_id: str
    content_type: str
    title: str
    language: str | None
    identifier: str | None
    url: str | None = Field(description="null: the row has no URL")
    status: AddressStatus
    serves: bool = Field(description="whether the URL leads to this content")
    is_fragile: bool = Field(description="whether proxies that decode %2F break the URL")
    since: datetime
    updated: datetime | None
    file_name: str | None
    hidden: Publication | None = Field(description="why, where the status is unpublished")
    is_shortened: bool = Field(description="whether the language is en where THRON has en_US")
    media_type: str | None = Field(description="of the file as last served; null: not known yet")
    size: int | None = Field(description="in bytes, of the file as last served")
    modified: datetime | None = Field(description="date of the version that was last served")


class UrlPage(Model):
    """Some lines."""

    items: tuple[UrlLine, ...]
    total: int = Field(description="rows of the selection")
    page: int
    size: int


class UrlCollision(Model):
    """An address that several contents claim; the first of them has it, if any does."""

    language: str | None
    value: str
    items: tuple[UrlLine, ...]


class CollisionsQuery(Model):
    """Which of them."""

    page: int = Field(1, ge=1, le=1_000_000)
    size: int = Field(50, ge=1, le=_LARGEST)


class CollisionPage(Model):
    """Some collisions, in the order of their values."""

    items: tuple[UrlCollision, ...]
    page: int
    size: int


class ExportQuery(LinesQuery):
    """Which lines, and as what."""

    number: Annotated[frozenset[int], BeforeValidator(several)] = Field(
        frozenset(), max_length=_LARGEST_SELECTION, description="only these rows"
    )
    format: Format = Format.CSV
    bom: bool = Field(default=False, description="whether CSV begins with a byte order mark")


@dataclass(frozen=True, slots=True)
class UrlsApi:
    """Reads the summary table."""

    settings: Settings
    watch: ConnectorWatch
    contents: Contents

    @operation("GET", "/api/connectors/{slug}/urls", tag=_TAG, problems=(404,))
    async def list_urls(self, slug: str, query: UrlsQuery) -> UrlPage:
        """List the addresses of a connector's contents, page by page."""
        connector = connector_of(self.watch, slug)
        found = await self.contents.page(
            connector,
            query.selection,
            sort=query.sort,
            descending=query.is_descending,
            offset=query.offset,
            limit=query.size,
        )
        urls = line_urls(self.settings, connector, is_named=query.names)
        items = tuple(url_line(each, urls) for each in found.lines)
        return UrlPage(items=items, total=found.total, page=query.page, size=query.size)

    @operation("GET", "/api/connectors/{slug}/urls/count", tag=_TAG, problems=(404,))
    async def count_urls(self, slug: str) -> Tally:
        """Count a connector's contents and addresses."""
        return await self.contents.tally(connector_of(self.watch, slug))

    @operation(
        "GET",
        "/api/connectors/{slug}/urls/export",
        tag=_TAG,
        media_type="text/csv",
        problems=(404,),
    )
    async def export_urls(
        self, slug: str, query: ExportQuery, request: web.Request
    ) -> web.StreamResponse:
        """Export all addresses of a selection as CSV, JSON or plain URLs, streamed.

        In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe. JSON
        is one array; txt has the URLs that lead to a content, one a line.
        """
        connector = connector_of(self.watch, slug)
        selection = replace(query.selection, numbers=query.number)
        batches = self.contents.batches(
            connector, selection, sort=query.sort, descending=query.is_descending
        )
        urls = line_urls(self.settings, connector, is_named=query.names)
        pieces = exported(batches, urls, query.format, is_marked=query.bom)
        first = await anext(pieces, b"")  # a database that does not answer is still told as such
        response = web.StreamResponse(
            headers={
                "Content-Type": MEDIA_TYPES[query.format],
                "Content-Disposition": f'attachment; filename="{connector.slug}.{query.format}"',
                "Cache-Control": "no-store",
            }
        )
        response.enable_compression()
        await response.prepare(request)
        await response.write(first)
        try:
            async for piece in pieces:
                await response.write(piece)
        except DatabaseFailed as exc:
            # The client must see that the export is not whole.
            log.warning("export broke off", reason=str(exc))
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof()
        return response

    @operation("GET", "/api/connectors/{slug}/collisions", tag=_TAG, problems=(404,))
    async def list_collisions(self, slug: str, query: CollisionsQuery) -> CollisionPage:
        """List addresses that several contents claim."""
        connector = connector_of(self.watch, slug)
        found = await self.contents.collisions(
            connector, offset=(query.page - 1) * query.size, limit=query.size
        )
        urls = line_urls(self.settings, connector, is_named=False)
        items = tuple(
            UrlCollision(
                language=each.language,
                value=each.value,
                items=tuple(url_line(line, urls) for line in each.lines),
            )
            for each in found
        )
        return CollisionPage(items=items, page=query.page, size=query.size)


def url_line(line: UrlRow, urls: RowUrls) -> UrlLine:
    """Return a line as the API gives it."""
    alike = {name: getattr(line, name) for name in UrlLine.model_fields if hasattr(line, name)}
    return UrlLine(**alike, identifier=line.value, url=urls.of(line))
