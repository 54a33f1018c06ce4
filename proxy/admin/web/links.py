"""The link check of a connector: what came of every URL, problems first, and a run to try them."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web
from pydantic import BaseModel, Field

from proxy.admin.connector_lookup import connector_here, line_urls
from proxy.admin.link_query import LinksQuery
from proxy.admin.web import content_labels as words
from proxy.admin.web import forms, pages
from proxy.admin.web.navigation import local
from proxy.admin.web.pagination import near
from proxy.admin.web.rendering import render, see_other
from proxy.catalogue.queries import Contents
from proxy.catalogue.url_rows import Selection
from proxy.connectors.store import ConnectorWatch
from proxy.link_check.results import LinkStatus, Scope
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import CheckRunning, LinkCheckStore
from proxy.settings import Settings
from proxy.tenant import TenantConnection

_SIZES = (50,)


class Start(BaseModel):
    """The buttons that begin a run."""

    scope: Scope = Scope.ALL


class Retry(BaseModel):
    """The button that tries one line."""

    line: int = Field(ge=1, le=2**31 - 1)
    back: str = Field("", max_length=4096)


@dataclass(frozen=True, slots=True)
class LinksPages:
    """The link check."""

    settings: Settings
    connection: TenantConnection
    watch: ConnectorWatch
    contents: Contents
    store: LinkCheckStore
    checker: LinkChecker

    @pages.get("/connectors/{slug}/links")
    async def show(self, request: web.Request) -> web.Response:
        """Show the page."""
        connector = connector_here(self.watch, request)
        tally = await self.store.tally(connector)
        first = LinkStatus.WORKING if tally.working else LinkStatus.UNTRIED
        otherwise = LinkStatus.PROBLEMS if tally.problems else first
        query = LinksQuery.lenient(request.query, otherwise=otherwise)
        path = f"/connectors/{connector.slug}"
        page = await self.store.page(
            connector, query.show, search=query.q, offset=query.offset, limit=query.size
        )
        return render(
            request,
            "links.html",
            connector=connector,
            path=path,
            here=f"{path}/links",
            is_guessed=self.settings.is_public_url_guessed,
            query=query,
            check=await self.store.last(connector.slug),
            tally=tally,
            page_=page,
            last=max(1, -(-page.total // query.size)),
            sizes=_SIZES,
            urls=line_urls(self.settings, connector, is_named=False),
            shown=list(LinkStatus),
            words=words,
            near=near,
            is_connected=self.connection.tenant is not None,
            content_path=lambda line: f"{path}/contents/{quote(line.content_id, safe='')}",
        )

    @pages.post("/connectors/{slug}/links/check")
    async def start(self, request: web.Request) -> web.Response:
        """Begin a run, unless one runs."""
        connector = connector_here(self.watch, request)
        form = forms.read(await request.post(), Start)
        if form.value is None:
            raise web.HTTPBadRequest
        if connector.enabled:
            with suppress(
                CheckRunning
            ):  # twice pressed, or by somebody else: the page shows the run
                await self.checker.start(connector, scope=form.value.scope)
        return see_other(f"/connectors/{connector.slug}/links")

    @pages.post("/connectors/{slug}/links/stop")
    async def stop(self, request: web.Request) -> web.Response:
        """End the run."""
        connector = connector_here(self.watch, request)
        await self.checker.stop(connector.slug)
        return see_other(f"/connectors/{connector.slug}/links")

    @pages.post("/connectors/{slug}/links/retry")
    async def retry(self, request: web.Request) -> web.Response:
        """Try one line at once."""
        connector = connector_here(self.watch, request)
        form = forms.read(await request.post(), Retry)
        if form.value is None:
            raise web.HTTPBadRequest
        only = Selection(numbers=frozenset({form.value.line}))
        page = await self.contents.page(connector, only, limit=1)
        for line in page.lines:
            if line.serves and connector.enabled:
                await self.checker.retry(connector, line)
        return see_other(local(form.value.back or f"/connectors/{connector.slug}/links"))
