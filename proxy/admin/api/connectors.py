"""Connectors: listed, planned, made, changed, removed."""

from typing import Any

from aiohttp import web
from pydantic import Field

from proxy.admin.api.connector_models import (
    ConnectorList,
    ConnectorState,
    PlannedConnector,
    WantedConnector,
    address_of,
    broken_of,
    connector_of,
)
from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.connector_saving import (
    conflicting_fields,
    planned,
    remove,
    save,
    told_impact,
)
from proxy.admin.parts import Console
from proxy.admin.set_up import tenancy
from proxy.admin.web.connectors import document
from proxy.connectors.broken_urls import NONE_BROKEN
from proxy.connectors.document import export
from proxy.connectors.impact import Impact, resolved
from proxy.connectors.model import Connector
from proxy.connectors.preview import Survey
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError

_WAIT_S = 20.0


class RemovalQuery(Model):
    """What of a removal's consequences is accepted."""

    confirmed_broken_urls: int | None = Field(
        default=None, description="so many URLs may stop working"
    )


async def list_connectors(call: Call[Nothing, Nothing]) -> ConnectorList:
    """List them."""
    connectors = (await ConnectorStore(call.console.parts.database).read()).all
    return ConnectorList(items=tuple([await _state(call.console, each) for each in connectors]))


async def show_connector(call: Call[Nothing, Nothing]) -> ConnectorState:
    """Show one."""
    return await _state(call.console, await _known(call))


async def export_connector(call: Call[Nothing, Nothing]) -> web.Response:
    """Send one as TOML."""
    connector = await _known(call)
    return document(export([connector]), f"{connector.slug}.toml")


async def plan_connector(call: Call[Nothing, WantedConnector]) -> PlannedConnector:
    """Tell what saving a connector would do."""
    survey, found = await _planned(call, connector_of(call.content.connector), old=None)
    return PlannedConnector(
        is_new=found is None,
        changed=tuple(sorted(found.changed)) if found is not None else (),
        contents=survey.contents if survey.connector.enabled else 0,
        is_estimate=survey.is_estimate,
        becomes_public=survey.connector.enabled and (found is None or found.public is not None),
        broken_urls=broken_of(found.broken if found is not None else NONE_BROKEN),
        is_exact=found is None or found.is_exact,
    )


async def create_connector(call: Call[Nothing, WantedConnector]) -> ConnectorState:
    """Make one."""
    wanted = connector_of(call.content.connector)
    await _refuse_conflicts(call.console, wanted, is_new=True)
    survey, _ = await _planned(call, wanted, old=None)
    if wanted.enabled:
        _see_confirmed("confirmed_contents", call.content.confirmed_contents, survey.contents)
    await save(call.console, survey.connector, actor=call.caller.actor)
    return await _state(call.console, survey.connector)


async def change_connector(call: Call[Nothing, WantedConnector]) -> ConnectorState:
    """Change one."""
    old = await _known(call)
    wanted = connector_of(call.content.connector)
    if wanted.slug != old.slug:
        wrong = FieldProblem("connector.slug", f'write "{old.slug}": a name cannot be changed.')
        raise Problem(422, "Some values cannot be taken.", problems=[wrong])
    await _refuse_conflicts(call.console, wanted, is_new=False)
    as_it_was = resolved(old, wanted)
    if as_it_was is not None and not as_it_was.enabled:
        new, contents = as_it_was, 0  # what is switched off needs no THRON to be asked
        found: Impact | None = await told_impact(call.console, old, new, tenancy=None, wait_s=0)
    else:
        survey, found = await _planned(call, wanted, old=old)
        new, contents = survey.connector, survey.contents
    if found is not None and found.public is not None:
        _see_confirmed("confirmed_contents", call.content.confirmed_contents, contents)
    if found is not None and found.broken.total:
        _see_confirmed(
            "confirmed_broken_urls", call.content.confirmed_broken_urls, found.broken.total
        )
    await save(call.console, new, actor=call.caller.actor)
    return await _state(call.console, new)


async def remove_connector(call: Call[RemovalQuery, Nothing]) -> None:
    """Remove one."""
    old = await _known(call)
    found = await told_impact(call.console, old, None, tenancy=None, wait_s=0)
    if found.broken.total:
        _see_confirmed(
            "confirmed_broken_urls", call.query.confirmed_broken_urls, found.broken.total
        )
    await remove(call.console, old.slug, actor=call.caller.actor)


async def _known(call: Call[Any, Any]) -> Connector:
    connectors = await ConnectorStore(call.console.parts.database).read()
    found = connectors.of_slug(call.path["slug"])
    if found is None:
        raise Problem(404, "There is no such connector.")
    return found


async def _planned(
    call: Call[Any, Any], wanted: Connector, *, old: Connector | None
) -> tuple[Survey, Impact | None]:
    """Return what was surveyed, and what a change does; None of the latter for a new connector."""
    console = call.console
    if old is None:
        old = (await ConnectorStore(console.parts.database).read()).of_slug(wanted.slug)
    try:
        [survey] = (await planned(console, wanted)).surveys
    except ConfigurationError as exc:
        problems = [FieldProblem("connector", each) for each in exc.problems]
        raise Problem(422, exc.problems[0], problems=problems) from exc
    if old is None:
        return survey, None
    asked = await tenancy(call.request.app)
    return survey, await told_impact(console, old, survey.connector, tenancy=asked, wait_s=_WAIT_S)


async def _refuse_conflicts(console: Console, wanted: Connector, *, is_new: bool) -> None:
    others = {each.slug: each for each in (await ConnectorStore(console.parts.database).read()).all}
    found = conflicting_fields(wanted, others, is_new=is_new)
    if found:
        problems = [FieldProblem(f"connector.{key}", str(text)) for key, text in found]
        raise Problem(409, problems[0].detail, problems=problems)


def _see_confirmed(field: str, confirmed: int | None, number: int) -> None:
    """Refuse what was not confirmed; fewer than were confirmed are well."""
    if confirmed is None or confirmed < number:
        wrong = FieldProblem(field, f"write {number}, or more, to accept that.")
        raise Problem(409, "This has consequences that are not confirmed.", problems=[wrong])


async def _state(console: Console, connector: Connector) -> ConnectorState:
    sync = await console.sync.state(connector.slug)
    tally = await console.contents.tally(connector) if sync.last_ok is not None else None
    return ConnectorState(
        connector=connector,
        folder_id=connector.folder_id,
        address=address_of(connector, console.parts.settings),
        contents=tally.contents if tally is not None else None,
        is_being_read=sync.running is not None or sync.is_asked,
        last_read=sync.last_ok.isoformat() if sync.last_ok is not None else None,
    )


_PATH = "/api/connectors/{slug}"
_TAG = "Connectors"

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        "GET",
        "/api/connectors",
        name="listConnectors",
        tag=_TAG,
        summary="List the connectors.",
        handler=list_connectors,
        query=Nothing,
        content=Nothing,
        answer=ConnectorList,
    ),
    Operation(
        "POST",
        "/api/connectors",
        name="createConnector",
        tag=_TAG,
        summary="Make a connector: its contents become public.",
        description="Plan it first: the number of contents that become public is to be confirmed.",
        handler=create_connector,
        query=Nothing,
        content=WantedConnector,
        answer=ConnectorState,
        status=201,
        problems=(409, 502),
    ),
    Operation(
        "POST",
        "/api/connectors/plan",
        name="planConnector",
        tag=_TAG,
        summary="Tell what saving a connector would do, without doing it.",
        handler=plan_connector,
        query=Nothing,
        content=WantedConnector,
        answer=PlannedConnector,
        problems=(502,),
    ),
    Operation(
        "GET",
        _PATH,
        name="showConnector",
        tag=_TAG,
        summary="Show a connector.",
        handler=show_connector,
        query=Nothing,
        content=Nothing,
        answer=ConnectorState,
        problems=(404,),
    ),
    Operation(
        "PUT",
        _PATH,
        name="changeConnector",
        tag=_TAG,
        summary="Change a connector.",
        description="What would stop working, or become public, is to be confirmed: plan it first.",
        handler=change_connector,
        query=Nothing,
        content=WantedConnector,
        answer=ConnectorState,
        problems=(404, 409, 502),
    ),
    Operation(
        "DELETE",
        _PATH,
        name="removeConnector",
        tag=_TAG,
        summary="Remove a connector.",
        handler=remove_connector,
        query=RemovalQuery,
        content=Nothing,
        status=204,
        problems=(404, 409),
    ),
    Operation(
        "GET",
        f"{_PATH}/toml",
        name="exportConnector",
        tag=_TAG,
        summary="Send a connector as a TOML document, for `thron-connector connectors apply`.",
        handler=export_connector,
        query=Nothing,
        content=Nothing,
        media_type="application/toml",
        problems=(404,),
    ),
)
