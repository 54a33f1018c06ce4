"""Purges, ordered by machines."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem, FieldProblem
from proxy.admin.auth.request_context import Caller
from proxy.admin.purging import NotPurgeable, PurgeRequest, purge_of
from proxy.catalogue.database import Database
from proxy.catalogue.purges import PurgeStore
from proxy.connectors.store import ConnectorWatch
from proxy.settings import Settings


class PurgeAccepted(Model):
    """A purge that every running connector obeys within 2 seconds."""

    number: int = Field(description="increases with every purge")


@dataclass(frozen=True, slots=True)
class PurgeApi:
    """Orders purges."""

    settings: Settings
    database: Database
    watch: ConnectorWatch

    @operation("POST", "/api/purge", tag="Overview", status=202)
    async def purge(self, content: PurgeRequest, caller: Caller) -> PurgeAccepted:
        """Purge addresses from the cache of every running process."""
        try:
            order = purge_of(
                content, base=self.settings.public_base, connectors=self.watch.connectors
            )
        except NotPurgeable as exc:
            problem = FieldProblem("value", str(exc.text))
            raise ApiProblem(422, "Some values are not valid.", problems=[problem]) from exc
        return PurgeAccepted(
            number=await PurgeStore(self.database).order(order, actor=caller.actor)
        )
