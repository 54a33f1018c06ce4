"""The connection to THRON: shown, tested, given."""

from pydantic import Field

from proxy.admin import credentials
from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.capabilities import Right, Trial, Verdict
from proxy.admin.credentials import Connection, NewCredentials
from proxy.connectors.model import DeliveryMode


class ConnectionState(Model):
    """The connection as it stands; the app key is never told."""

    client_id: str | None
    app_id: str | None
    username: str | None
    is_given: bool
    api_url: str | None
    cdn_url: str | None
    is_logged_in: bool
    problem: str | None


class FoundRight(Model):
    """One thing that was tried."""

    right: Right
    verdict: Verdict
    detail: str


class Tested(Model):
    """What the application may do."""

    findings: tuple[FoundRight, ...]
    proposal: DeliveryMode | None = Field(description="the mode of delivery to begin with")
    reason: str = Field(description="why that one, or why none")


async def show_connection(call: Call[Nothing, Nothing]) -> ConnectionState:
    """Show the connection."""
    parts = call.console.parts
    known = await credentials.connection(parts)
    state = parts.tenant.thron.state if parts.tenant is not None else None
    return _state(
        known,
        is_logged_in=state is not None and state.logged_in,
        problem=state.problem if state is not None else "no credentials yet",
    )


async def test_connection(call: Call[Nothing, Nothing]) -> Tested:
    """Try what the connected application may do."""
    trial = await credentials.explored(call.console.parts)
    if trial is None:
        raise Problem(409, "There are no credentials yet.")
    return _tested(trial)


async def give_credentials(call: Call[Nothing, NewCredentials]) -> Tested:
    """Try credentials, and keep them if THRON takes them."""
    parts = call.console.parts
    if parts.settings.is_set_up:
        raise Problem(409, "Environment or file give the credentials: change them there.")
    if not credentials.can_keep(parts):
        raise Problem(
            409, "Without TDC_SECRET_KEY nothing secret is kept in PostgreSQL: set it first."
        )
    given = await credentials.whole(parts, call.content)
    if given is None:
        missing = FieldProblem("app_key", "Fill this in.")
        raise Problem(422, "Some values cannot be taken.", problems=[missing])
    trial = await credentials.tried(parts, given)
    if not trial.is_logged_in:
        status = 422 if trial.is_refused else 503
        raise Problem(status, f"Nothing was saved. {trial.findings[0].detail}")
    await credentials.keep(parts, given, trial, actor=call.caller.actor)
    return _tested(trial)


def _state(known: Connection, *, is_logged_in: bool, problem: str | None) -> ConnectionState:
    return ConnectionState(
        client_id=known.client_id,
        app_id=known.app_id,
        username=known.username,
        is_given=known.is_given,
        api_url=known.api_url,
        cdn_url=known.cdn_url,
        is_logged_in=is_logged_in,
        problem=problem,
    )


def _tested(trial: Trial) -> Tested:
    return Tested(
        findings=tuple(
            FoundRight(right=each.right, verdict=each.verdict, detail=each.detail)
            for each in trial.findings
        ),
        proposal=trial.proposal.mode if trial.proposal is not None else None,
        reason=trial.proposal.reason if trial.proposal is not None else "",
    )


OPERATIONS = (
    Operation(
        "GET",
        "/api/connection",
        name="showConnection",
        tag="Connection",
        summary="Show the connection to THRON.",
        handler=show_connection,
        query=Nothing,
        content=Nothing,
        answer=ConnectionState,
    ),
    Operation(
        "PUT",
        "/api/connection",
        name="giveCredentials",
        tag="Connection",
        summary="Try credentials, and keep them if THRON takes them.",
        handler=give_credentials,
        query=Nothing,
        content=NewCredentials,
        answer=Tested,
        problems=(409,),
    ),
    Operation(
        "POST",
        "/api/connection/test",
        name="testConnection",
        tag="Connection",
        summary="Try what the connected application may do.",
        handler=test_connection,
        query=Nothing,
        content=Nothing,
        answer=Tested,
        problems=(409,),
    ),
)
