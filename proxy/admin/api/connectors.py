"""Connectors: listed, planned, made, changed, removed, by the keys of the TOML document."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import web
from pydantic import Field

from proxy.admin.api.operations import Model, Tagged, operation
from proxy.admin.api.preconditions import IfMatch
from proxy.admin.api.problems import ApiProblem, FieldProblem
from proxy.admin.auth.request_context import Caller
from proxy.admin.connector_lookup import TAKEN_BY_THE_CONSOLE
from proxy.admin.web.connectors import document
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.connectors.addresses import Part, illustrative
from proxy.connectors.changes import BrokenUrl, BrokenUrls, conflicting_keys, state_of
from proxy.connectors.document import export
from proxy.connectors.model import Connector, ConnectorSpec
from proxy.connectors.service import ConnectorService, Plan
from proxy.connectors.store import ConnectorStore
from proxy.errors import ConfigurationError
from proxy.settings import Settings

_WAIT_S = 20.0
_LARGEST = 500
_PATH = "/api/connectors/{slug}"
_TAG = "Connectors"


class WantedConnector(Model):
    """A connector to be saved, and the consequences that are accepted."""

    connector: ConnectorSpec
    confirmed_contents: int | None = Field(
        default=None,
        description="how many contents you accept becoming public, as stated in the plan",
    )
    confirmed_broken_urls: int | None = Field(
        default=None, description="how many URLs you accept breaking, as stated in the plan"
    )


class ConnectorState(Tagged):
    """An existing connector."""

    connector: ConnectorSpec
    folder_id: str
    address: tuple[Part, ...] = Field(description="its illustrative address")
    contents: int | None = Field(description="in its folder by the last reading; null: not read")
    is_being_read: bool
    last_read: str | None = Field(description="when its folder was read to the end, RFC 3339")

    @property
    def entity_tag(self) -> str:
        """Of the connector alone: counts that a sync changes must fail nobody's change."""
        return entity_tag(self.connector)


class ConnectorList(Model):
    """Every connector, by slug."""

    items: tuple[ConnectorState, ...]


class PlannedChange(Model):
    """A connector as it would be saved, or nothing if it would be removed."""

    connector: ConnectorSpec | None = Field(description="null: removed")


class BrokenUrlsQuery(Model):
    """Which page."""

    after: int = Field(0, ge=0, le=2**63 - 1, description="as the page before gives it")
    limit: int = Field(100, ge=1, le=_LARGEST)


class BrokenUrlsPage(Model):
    """URLs that a change would break, in a stable order."""

    items: tuple[BrokenUrl, ...]
    total: int = Field(description="on all pages")
    is_exact: bool = Field(description="whether all URLs that would stop working were found")
    after: int | None = Field(description="for the next page; null: there is none")


class PlannedConnector(Model):
    """What saving a connector would do; nothing is saved."""

    is_new: bool
    changed: tuple[str, ...] = Field(description="keys that would change")
    contents: int = Field(description="that would be public")
    is_estimate: bool
    becomes_public: bool = Field(
        description="whether contents could become public that are not public now"
    )
    broken_urls: BrokenUrls
    is_exact: bool = Field(description="whether all URLs that would stop working were found")


class RemovalQuery(Model):
    """The consequences of a removal that are accepted."""

    confirmed_broken_urls: int | None = Field(
        default=None, description="how many URLs you accept breaking"
    )


@dataclass(frozen=True, slots=True)
class ConnectorsApi:
    """Lists, plans, makes, changes and removes connectors."""

    settings: Settings
    store: ConnectorStore
    sync: Sync
    contents: Contents
    service: ConnectorService

    @operation("GET", "/api/connectors", tag=_TAG)
    async def list_connectors(self) -> ConnectorList:
        """List the connectors."""
        connectors = (await self.store.read()).all
        return ConnectorList(items=tuple([await self._state(each) for each in connectors]))

    @operation("POST", "/api/connectors", tag=_TAG, status=201, problems=(409, 502))
    async def create_connector(self, content: WantedConnector, caller: Caller) -> ConnectorState:
        """Create a connector: its contents become public.

        Plan it first: the number of contents that become public is to be confirmed.
        """
        wanted = _wanted(content.connector)
        await self._refuse_conflicts(wanted, is_new=True)
        return await self._apply(await self._plan(wanted), content, caller)

    @operation("POST", "/api/connectors/plan", tag=_TAG, problems=(502,))
    async def plan_connector(self, content: WantedConnector) -> PlannedConnector:
        """Show what saving a connector would do, without doing it."""
        wanted = _wanted(content.connector)
        [found] = (await self._plan(wanted, counted=wanted.enabled)).impacts
        return PlannedConnector(
            is_new=found.old is None,
            changed=tuple(sorted(found.changed)),
            contents=found.contents,
            is_estimate=found.is_at_least,
            becomes_public=found.is_wider,
            broken_urls=found.broken,
            is_exact=found.is_exact,
        )

    @operation("GET", _PATH, tag=_TAG, problems=(404,))
    async def show_connector(self, slug: str) -> ConnectorState:
        """Show a connector."""
        return await self._state(await self._known(slug))

    @operation("PUT", _PATH, tag=_TAG, problems=(404, 409, 502))
    async def change_connector(
        self, slug: str, content: WantedConnector, caller: Caller, precondition: IfMatch
    ) -> ConnectorState:
        """Change a connector.

        What would stop working, or become public, is to be confirmed: plan it first.
        """
        old = await self._known(slug)
        precondition.require(entity_tag(old))
        wanted = _wanted_of(old, content.connector)
        await self._refuse_conflicts(wanted, is_new=False)
        plan = await self._plan(wanted)
        planned_on = plan.known.of_slug(slug)
        if planned_on is not None:  # it may be another by now; what applies the plan sees the rest
            precondition.require(entity_tag(planned_on))
        return await self._apply(plan, content, caller)

    @operation("POST", f"{_PATH}/broken-urls", tag=_TAG, problems=(404, 502))
    async def list_broken_urls(
        self, slug: str, content: PlannedChange, query: BrokenUrlsQuery
    ) -> BrokenUrlsPage:
        """List every URL that a change or removal would break, page by page, without doing it."""
        old = await self._known(slug)
        wanted = None if content.connector is None else _wanted_of(old, content.connector)
        with _problems():
            found = await self.service.plan_once(old, wanted, at_most_s=_WAIT_S)
        if found.old is None:  # removed meanwhile
            raise ApiProblem(404, "There is no such connector.")
        items: list[BrokenUrl] = []
        async for each in self.service.each_broken_url(found, after=query.after):
            items.append(each)
            if len(items) > query.limit:
                break
        shown = items[: query.limit]
        return BrokenUrlsPage(
            items=tuple(shown),
            total=found.broken.total,
            is_exact=found.is_exact,
            after=shown[-1].number if len(items) > query.limit else None,
        )

    @operation("DELETE", _PATH, tag=_TAG, status=204, problems=(404, 409))
    async def remove_connector(
        self, slug: str, query: RemovalQuery, caller: Caller, precondition: IfMatch
    ) -> None:
        """Remove a connector."""
        old = await self._known(slug)
        precondition.require(entity_tag(old))
        found = await self.service.plan_removal(old)
        if found.broken.total:
            _see_confirmed("confirmed_broken_urls", query.confirmed_broken_urls, found.broken.total)
        try:
            await self.service.remove(old.slug, actor=caller.actor, planned_on=old)
        except ConfigurationError as exc:  # somebody else was quicker
            raise ApiProblem(409, exc.problems[0]) from exc

    @operation("GET", f"{_PATH}/toml", tag=_TAG, media_type="application/toml", problems=(404,))
    async def export_connector(self, slug: str) -> web.Response:
        """Send a connector as a TOML document, for `thron-connector connectors apply`."""
        connector = await self._known(slug)
        return document(export([connector]), f"{connector.slug}.toml")

    async def _known(self, slug: str) -> Connector:
        found = (await self.store.read()).of_slug(slug)
        if found is None:
            raise ApiProblem(404, "There is no such connector.")
        return found

    async def _plan(self, wanted: Connector, *, counted: bool = False) -> Plan:
        with _problems():
            return await self.service.plan([wanted], counted=counted, at_most_s=_WAIT_S)

    async def _apply(self, plan: Plan, content: WantedConnector, caller: Caller) -> ConnectorState:
        [found] = plan.impacts
        if found.public is not None:
            _see_confirmed("confirmed_contents", content.confirmed_contents, found.public)
        if found.broken.total:
            _see_confirmed(
                "confirmed_broken_urls", content.confirmed_broken_urls, found.broken.total
            )
        try:
            await self.service.apply(plan, actor=caller.actor)
        except ConfigurationError as exc:  # somebody else was quicker
            raise ApiProblem(409, exc.problems[0]) from exc
        [connector] = plan.connectors
        return await self._state(connector)

    async def _refuse_conflicts(self, wanted: Connector, *, is_new: bool) -> None:
        known = await self.store.read()
        found = conflicting_keys(wanted, known.by_slug, is_new=is_new)
        if found:
            problems = [FieldProblem(f"connector.{key}", str(text)) for key, text in found]
            raise ApiProblem(409, problems[0].detail, problems=problems)

    async def _state(self, connector: Connector) -> ConnectorState:
        sync = await self.sync.state(connector.slug)
        tally = await self.contents.tally(connector) if sync.last_ok is not None else None
        settings = self.settings
        base = settings.secure_base if connector.force_https else settings.public_base
        return ConnectorState(
            connector=connector,
            folder_id=connector.folder_id,
            address=illustrative(base, connector),
            contents=tally.contents if tally is not None else None,
            is_being_read=sync.running is not None or sync.is_asked,
            last_read=sync.last_ok.isoformat() if sync.last_ok is not None else None,
        )


def entity_tag(connector: ConnectorSpec) -> str:
    """Return the ETag of a connector as it is kept."""
    return f'"{state_of(connector)}"'


@contextmanager
def _problems() -> Iterator[None]:
    try:
        yield
    except ConfigurationError as exc:
        problems = [FieldProblem("connector", each) for each in exc.problems]
        raise ApiProblem(422, exc.problems[0], problems=problems) from exc


def _see_confirmed(field: str, confirmed: int | None, number: int) -> None:
    """Refuse what was not confirmed; fewer than were confirmed are well."""
    if confirmed is None or confirmed < number:
        wrong = FieldProblem(field, f"write {number}, or more, to accept that.")
        raise ApiProblem(409, "This has consequences that are not confirmed.", problems=[wrong])


def _wanted(spec: ConnectorSpec) -> Connector:
    """Return the connector that is wanted, unless the console has a page where its would be."""
    if spec.slug in TAKEN_BY_THE_CONSOLE:
        wrong = FieldProblem("connector.slug", f'"{spec.slug}" is reserved; choose another name.')
        raise ApiProblem(422, "Some values are not valid.", problems=[wrong])
    return Connector(**dict(spec))


def _wanted_of(old: Connector, spec: ConnectorSpec) -> Connector:
    """Return what a connector is wanted to be; its name stays."""
    if spec.slug != old.slug:
        wrong = FieldProblem("connector.slug", f'write "{old.slug}": a name cannot be changed.')
        raise ApiProblem(422, "Some values are not valid.", problems=[wrong])
    return _wanted(spec)
