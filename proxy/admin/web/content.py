"""One content of a connector: its addresses, ready lines to paste, facts, and whether it works."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from aiohttp import web

from proxy.admin.auth.caller import CALLER
from proxy.admin.content_actions import explained, forget, note_version
from proxy.admin.link_checks import LINK_CHECKS
from proxy.admin.parts import CONSOLE
from proxy.admin.served import connector_here, line_urls
from proxy.admin.web import content_labels as words
from proxy.admin.web import qr, thumbnails
from proxy.admin.web.rendering import render, see_other
from proxy.admin.web.snippets import mail, snippets
from proxy.catalogue.row_urls import RowUrls
from proxy.catalogue.url_rows import Catalogued, UrlRow
from proxy.connectors.model import Connector

_PATH = "/connectors/{slug}/contents/{id}"
_AN_HOUR = "private, max-age=3600"


@dataclass(frozen=True, slots=True)
class _Here:
    """A content, and which of its lines a page is about.

    Attributes:
        line: That was asked for, else the first that leads to the content; None where no line
            is an address.
    """

    connector: Connector
    found: Catalogued
    urls: RowUrls
    line: UrlRow | None

    @property
    def url(self) -> str | None:
        """The line's URL."""
        return self.urls.of(self.line) if self.line is not None else None


async def show(request: web.Request) -> web.Response:
    """Show the page; with ``?explain`` also the way of the chosen URL, step by step."""
    console, here = request.app[CONSOLE], await _here(request)
    await note_version(console, here.found.content.id)
    here = await _here(request)
    content, line = here.found.content, here.line
    is_asked = "explain" in request.query and here.url is not None
    steps = await explained(console, here.url) if is_asked and here.url is not None else ()
    title = _title(here)
    return render(
        request,
        "content.html",
        connector=here.connector,
        path=f"/connectors/{here.connector.slug}",
        here=_path(here),
        found=here.found,
        content=content,
        title=title,
        line=line,
        url=here.url,
        urls=here.urls,
        snippets=snippets(here.url, title, content.content_type) if here.url else (),
        mail=mail(here.url, title) if here.url else None,
        is_codable=here.url is not None and qr.is_codable(here.url),
        steps=steps,
        results=await request.app[LINK_CHECKS].store.of_content(here.connector, content.id),
        words=words,
        choice=_choice(here),
        is_forgotten="forgotten" in request.query,
    )


async def thumbnail(request: web.Request) -> web.Response:
    """Answer THRON's thumbnail from here, so that no browser asks another host; else an icon."""
    console, here = request.app[CONSOLE], await _here(request)
    content = here.found.content
    picture = None
    if console.parts.tenant is not None and here.found.removed_at is None:
        picture = await thumbnails.fetched(console.parts.tenant, content)
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


async def code(request: web.Request) -> web.Response:
    """Answer the QR code of a line's URL, as SVG to show or as PNG to save."""
    here = await _here(request)
    if here.url is None or not qr.is_codable(here.url):
        raise web.HTTPNotFound
    fields = {"Cache-Control": "private, no-cache"}
    if request.match_info["form"] == "svg":
        body, kind = qr.svg(here.url), "image/svg+xml"
    else:
        body, kind = qr.png(here.url), "image/png"
    if "save" in request.query:
        name = f"{here.connector.slug}-qr.{request.match_info['form']}"
        fields["Content-Disposition"] = f'attachment; filename="{name}"'
    return web.Response(body=body, content_type=kind, headers=fields)


async def forget_it(request: web.Request) -> web.Response:
    """Let every process forget what it knows of the content, and ask THRON anew."""
    here = await _here(request)
    await forget(request.app[CONSOLE], here.found.content.id, actor=request[CALLER].actor)
    return see_other(f"{_path(here)}?forgotten")


async def _here(request: web.Request) -> _Here:
    console, connector = request.app[CONSOLE], connector_here(request)
    found = await console.contents.content(connector, request.match_info["id"])
    if found is None:
        raise web.HTTPNotFound
    urls = line_urls(console, connector, is_named="names" in request.query)
    return _Here(connector, found, urls, chosen(found.lines, urls, request.query.get("line", "")))


def chosen(lines: Sequence[UrlRow], urls: RowUrls, number: str) -> UrlRow | None:
    """Return the line that is asked for by its number, else the first that leads to the content."""
    possible = [each for each in lines if urls.of(each) is not None]
    asked = [each for each in possible if str(each.number) == number]
    serving = [each for each in possible if each.serves]
    return next(iter([*asked, *serving, *possible]), None)


def _title(here: _Here) -> str:
    content = here.found.content
    first = here.found.lines[0].title if here.found.lines else ""
    shown = here.line.title if here.line is not None else first
    return shown or content.file_name or content.id


def _path(here: _Here) -> str:
    return f"/connectors/{here.connector.slug}/contents/{quote(here.found.content.id, safe='')}"


def _choice(here: _Here) -> str:
    """Return the query that keeps what is chosen on the page."""
    names = "&names=on" if here.urls.is_named else ""
    return f"line={here.line.number}{names}" if here.line is not None else ""


ROUTES = (
    web.get(_PATH, show),
    web.get(_PATH + "/thumbnail", thumbnail),
    web.get(_PATH + "/qr.{form:svg|png}", code),
    web.post(_PATH + "/forget", forget_it),
)
