"""Every URL that a change of a connector would break, and what takes its place: paged, and as CSV.

The change stands in the address: the fields of the form that somebody is about to save.
"""

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from proxy.admin.validation import lenient
from proxy.admin.web import forms, pages
from proxy.admin.web.connector_fields import AllFields
from proxy.admin.web.connector_labels import NAMES
from proxy.admin.web.rendering import render
from proxy.catalogue.export import BYTE_ORDER_MARK, escape_formula
from proxy.connectors.changes import BrokenUrl, Impact
from proxy.connectors.model import Connector
from proxy.connectors.service import ConnectorService
from proxy.connectors.store import ConnectorStore
from proxy.link_check.store import LinkCheckStore

_WAIT_S = 6.0
_SIZE = 25
_COLUMNS = ("old_url", "new_url", "title", "type", "reason")
_PIECE = 32 * 1024


class BreaksQuery(BaseModel):
    """Which page of them, and whether of a removal."""

    model_config = ConfigDict(frozen=True)

    removal: bool = False
    page: int = Field(1, ge=1, le=1_000_000)


@dataclass(frozen=True, slots=True)
class ConnectorBreaksPages:
    """The list before a change is saved."""

    store: ConnectorStore
    service: ConnectorService
    links: LinkCheckStore

    @pages.get("/connectors/{slug}/breaks")
    async def show(self, request: web.Request) -> web.Response:
        """Show a page of the list."""
        connector = await self._connector(request)
        query = lenient(BreaksQuery, request.query)
        found = await self._impact(request, connector, query)
        last = max(1, -(-found.broken.total // _SIZE))
        page = min(query.page, last)
        first = (page - 1) * _SIZE
        change = urlencode([each for each in request.query.items() if each[0] != "page"])
        path = f"/connectors/{connector.slug}/breaks"
        return render(
            request,
            "connector_breaks.html",
            **NAMES,
            connector=connector,
            problems=await self.links.problems(connector),
            shown=await self.service.broken_page(found, first=first, limit=_SIZE),
            first=first,
            total=found.broken.total,
            export=f"{path}.csv?{change}",
            newer=f"{path}?{change}&page={page - 1}" if page > 1 else None,
            older=f"{path}?{change}&page={page + 1}" if page < last else None,
        )

    @pages.get("/connectors/{slug}/breaks.csv")
    async def export(self, request: web.Request) -> web.StreamResponse:
        """Send the whole list, old URL and new."""
        connector = await self._connector(request)
        found = await self._impact(request, connector, lenient(BreaksQuery, request.query))
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8; header=present",
                "Content-Disposition": f'attachment; filename="{connector.slug}-broken-urls.csv"',
                "Cache-Control": "no-store",
            }
        )
        await response.prepare(request)
        async for piece in _pieces(self.service.each_broken_url(found)):
            await response.write(piece)
        await response.write_eof()
        return response

    async def _connector(self, request: web.Request) -> Connector:
        found = (await self.store.read()).of_slug(request.match_info["slug"])
        if found is None:
            raise web.HTTPNotFound
        return found

    async def _impact(
        self, request: web.Request, connector: Connector, query: BreaksQuery
    ) -> Impact:
        wanted = None
        if not query.removal:
            form = forms.read(request.query, AllFields)
            if form.value is None:
                raise web.HTTPBadRequest
            wanted = form.value.connector(connector).model_copy(update={"slug": connector.slug})
        return await self.service.plan_once(connector, wanted, at_most_s=_WAIT_S)


async def _pieces(found: AsyncIterator[BrokenUrl]) -> AsyncIterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    yield BYTE_ORDER_MARK
    async for each in found:
        cells = (each.url, each.new_url or "", each.title, each.content_type, each.reason.value)
        writer.writerow([escape_formula(cell) for cell in cells])
        if text.tell() >= _PIECE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    yield text.getvalue().encode()
