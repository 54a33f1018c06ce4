"""Purges, ordered by machines."""

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.purging import NotPurgeable, PurgeOrder, purge_of


class Ordered(Model):
    """A purge that every running connector obeys within 2 seconds."""

    number: int = Field(description="grows from order to order")


async def purge(call: Call[Nothing, PurgeOrder]) -> Ordered:
    """Order one."""
    parts = call.console.parts
    try:
        order = purge_of(
            call.content,
            base=parts.settings.public_base,
            connectors=call.console.watch.connectors,
        )
    except NotPurgeable as exc:
        problem = FieldProblem("value", str(exc.text))
        raise Problem(422, "Some values cannot be taken.", problems=[problem]) from exc
    return Ordered(number=await parts.database.purge(order, actor=call.caller.actor))


OPERATIONS = (
    Operation(
        "POST",
        "/api/purge",
        name="purge",
        tag="Overview",
        summary="Forget what is remembered of addresses, in every running process.",
        handler=purge,
        query=Nothing,
        content=PurgeOrder,
        answer=Ordered,
        status=202,
    ),
)
