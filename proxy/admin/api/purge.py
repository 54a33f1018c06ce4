"""Purges, ordered by machines."""

from dataclasses import dataclass

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.auth.request_context import Caller
from proxy.admin.purging import NotPurgeable, PurgeOrder, purge_of
from proxy.catalogue.database import Database
from proxy.catalogue.purges import PurgeStore
from proxy.connectors.watch import ConnectorWatch
from proxy.settings import Settings


class Ordered(Model):
    """A purge that every running connector obeys within 2 seconds."""

    number: int = Field(description="increases with every purge")


@dataclass(frozen=True, slots=True)
class PurgeApi:
    """Orders purges."""

    settings: Settings
    database: Database
    watch: ConnectorWatch

    @operation("POST", "/api/purge", tag="Overview", status=202)
    async def purge(self, content: PurgeOrder, caller: Caller) -> Ordered:
        """Purge addresses from the cache of every running process."""
        try:
            order = purge_of(
                content, base=self.settings.public_base, connectors=self.watch.connectors
            )
        except NotPurgeable as exc:
            problem = FieldProblem("value", str(exc.text))
            raise Problem(422, "Some values are not valid.", problems=[problem]) from exc
        return Ordered(number=await PurgeStore(self.database).order(order, actor=caller.actor))
