"""Open sessions, of which all can be ended at once."""

from dataclasses import dataclass

from aiohttp import web

from proxy.admin.api.operations import Model, operation
from proxy.admin.auth.request_context import CONTEXT, Caller
from proxy.admin.auth.sessions import Sessions


class OpenSessions(Model):
    """How many browsers are signed in."""

    count: int


@dataclass(frozen=True, slots=True)
class SessionsApi:
    """Counts sessions, and ends them."""

    sessions: Sessions

    @operation("GET", "/api/sessions", tag="Access")
    async def count_sessions(self) -> OpenSessions:
        """Count the browsers that are signed in."""
        return OpenSessions(count=await self.sessions.count())

    @operation("DELETE", "/api/sessions", tag="Access", status=204)
    async def end_sessions(self, caller: Caller, request: web.Request) -> None:
        """Sign out everywhere."""
        await self.sessions.end_all(actor=caller.actor, client=request[CONTEXT].client)
