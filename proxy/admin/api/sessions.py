"""Open sessions, of which all can be ended at once."""

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.auth.request_context import VISIT


class OpenSessions(Model):
    """How many browsers are signed in."""

    count: int


async def count_sessions(call: Call[Nothing, Nothing]) -> OpenSessions:
    """Count the sessions."""
    return OpenSessions(count=await call.console.store.sessions())


async def end_sessions(call: Call[Nothing, Nothing]) -> None:
    """End every session."""
    await call.console.sessions.end_all(actor=call.caller.actor, client=call.request[VISIT].client)


OPERATIONS = (
    Operation(
        "GET",
        "/api/sessions",
        name="countSessions",
        tag="Access",
        summary="Count the browsers that are signed in.",
        handler=count_sessions,
        query=Nothing,
        content=Nothing,
        answer=OpenSessions,
    ),
    Operation(
        "DELETE",
        "/api/sessions",
        name="endSessions",
        tag="Access",
        summary="Sign out everywhere.",
        handler=end_sessions,
        query=Nothing,
        content=Nothing,
        status=204,
    ),
)
