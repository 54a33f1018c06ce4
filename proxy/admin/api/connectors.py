"""Connectors: listed, planned, made, changed, removed."""

from dataclasses import dataclass

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
from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import FieldProblem, Problem
from proxy.admin.auth.caller import Caller
from proxy.admin.connector_saving import ConnectorSaving, conflicting_fields
from proxy.admin.set_up import Surveying
from proxy.admin.web.connectors import document
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.connectors.broken_urls import NONE_BROKEN
from proxy.connectors.document import export
from proxy.connectors.impact import Impact, resolved
from proxy.connectors.model import Connector
from proxy.connectors.preview import Survey
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError
from proxy.settings import Settings

_WAIT_S = 20.0
_PATH = "/api/connectors/{slug}"
_TAG = "Connectors"


class RemovalQuery(Model):
    """What of a removal's consequences is accepted."""

    confirmed_broken_urls: int | None = Field(
        default=None, description="so many URLs may stop working"
    )


@dataclass(frozen=True, slots=True)
class ConnectorsApi:
    """Lists, plans, makes, changes and removes connectors."""

    settings: Settings
    store: ConnectorStore
    sync: Sync
    contents: Contents
    saving: ConnectorSaving
    surveying: Surveying

    @operation("GET", "/api/connectors", tag=_TAG)
    async def list_connectors(self) -> ConnectorList:
        """List the connectors."""
        connectors = (await self.store.read()).all
        return ConnectorList(items=tuple([await self._state(each) for each in connectors]))

    @operation("POST", "/api/connectors", tag=_TAG, status=201, problems=(409, 502))
    async def create_connector(self, content: WantedConnector, caller: Caller) -> ConnectorState:
        """Make a connector: its contents become public.

        Plan it first: the number of contents that become public is to be confirmed.
        """
        wanted = connector_of(content.connector)
        await self._refuse_conflicts(wanted, is_new=True)
        survey, _ = await self._planned(wanted, old=None)
        if wanted.enabled:
            _see_confirmed("confirmed_contents", content.confirmed_contents, survey.contents)
        await self.saving.save(survey.connector, actor=caller.actor)
        return await self._state(survey.connector)

    @operation("POST", "/api/connectors/plan", tag=_TAG, problems=(502,))
    async def plan_connector(self, content: WantedConnector) -> PlannedConnector:
        """Tell what saving a connector would do, without doing it."""
        survey, found = await self._planned(connector_of(content.connector), old=None)
        return PlannedConnector(
            is_new=found is None,
            changed=tuple(sorted(found.changed)) if found is not None else (),
            contents=survey.contents if survey.connector.enabled else 0,
            is_estimate=survey.is_estimate,
            becomes_public=survey.connector.enabled and (found is None or found.public is not None),
            broken_urls=broken_of(found.broken if found is not None else NONE_BROKEN),
            is_exact=found is None or found.is_exact,
        )

    @operation("GET", _PATH, tag=_TAG, problems=(404,))
    async def show_connector(self, slug: str) -> ConnectorState:
        """Show a connector."""
        return await self._state(await self._known(slug))

    @operation("PUT", _PATH, tag=_TAG, problems=(404, 409, 502))
    async def change_connector(
        self, slug: str, content: WantedConnector, caller: Caller
    ) -> ConnectorState:
        """Change a connector.

        What would stop working, or become public, is to be confirmed: plan it first.
        """
        old = await self._known(slug)
        wanted = connector_of(content.connector)
        if wanted.slug != old.slug:
            wrong = FieldProblem("connector.slug", f'write "{old.slug}": a name cannot be changed.')
            raise Problem(422, "Some values cannot be taken.", problems=[wrong])
        await self._refuse_conflicts(wanted, is_new=False)
        as_it_was = resolved(old, wanted)
        if as_it_was is not None and not as_it_was.enabled:
            new, contents = as_it_was, 0  # what is switched off needs no THRON to be asked
            found: Impact | None = await self.saving.impact(old, new, tenancy=None, wait_s=0)
        else:
            survey, found = await self._planned(wanted, old=old)
            new, contents = survey.connector, survey.contents
        if found is not None and found.public is not None:
            _see_confirmed("confirmed_contents", content.confirmed_contents, contents)
        if found is not None and found.broken.total:
            _see_confirmed(
                "confirmed_broken_urls", content.confirmed_broken_urls, found.broken.total
            )
        await self.saving.save(new, actor=caller.actor)
        return await self._state(new)

    @operation("DELETE", _PATH, tag=_TAG, status=204, problems=(404, 409))
    async def remove_connector(self, slug: str, query: RemovalQuery, caller: Caller) -> None:
        """Remove a connector."""
        old = await self._known(slug)
        found = await self.saving.impact(old, None, tenancy=None, wait_s=0)
        if found.broken.total:
            _see_confirmed("confirmed_broken_urls", query.confirmed_broken_urls, found.broken.total)
        await self.saving.remove(old.slug, actor=caller.actor)

    @operation("GET", f"{_PATH}/toml", tag=_TAG, media_type="application/toml", problems=(404,))
    async def export_connector(self, slug: str) -> web.Response:
        """Send a connector as a TOML document, for `thron-connector connectors apply`."""
        connector = await self._known(slug)
        return document(export([connector]), f"{connector.slug}.toml")

    async def _known(self, slug: str) -> Connector:
        found = (await self.store.read()).of_slug(slug)
        if found is None:
            raise Problem(404, "There is no such connector.")
        return found

    async def _planned(
        self, wanted: Connector, *, old: Connector | None
    ) -> tuple[Survey, Impact | None]:
        """Return what was surveyed, and what a change does; None of the latter if it is new."""
        if old is None:
            old = (await self.store.read()).of_slug(wanted.slug)
        try:
            [survey] = (await self.saving.planned(wanted)).surveys
        except ConfigurationError as exc:
            problems = [FieldProblem("connector", each) for each in exc.problems]
            raise Problem(422, exc.problems[0], problems=problems) from exc
        if old is None:
            return survey, None
        tenancy = self.surveying.tenancy()
        return survey, await self.saving.impact(
            old, survey.connector, tenancy=tenancy, wait_s=_WAIT_S
        )

    async def _refuse_conflicts(self, wanted: Connector, *, is_new: bool) -> None:
        others = {each.slug: each for each in (await self.store.read()).all}
        found = conflicting_fields(wanted, others, is_new=is_new)
        if found:
            problems = [FieldProblem(f"connector.{key}", str(text)) for key, text in found]
            raise Problem(409, problems[0].detail, problems=problems)

    async def _state(self, connector: Connector) -> ConnectorState:
        sync = await self.sync.state(connector.slug)
        tally = await self.contents.tally(connector) if sync.last_ok is not None else None
        return ConnectorState(
            connector=connector,
            folder_id=connector.folder_id,
            address=address_of(connector, self.settings),
            contents=tally.contents if tally is not None else None,
            is_being_read=sync.running is not None or sync.is_asked,
            last_read=sync.last_ok.isoformat() if sync.last_ok is not None else None,
        )


def _see_confirmed(field: str, confirmed: int | None, number: int) -> None:
    """Refuse what was not confirmed; fewer than were confirmed are well."""
    if confirmed is None or confirmed < number:
        wrong = FieldProblem(field, f"write {number}, or more, to accept that.")
        raise Problem(409, "This has consequences that are not confirmed.", problems=[wrong])
