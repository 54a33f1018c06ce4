"""How the connector is doing, and the requests that ended last."""

from dataclasses import dataclass

from proxy.admin.api.operations import Model, operation
from proxy.admin.live import Live
from proxy.admin.overview import Overview
from proxy.admin.requests_query import RequestsQuery
from proxy.telemetry.live import RecentView
from proxy.telemetry.recent_requests import EndedRequest


class RequestsPage(Model):
    """Requests, newest first."""

    items: tuple[EndedRequest, ...]


@dataclass(frozen=True, slots=True)
class OverviewApi:
    """Tells what the first page of the console shows."""

    live: Live
    recent: RecentView

    @operation("GET", "/api/overview", tag="Overview")
    async def get_overview(self) -> Overview:
        """Show how the connector is doing."""
        return (await self.live.snapshot(at_most_s=0)).overview

    @operation("GET", "/api/requests", tag="Overview")
    async def list_requests(self, query: RequestsQuery) -> RequestsPage:
        """List requests of the public listener, newest first, of the last 500."""
        return RequestsPage(items=self.recent.newest(most=query.limit, wanted=query.wants))
