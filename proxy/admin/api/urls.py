"""The summary table of a connector: page by page, and whole as CSV, JSON or text."""

from datetime import datetime

import structlog
from aiohttp import web
from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.served import connector_of, line_urls
from proxy.admin.urls_query import LinesQuery, UrlsQuery
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.export import MEDIA_TYPES, Format, exported
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import UrlRow
from proxy.errors import DatabaseFailed
from proxy.thron.content import Publication

log = structlog.get_logger("proxy.admin")

_LARGEST = 200


class UrlLine(Model):
    """One address of one content, or the lack of one."""

    number: int = Field(description="names the line as long as it exists")
    content_id: str
    content_type: str
    title: str
    language: str | None
    identifier: str | None
    url: str | None = Field(description="null: none can be made of it")
    status: AddressStatus
    serves: bool = Field(description="whether the URL leads to this content")
    is_fragile: bool = Field(description="whether fronts that decode %2F break the URL")
    since: datetime
    updated: datetime | None
    file_name: str | None
    hidden: Publication | None = Field(description="why, where the status is unpublished")
    is_shortened: bool = Field(description="whether the language is en where THRON has en_US")


class UrlPage(Model):
    """Some lines."""

    items: tuple[UrlLine, ...]
    total: int = Field(description="lines of the selection")
    page: int
    size: int


class UrlTally(Model):
    """How many there are."""

    contents: int
    lines: int
    removed: int = Field(description="lines of contents that left the folder")
    by_status: dict[AddressStatus, int]
    by_type: dict[str, int] = Field(description="contents")
    by_language: dict[str, int]


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

    format: Format = Format.CSV
    bom: bool = Field(default=False, description="whether CSV begins with a byte order mark")


async def list_urls(call: Call[UrlsQuery, Nothing]) -> UrlPage:
    """List a page."""
    query, connector = call.query, connector_of(call.console, call.path["slug"])
    found = await call.console.contents.page(
        connector,
        query.selection,
        sort=query.sort,
        descending=query.is_descending,
        offset=query.offset,
        limit=query.size,
    )
    urls = line_urls(call.console, connector, is_named=query.names)
    items = tuple(url_line(each, urls) for each in found.lines)
    return UrlPage(items=items, total=found.total, page=query.page, size=query.size)


async def count_urls(call: Call[Nothing, Nothing]) -> UrlTally:
    """Count."""
    connector = connector_of(call.console, call.path["slug"])
    tally = await call.console.contents.tally(connector)
    return UrlTally(
        contents=tally.contents,
        lines=tally.lines,
        removed=tally.removed,
        by_status=dict(tally.by_status),
        by_type=dict(tally.by_type),
        by_language=dict(tally.by_language),
    )


async def list_collisions(call: Call[CollisionsQuery, Nothing]) -> CollisionPage:
    """List a page."""
    query, connector = call.query, connector_of(call.console, call.path["slug"])
    found = await call.console.contents.collisions(
        connector, offset=(query.page - 1) * query.size, limit=query.size
    )
    urls = line_urls(call.console, connector, is_named=False)
    items = tuple(
        UrlCollision(
            language=each.language,
            value=each.value,
            items=tuple(url_line(line, urls) for line in each.lines),
        )
        for each in found
    )
    return CollisionPage(items=items, page=query.page, size=query.size)


async def export_urls(call: Call[ExportQuery, Nothing]) -> web.StreamResponse:
    """Stream all lines of a selection, few at a time in memory."""
    query, connector = call.query, connector_of(call.console, call.path["slug"])
    lines = call.console.contents.each(
        connector, query.selection, sort=query.sort, descending=query.is_descending
    )
    urls = line_urls(call.console, connector, is_named=query.names)
    pieces = exported(lines, urls, query.format, is_marked=query.bom)
    first = await anext(pieces, b"")  # a database that does not answer is still told as such
    response = web.StreamResponse(
        headers={
            "Content-Type": MEDIA_TYPES[query.format],
            "Content-Disposition": f'attachment; filename="{connector.slug}.{query.format}"',
            "Cache-Control": "no-store",
        }
    )
    response.enable_compression()
    await response.prepare(call.request)
    await response.write(first)
    try:
        async for piece in pieces:
            await response.write(piece)
    except DatabaseFailed as exc:
        _break_off(call.request, exc)
        return response
    await response.write_eof()
    return response


def _break_off(request: web.Request, failure: DatabaseFailed) -> None:
    """Let the client see that an export is not whole."""
    log.warning("export broke off", reason=str(failure))
    if request.transport is not None:
        request.transport.abort()


def url_line(line: UrlRow, urls: RowUrls) -> UrlLine:
    """Return a line as the API gives it."""
    return UrlLine(
        number=line.number,
        content_id=line.content_id,
        content_type=line.content_type,
        title=line.title,
        language=line.language,
        identifier=line.value,
        url=urls.of(line),
        status=line.status,
        serves=line.serves,
        is_fragile=line.is_fragile,
        since=line.since,
        updated=line.updated,
        file_name=line.file_name,
        hidden=line.hidden,
        is_shortened=line.is_shortened,
    )


OPERATIONS = (
    Operation(
        "GET",
        "/api/connectors/{slug}/urls",
        name="listUrls",
        tag="Contents",
        summary="List the addresses of a connector's contents, page by page.",
        handler=list_urls,
        query=UrlsQuery,
        content=Nothing,
        answer=UrlPage,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/api/connectors/{slug}/urls/count",
        name="countUrls",
        tag="Contents",
        summary="Count a connector's contents and addresses.",
        handler=count_urls,
        query=Nothing,
        content=Nothing,
        answer=UrlTally,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/api/connectors/{slug}/urls/export",
        name="exportUrls",
        tag="Contents",
        summary="Give all addresses of a selection as CSV, JSON or plain URLs, streamed.",
        handler=export_urls,
        query=ExportQuery,
        content=Nothing,
        media_type="text/csv",
        problems=(404,),
        description="In CSV, cells that a spreadsheet would take for a formula begin with an"
        " apostrophe. JSON is one array; txt has the URLs that lead to a content, one a line.",
    ),
    Operation(
        "GET",
        "/api/connectors/{slug}/collisions",
        name="listCollisions",
        tag="Contents",
        summary="List addresses that several contents claim.",
        handler=list_collisions,
        query=CollisionsQuery,
        content=Nothing,
        answer=CollisionPage,
        problems=(404,),
    ),
)
