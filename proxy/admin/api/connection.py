"""The connection to THRON: shown, tested, given."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin import credentials
from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem, FieldProblem
from proxy.admin.auth.request_context import Caller
from proxy.admin.capabilities import Finding, Trial
from proxy.admin.credentials import Connection, NewCredentials
from proxy.connectors.model import DeliveryMode
from proxy.tenant import AppContext

_TAG = "Connection"


class Tested(Model):
    """What the application can do."""

    findings: tuple[Finding, ...]
    proposal: DeliveryMode | None = Field(description="the mode of delivery to begin with")
    reason: str = Field(description="why this mode, or why none")


@dataclass(frozen=True, slots=True)
class ConnectionApi:
    """Shows, tests and changes the connection."""

    context: AppContext

    @operation("GET", "/api/connection", tag=_TAG)
    async def show_connection(self) -> Connection:
        """Show the connection to THRON."""
        return await credentials.connection(self.context)

    @operation("PUT", "/api/connection", tag=_TAG, problems=(409,))
    async def give_credentials(self, content: NewCredentials, caller: Caller) -> Tested:
        """Test credentials, and keep them if THRON accepts them."""
        if self.context.settings.is_set_up:
            raise ApiProblem(409, "Environment or file give the credentials: change them there.")
        if not credentials.can_keep(self.context):
            raise ApiProblem(
                409, "Without TDC_SECRET_KEY nothing secret is kept in PostgreSQL: set it first."
            )
        given = await credentials.whole(self.context, content)
        if given is None:
            missing = FieldProblem("app_key", "Fill this in.")
            raise ApiProblem(422, "Some values are not valid.", problems=[missing])
        trial = await credentials.tried(self.context, given)
        if not trial.is_logged_in:
            status = 422 if trial.is_refused else 503
            raise ApiProblem(status, f"Nothing was saved. {trial.findings[0].detail}")
        await credentials.keep(self.context, given, trial, actor=caller.actor)
        return _tested(trial)

    @operation("POST", "/api/connection/test", tag=_TAG, problems=(409,))
    async def test_connection(self) -> Tested:
        """Test what the connected application can do."""
        trial = await credentials.explored(self.context)
        if trial is None:
            raise ApiProblem(409, "There are no credentials yet.")
        return _tested(trial)


def _tested(trial: Trial) -> Tested:
    return Tested(
        findings=trial.findings,
        proposal=trial.proposal.mode if trial.proposal is not None else None,
        reason=trial.proposal.reason if trial.proposal is not None else "",
    )
