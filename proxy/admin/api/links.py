"""The link check of a connector: begun, followed, ended, and what came of every URL."""

from datetime import datetime
from typing import Any

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import Problem
from proxy.admin.api.urls import UrlLine, url_line
from proxy.admin.link_checks import LINK_CHECKS, LinkChecks
from proxy.admin.link_query import LinksQuery
from proxy.admin.served import connector_of, line_urls
from proxy.catalogue.row_urls import RowUrls
from proxy.link_check.results import CheckedRow, CheckState, LinkCheck, Scope
from proxy.link_check.store import CheckRunning


class CheckRequest(Model):
    """A check to begin."""

    scope: Scope = Field(Scope.ALL, description="every URL, or those that had a problem")


class CheckRun(Model):
    """One check."""

    id: int
    scope: Scope
    state: CheckState
    started: datetime
    ended: datetime | None
    expected: int
    checked: int
    problems: int
    reason: str | None


class CheckReport(Model):
    """The newest check, and how the URLs stand."""

    run: CheckRun | None = Field(description="null: there was none yet")
    problems: int
    working: int
    untried: int


class CheckedUrl(Model):
    """A URL, and what came of it; null where it was not tried yet."""

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


async def begin_check(call: Call[Nothing, CheckRequest]) -> CheckRun:
    """Begin a check in the background."""
    connector = connector_of(call.console, call.path["slug"])
    if not connector.enabled:
        raise Problem(409, "The connector is disabled: none of its URLs works.")
    if call.console.parts.tenant is None:
        raise Problem(409, "There are no credentials yet.")
    try:
        return _run(await _checks(call).checker.start(connector, scope=call.content.scope))
    except CheckRunning as exc:
        raise Problem(409, "A check of this connector runs already.") from exc


async def show_check(call: Call[Nothing, Nothing]) -> CheckReport:
    """Show how it goes."""
    connector = connector_of(call.console, call.path["slug"])
    store = _checks(call).store
    check, tally = await store.last(connector.slug), await store.tally(connector)
    return CheckReport(
        run=_run(check) if check is not None else None,
        problems=tally.problems,
        working=tally.working,
        untried=tally.untried,
    )


async def end_check(call: Call[Nothing, Nothing]) -> None:
    """End it."""
    connector = connector_of(call.console, call.path["slug"])
    if not await _checks(call).checker.stop(connector.slug):
        raise Problem(404, "No check of this connector runs.")


async def list_links(call: Call[LinksQuery, Nothing]) -> CheckedUrlPage:
    """List a page."""
    query, connector = call.query, connector_of(call.console, call.path["slug"])
    found = await _checks(call).store.page(
        connector, query.show, search=query.q, offset=query.offset, limit=query.size
    )
    urls = line_urls(call.console, connector, is_named=False)
    items = tuple(_checked(each, urls) for each in found.lines)
    return CheckedUrlPage(items=items, total=found.total, page=query.page, size=query.size)


def _checks(call: Call[Any, Any]) -> LinkChecks:
    return call.request.app[LINK_CHECKS]


def _run(check: LinkCheck) -> CheckRun:
    return CheckRun(
        id=check.id,
        scope=check.scope,
        state=check.state,
        started=check.started,
        ended=check.ended,
        expected=check.expected,
        checked=check.checked,
        problems=check.problems,
        reason=check.reason,
    )


def _checked(each: CheckedRow, urls: RowUrls) -> CheckedUrl:
    line, result = url_line(each.line, urls), each.result
    if result is None:
        return CheckedUrl(
            line=line,
            status=None,
            media_type=None,
            size=None,
            problem=None,
            since=None,
            checked=None,
        )
    outcome = result.outcome
    return CheckedUrl(
        line=line,
        status=outcome.status,
        media_type=outcome.media_type,
        size=outcome.size,
        problem=outcome.problem,
        since=result.since,
        checked=result.checked,
    )


_PATH = "/api/connectors/{slug}/link-check"

OPERATIONS = (
    Operation(
        "POST",
        _PATH,
        name="beginLinkCheck",
        tag="Link check",
        summary="Try every URL of a connector in the background.",
        handler=begin_check,
        query=Nothing,
        content=CheckRequest,
        answer=CheckRun,
        status=202,
        problems=(404, 409),
    ),
    Operation(
        "GET",
        _PATH,
        name="showLinkCheck",
        tag="Link check",
        summary="Show the newest check, and how the URLs stand.",
        handler=show_check,
        query=Nothing,
        content=Nothing,
        answer=CheckReport,
        problems=(404,),
    ),
    Operation(
        "DELETE",
        _PATH,
        name="endLinkCheck",
        tag="Link check",
        summary="End the check that runs.",
        handler=end_check,
        query=Nothing,
        content=Nothing,
        status=204,
        problems=(404,),
    ),
    Operation(
        "GET",
        _PATH + "/urls",
        name="listLinks",
        tag="Link check",
        summary="List URLs by what came of them.",
        handler=list_links,
        query=LinksQuery,
        content=Nothing,
        answer=CheckedUrlPage,
        problems=(404,),
    ),
)
