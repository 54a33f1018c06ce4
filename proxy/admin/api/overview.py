"""How the connector is doing, and the requests that ended last."""

from datetime import datetime

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.live import LIVE
from proxy.admin.requests_query import RequestsQuery
from proxy.admin.snapshot import Overview
from proxy.telemetry.recent_requests import KEPT, EndedRequest


class RequestView(Model):
    """A request on the public listener that has ended."""

    number: int = Field(description="grows by one from request to request since the start")
    at: datetime = Field(description="when it ended")
    duration_s: float
    request_id: str
    client: str
    method: str
    path: str = Field(description="raw, without the query, cut where it is very long")
    status: int | None = Field(description="null: it ended before the answer began")
    octets: int
    expected: int | None = Field(description="octets that the answer promised")
    connector: str | None
    content_id: str | None
    resolution: str | None = Field(description="hit, or why THRON was asked (RFC 9211, 2.2)")
    selected_range: str | None
    first_byte_s: float | None
    resumed: int = Field(description="how often a broken upstream was continued by another")
    ended_by: str = Field(description="complete, client, origin or gateway")
    error: str | None
    reason: str | None


class RequestsPage(Model):
    """Requests, newest first."""

    items: tuple[RequestView, ...]


async def get_overview(call: Call[Nothing, Nothing]) -> Overview:
    """Tell how the connector is doing."""
    return (await call.request.app[LIVE].look(at_most_s=0)).overview


async def list_requests(call: Call[RequestsQuery, Nothing]) -> RequestsPage:
    """List the requests that are asked for."""
    query = call.query
    found = call.console.traffic.recent.newest(most=query.limit, wanted=query.wants)
    return RequestsPage(items=tuple(map(_view, found)))


def _view(ended: EndedRequest) -> RequestView:
    return RequestView(
        number=ended.number,
        at=ended.at,
        duration_s=ended.duration_s,
        request_id=ended.request_id,
        client=ended.client,
        method=ended.method,
        path=ended.path,
        status=ended.status,
        octets=ended.octets,
        expected=ended.expected,
        connector=ended.connector,
        content_id=ended.content_id,
        resolution=ended.resolution,
        selected_range=ended.selected_range,
        first_byte_s=ended.first_byte_s,
        resumed=ended.resumed,
        ended_by=ended.ended_by,
        error=ended.error,
        reason=ended.reason,
    )


OPERATIONS = (
    Operation(
        "GET",
        "/api/overview",
        name="getOverview",
        tag="Overview",
        summary="Tell how the connector is doing.",
        handler=get_overview,
        query=Nothing,
        content=Nothing,
        answer=Overview,
    ),
    Operation(
        "GET",
        "/api/requests",
        name="listRequests",
        tag="Overview",
        summary=f"List requests of the public listener, of the last {KEPT} the newest first.",
        handler=list_requests,
        query=RequestsQuery,
        content=Nothing,
        answer=RequestsPage,
    ),
)
