"""One content of a connector: its addresses, what it is, and what can be done with it."""

from datetime import datetime

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import Problem
from proxy.admin.api.urls import UrlLine, url_line
from proxy.admin.content_actions import explained, forget
from proxy.admin.parts import Console
from proxy.admin.served import connector_of, line_urls
from proxy.admin.web.snippets import snippets
from proxy.catalogue.url_rows import Catalogued
from proxy.connectors.model import Connector


class ContentTitle(Model):
    """A title in one language."""

    language: str
    text: str


class ContentVersion(Model):
    """A version of the source file that was seen."""

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
    titles: tuple[ContentTitle, ...]
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


class ExplainedStep(Model):
    """One step of a download."""

    title: str
    detail: str
    is_ok: bool


class Explanation(Model):
    """The way from a URL to the first octet of its content."""

    url: str
    steps: tuple[ExplainedStep, ...]


class ReadySnippet(Model):
    """Something to paste."""

    name: str
    text: str


class SnippetList(Model):
    """What a URL can be pasted as."""

    url: str
    items: tuple[ReadySnippet, ...]


async def show_content(call: Call[Nothing, Nothing]) -> ContentRecord:
    """Show a content."""
    connector, found = await _found(call.console, call.path["slug"], call.path["id"])
    urls = line_urls(call.console, connector, is_named=False)
    content = found.content
    return ContentRecord(
        id=content.id,
        content_type=content.content_type,
        titles=tuple(
            ContentTitle(language=each.language, text=each.text) for each in content.titles
        ),
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
            ContentVersion(
                version_id=each.file.version_id,
                file_name=each.file.file_name,
                media_type=each.file.media_type,
                size=each.file.size,
                modified=each.file.modified,
                first_seen=each.first_seen,
            )
            for each in found.versions
        ),
    )


async def explain_url(call: Call[LineQuery, Nothing]) -> Explanation:
    """Go the way of a download."""
    url, _, _ = await _url(call)
    steps = await explained(call.console, url)
    return Explanation(
        url=url,
        steps=tuple(
            ExplainedStep(title=each.title, detail=each.detail, is_ok=each.is_ok) for each in steps
        ),
    )


async def list_snippets(call: Call[LineQuery, Nothing]) -> SnippetList:
    """Make them."""
    url, title, found = await _url(call)
    made = snippets(url, title, found.content.content_type)
    items = tuple(ReadySnippet(name=str(each.name), text=each.text) for each in made)
    return SnippetList(url=url, items=items)


async def forget_content(call: Call[Nothing, Nothing]) -> None:
    """Forget it."""
    _, found = await _found(call.console, call.path["slug"], call.path["id"])
    await forget(call.console, found.content.id, actor=call.caller.actor)


async def _found(console: Console, slug: str, content_id: str) -> tuple[Connector, Catalogued]:
    connector = connector_of(console, slug)
    found = await console.contents.content(connector, content_id)
    if found is None:
        raise Problem(404, "The connector's folder has no such content.")
    return connector, found


async def _url(call: Call[LineQuery, Nothing]) -> tuple[str, str, Catalogued]:
    connector, found = await _found(call.console, call.path["slug"], call.path["id"])
    urls = line_urls(call.console, connector, is_named=call.query.names)
    lines = found.lines
    if call.query.line is not None:
        lines = tuple(each for each in lines if each.number == call.query.line)
    for each in sorted(lines, key=lambda line: not line.serves):
        url = urls.of(each)
        if url is not None:
            return url, each.title or found.content.file_name or found.content.id, found
    raise Problem(404, "The content has no such address.")


OPERATIONS = (
    Operation(
        "GET",
        "/api/connectors/{slug}/contents/{id}",
        name="showContent",
        tag="Contents",
        summary="Show one content with every address that it has or had.",
        handler=show_content,
        query=Nothing,
        content=Nothing,
        answer=ContentRecord,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/api/connectors/{slug}/contents/{id}/explanation",
        name="explainUrl",
        tag="Contents",
        summary="Go the way of a download up to its first octet, and tell each step.",
        handler=explain_url,
        query=LineQuery,
        content=Nothing,
        answer=Explanation,
        problems=(404,),
    ),
    Operation(
        "GET",
        "/api/connectors/{slug}/contents/{id}/snippets",
        name="listSnippets",
        tag="Contents",
        summary="Give ready lines to paste a URL.",
        handler=list_snippets,
        query=LineQuery,
        content=Nothing,
        answer=SnippetList,
        problems=(404,),
    ),
    Operation(
        "POST",
        "/api/connectors/{slug}/contents/{id}/forget",
        name="forgetContent",
        tag="Contents",
        summary="Let every process forget what a content's addresses lead to, and ask THRON anew.",
        handler=forget_content,
        query=Nothing,
        content=Nothing,
        status=204,
        problems=(404,),
    ),
)
