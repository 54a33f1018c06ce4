"""One content of a connector: its addresses, what it is, and what can be done with it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem
from proxy.admin.api.urls import UrlLine, url_line
from proxy.admin.auth.request_context import Caller
from proxy.admin.connector_lookup import connector_of, line_urls
from proxy.admin.content_actions import ContentActions
from proxy.admin.web.snippets import Snippet, snippets
from proxy.catalogue.queries import Contents
from proxy.catalogue.url_rows import CataloguedContent, UrlRow
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.delivery.explain import DiagnosisStep
from proxy.settings import Settings
from proxy.thron.content import Title

_PATH = "/api/connectors/{slug}/contents/{id}"
_TAG = "Contents"


class ContentVersion(Model):
    """A version of the source file that has been seen."""

    version_id: str | None
    file_name: str | None
    media_type: str | None
    size: int | None
    modified: datetime | None
    first_seen: datetime


class ContentRecord(Model):
    """A content as the catalogue has it."""

    id: str
    content_type: str
    titles: tuple[Title, ...]
    file_name: str | None
    status: str | None = Field(description="as THRON has it")
    channels: tuple[str, ...]
    created: datetime | None
    updated: datetime | None
    is_servable: bool
    first_seen: datetime
    changed: datetime
    confirmed: datetime | None = Field(description="when THRON last said it is in the folder")
    removed_at: datetime | None
    urls: tuple[UrlLine, ...] = Field(description="every address, former ones too")
    versions: tuple[ContentVersion, ...]


class LineQuery(Model):
    """Which address of the content."""

    line: int | None = Field(
        None, ge=1, le=2**31 - 1, description="its number; default: the first that leads to it"
    )
    names: bool = Field(default=False, description="whether the URL ends with the file name")


class Explanation(Model):
    """The way from a URL to the first byte of its content."""

    url: str
    steps: tuple[DiagnosisStep, ...]


class SnippetList(Model):
    """Forms in which a URL can be pasted."""

    url: str
    items: tuple[Snippet, ...] = Field(description="none where the URL leads elsewhere")
    leads_to: str | None = Field(
        description="id of the content that the URL leads to; null: to no content"
    )


@dataclass(frozen=True, slots=True)
class ContentsApi:
    """Shows a content, and does what can be done with it."""

    settings: Settings
    watch: ConnectorWatch
    contents: Contents
    actions: ContentActions

    @operation("GET", _PATH, tag=_TAG, problems=(404,))
    async def show_content(self, slug: str, id_: str) -> ContentRecord:
        """Show one content with every address that it has or has had."""
        connector, found = await self._found(slug, id_)
        urls = line_urls(self.settings, connector, is_named=False)
        content = found.content
        return ContentRecord(
            id=content.id,
            content_type=content.content_type,
            titles=content.titles,
            file_name=content.file_name,
            status=content.status,
            channels=content.channels,
            created=content.creation_date,
            updated=content.last_update,
            is_servable=found.is_servable,
            first_seen=found.first_seen,
            changed=found.changed,
            confirmed=found.confirmed,
            removed_at=found.removed_at,
            urls=tuple(url_line(each, urls) for each in found.lines),
            versions=tuple(
                ContentVersion(**asdict(each.file), first_seen=each.first_seen)
                for each in found.versions
            ),
        )

    @operation("GET", _PATH + "/explanation", tag=_TAG, problems=(404,))
    async def explain_url(self, slug: str, id_: str, query: LineQuery) -> Explanation:
        """Follow a download up to its first byte, and show each step."""
        url, _ = await self._url(slug, id_, query)
        return Explanation(url=url, steps=await self.actions.explained(url))

    @operation("GET", _PATH + "/snippets", tag=_TAG, problems=(404,))
    async def list_snippets(self, slug: str, id_: str, query: LineQuery) -> SnippetList:
        """Return a URL in forms that are ready to paste, if it leads to this content."""
        url, line = await self._url(slug, id_, query)
        if line.serves:
            items = snippets(url, line.title or line.file_name or id_, line.content_type)
            return SnippetList(url=url, items=items, leads_to=id_)
        served = await self.contents.served_at(connector_of(self.watch, slug), line)
        return SnippetList(url=url, items=(), leads_to=served.content_id if served else None)

    @operation("POST", _PATH + "/forget", tag=_TAG, status=204, problems=(404,))
    async def forget_content(self, slug: str, id_: str, caller: Caller) -> None:
        """Purge a content's addresses from every process, so that THRON is asked again."""
        _, found = await self._found(slug, id_)
        await self.actions.forget(found.content.id, actor=caller.actor)

    async def _found(self, slug: str, content_id: str) -> tuple[Connector, CataloguedContent]:
        connector = connector_of(self.watch, slug)
        found = await self.contents.content(connector, content_id)
        if found is None:
            raise ApiProblem(404, "The connector's folder has no such content.")
        return connector, found

    async def _url(self, slug: str, content_id: str, query: LineQuery) -> tuple[str, UrlRow]:
        connector, found = await self._found(slug, content_id)
        urls = line_urls(self.settings, connector, is_named=query.names)
        lines = found.lines
        if query.line is not None:
            lines = tuple(each for each in lines if each.number == query.line)
        for each in sorted(lines, key=lambda line: not line.serves):
            url = urls.of(each)
            if url is not None:
                return url, each
        raise ApiProblem(404, "The content has no such address.")
