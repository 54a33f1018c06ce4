"""The link check of a connector: begun, followed, ended, and what came of every URL."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem
from proxy.admin.api.urls import UrlLine, url_line
from proxy.admin.connector_lookup import connector_of, line_urls
from proxy.admin.link_query import LinksQuery
from proxy.catalogue.row_urls import RowUrls
from proxy.connectors.store import ConnectorWatch
from proxy.link_check.results import CheckedRow, LinkCheck, Scope
from proxy.link_check.run import LinkChecker
from proxy.link_check.store import CheckRunning, LinkCheckStore
from proxy.settings import Settings
from proxy.tenant import TenantConnection

_PATH = "/api/connectors/{slug}/link-check"
_TAG = "Link check"


class CheckRequest(Model):
    """A check to start."""

    scope: Scope = Field(Scope.ALL, description="every URL, or those that had a problem")


class CheckReport(Model):
    """The newest check, and how the URLs stand."""

    run: LinkCheck | None = Field(description="null: there was none yet")
    problems: int
    working: int
    untried: int


class CheckedUrl(Model):
    """A URL, and the result of its check; null where it has not been checked yet."""

    line: UrlLine
    status: int | None
    media_type: str | None
    size: int | None
    problem: str | None
    since: datetime | None = Field(description="when it was first like that")
    checked: datetime | None


class CheckedUrlPage(Model):
    """Some URLs."""

    items: tuple[CheckedUrl, ...]
    total: int
    page: int
    size: int


@dataclass(frozen=True, slots=True)
class LinksApi:
    """Runs the link check, and reads what came of it."""

    settings: Settings
    connection: TenantConnection
    watch: ConnectorWatch
    store: LinkCheckStore
    checker: LinkChecker

    @operation("POST", _PATH, tag=_TAG, status=202, problems=(404, 409))
    async def begin_link_check(self, slug: str, content: CheckRequest) -> LinkCheck:
        """Check every URL of a connector in the background."""
        connector = connector_of(self.watch, slug)
        if not connector.enabled:
            raise ApiProblem(409, "The connector is disabled: none of its URLs works.")
        if self.connection.tenant is None:
            raise ApiProblem(409, "There are no credentials yet.")
        try:
            return await self.checker.start(connector, scope=content.scope)
        except CheckRunning as exc:
            raise ApiProblem(409, "A check of this connector runs already.") from exc

    @operation("GET", _PATH, tag=_TAG, problems=(404,))
    async def show_link_check(self, slug: str) -> CheckReport:
        """Show the newest check, and how the URLs stand."""
        connector = connector_of(self.watch, slug)
        check, tally = await self.store.last(slug), await self.store.tally(connector)
        return CheckReport(run=check, **asdict(tally))

    @operation("DELETE", _PATH, tag=_TAG, status=204, problems=(404,))
    async def end_link_check(self, slug: str) -> None:
        """Stop the running check."""
        if not await self.checker.stop(connector_of(self.watch, slug).slug):
            raise ApiProblem(404, "No check of this connector runs.")

    @operation("GET", _PATH + "/urls", tag=_TAG, problems=(404,))
    async def list_links(self, slug: str, query: LinksQuery) -> CheckedUrlPage:
        """List URLs by the result of their last check."""
        connector = connector_of(self.watch, slug)
        found = await self.store.page(
            connector, query.show, search=query.q, offset=query.offset, limit=query.size
        )
        urls = line_urls(self.settings, connector, is_named=False)
        items = tuple(_checked(each, urls) for each in found.lines)
        return CheckedUrlPage(items=items, total=found.total, page=query.page, size=query.size)


def _checked(each: CheckedRow, urls: RowUrls) -> CheckedUrl:
    told: dict[str, Any] = dict.fromkeys(CheckedUrl.model_fields)
    if each.result is not None:
        told |= asdict(each.result.outcome)
        told |= {"since": each.result.since, "checked": each.result.checked}
    return CheckedUrl(**told | {"line": url_line(each.line, urls)})
