"""One content of a connector: its addresses, ready lines to paste, facts, and whether it works."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from proxy.admin.auth.request_context import CALLER
from proxy.admin.connector_lookup import connector_here, line_urls
from proxy.admin.content_actions import ContentActions
from proxy.admin.web import content_labels as words
from proxy.admin.web import pages, qr, thumbnails
from proxy.admin.web.rendering import render, see_other
from proxy.admin.web.snippets import mail, snippets
from proxy.admin.web.table_view import view_of
from proxy.catalogue.queries import Contents
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import CataloguedContent, UrlRow
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.link_check.store import LinkCheckStore
from proxy.settings import Settings
from proxy.tenant import TenantConnection

_PATH = "/connectors/{slug}/contents/{id}"
_AN_HOUR = "private, max-age=3600"


@dataclass(frozen=True, slots=True)
class AddressedContent:
    """A content, and which of its lines a page is about.

    Attributes:
        line: That was asked for, else the first that leads to the content; None where no line
            is an address.
    """

    connector: Connector
    found: CataloguedContent
    urls: RowUrls
    line: UrlRow | None

    @property
    def url(self) -> str | None:
        """The line's URL."""
        return self.urls.of(self.line) if self.line is not None else None

    @property
    def link(self) -> str | None:
        """The same, where it leads to this content: nothing else is given to paste or to print."""
        return self.url if self.line is not None and self.line.serves else None


@dataclass(frozen=True, slots=True)
class ContentPages:
    """One content."""

    settings: Settings
    connection: TenantConnection
    watch: ConnectorWatch
    contents: Contents
    actions: ContentActions
    links: LinkCheckStore

    @pages.get(_PATH)
    async def show(self, request: web.Request) -> web.Response:
        """Show the page; with ``?explain`` also the way of the chosen URL, step by step."""
        here = await self._here(request)
        await self.actions.note_version(here.found.content.id)
        here = await self._here(request)
        content, line = here.found.content, here.line
        serving = line
        if line is not None and not line.serves:
            serving = await self.contents.served_at(here.connector, line)
        is_asked = "explain" in request.query and here.url is not None
        steps = await self.actions.explained(here.url) if is_asked and here.url is not None else ()
        shown = line or next(iter(here.found.lines), None)
        title = (shown.title if shown is not None else "") or content.file_name or content.id
        names = "on" if here.urls.is_named else "off"
        return render(
            request,
            "content.html",
            connector=here.connector,
            path=f"/connectors/{here.connector.slug}",
            here=_path(here),
            found=here.found,
            content=content,
            title=title,
            # No markup isolates it there: what turns text around would turn the rest too.
            tab_title="".join(each for each in title if each.isprintable())[:80],
            line=line,
            url=here.url,
            urls=here.urls,
            serving=serving,
            serving_path=_path_of(here.connector, serving.content_id) if serving else None,
            problems=await self.links.problems(here.connector),
            snippets=snippets(here.link, title, content.content_type) if here.link else (),
            mail=mail(here.link, title) if here.link else None,
            is_codable=here.link is not None and qr.is_codable(here.link),
            steps=steps,
            results=await self.links.of_content(here.connector, content.id),
            words=words,
            choice=f"line={line.number}&names={names}" if line is not None else "",
            is_forgotten="forgotten" in request.query,
        )

    @pages.get(_PATH + "/thumbnail")
    async def thumbnail(self, request: web.Request) -> web.Response:
        """Answer THRON's thumbnail, so that no browser asks another host; else an icon."""
        here = await self._here(request)
        content = here.found.content
        picture = None
        if self.connection.tenant is not None and here.found.removed_at is None:
            picture = await thumbnails.fetched(self.connection.tenant, content)
        if picture is None:
            return web.Response(
                body=thumbnails.icon(content.content_type),
                content_type="image/svg+xml",
                headers={"Cache-Control": "private, max-age=60"},
            )
        return web.Response(
            body=picture.octets,
            content_type=picture.media_type,
            headers={"Cache-Control": _AN_HOUR},
        )

    @pages.get(_PATH + "/qr.{form:svg|png}")
    async def code(self, request: web.Request) -> web.Response:
        """Answer the QR code of a line's URL, as SVG to show or as PNG to save."""
        here = await self._here(request)
        if here.link is None or not qr.is_codable(here.link):
            raise web.HTTPNotFound
        fields = {"Cache-Control": "private, no-cache"}
        if request.match_info["form"] == "svg":
            body, kind = qr.svg(here.link), "image/svg+xml"
        else:
            body, kind = qr.png(here.link), "image/png"
        if "save" in request.query:
            name = f"{here.connector.slug}-qr.{request.match_info['form']}"
            fields["Content-Disposition"] = f'attachment; filename="{name}"'
        return web.Response(body=body, content_type=kind, headers=fields)

    @pages.post(_PATH + "/forget")
    async def forget_it(self, request: web.Request) -> web.Response:
        """Let every process forget what it knows of the content, and ask THRON anew."""
        here = await self._here(request)
        await self.actions.forget(here.found.content.id, actor=request[CALLER].actor)
        return see_other(f"{_path(here)}?forgotten")

    async def _here(self, request: web.Request) -> AddressedContent:
        connector = connector_here(self.watch, request)
        found = await self.contents.content(connector, request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        # As in the table, unless this page was asked otherwise.
        names = request.query.get("names", "on" if view_of(request).names else "off")
        urls = line_urls(self.settings, connector, is_named=names == "on")
        return AddressedContent(
            connector, found, urls, chosen(found.lines, urls, request.query.get("line", ""))
        )


def chosen(lines: Sequence[UrlRow], urls: RowUrls, number: str) -> UrlRow | None:
    """Return the line that is asked for by its number, else the first that leads to the content."""
    possible = [each for each in lines if urls.of(each) is not None]
    asked = [each for each in possible if str(each.number) == number]
    serving = [each for each in possible if each.serves]
    return next(iter([*asked, *serving, *possible]), None)


def _path(here: AddressedContent) -> str:
    return _path_of(here.connector, here.found.content.id)


def _path_of(connector: Connector, content_id: str) -> str:
    return f"/connectors/{connector.slug}/contents/{quote(content_id, safe='')}"
