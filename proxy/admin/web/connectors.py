"""The connectors that there are."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from proxy.admin.auth.request_context import CONTEXT
from proxy.admin.tenant_cache import TenantCache
from proxy.admin.web import pages
from proxy.admin.web.connector_labels import NAMES
from proxy.admin.web.rendering import render
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync import Sync
from proxy.catalogue.sync_runs import SyncState
from proxy.catalogue.url_rows import Tally
from proxy.connectors.addresses import Part, illustrative
from proxy.connectors.document import export
from proxy.connectors.model import Connector
from proxy.connectors.store import ConnectorWatch
from proxy.errors import ConfigurationError, DatabaseFailed, ThronError
from proxy.settings import Settings
from proxy.tenant import TenantConnection

# The list does not wait longer for the folders' names: their ids do as well.
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class ListedConnector:
    """A connector in the list.

    Attributes:
        root: What its addresses begin with.
        pattern: What comes after, its variable parts marked.
        folder: The folder's name, else as it was written.
        tally: Of its contents; None where they cannot be read.
        sync: How they are kept.
    """

    connector: Connector
    root: str
    pattern: tuple[Part, ...]
    folder: str
    tally: Tally | None
    sync: SyncState | None


@dataclass(frozen=True, slots=True)
class ConnectorsPages:
    """The list of connectors."""

    settings: Settings
    connection: TenantConnection
    watch: ConnectorWatch
    sync: Sync
    contents: Contents
    tenant_cache: TenantCache

    @pages.get("/connectors")
    async def show(self, request: web.Request) -> web.Response:
        """Show the list."""
        connectors = self.watch.connectors.all
        names = await folder_names(self.tenant_cache, request) if connectors else {}
        states = {each.connector: each for each in await self.sync.states()} if connectors else {}
        shown = [
            await self._listed(each, names.get(each.folder_id, each.folder), states.get(each.slug))
            for each in connectors
        ]
        return render(
            request,
            "connectors.html",
            **NAMES,
            shown=shown,
            is_connected=self.connection.tenant is not None,
        )

    @pages.get("/connectors.toml")
    async def export_all(self, _request: web.Request) -> web.Response:
        """Send every connector as a TOML document."""
        return document(export(self.watch.connectors.all), "connectors.toml")

    async def _listed(
        self, connector: Connector, folder: str, sync: SyncState | None
    ) -> ListedConnector:
        base = self.settings.secure_base if connector.force_https else self.settings.public_base
        first, *pattern = illustrative(base, connector)
        try:
            tally = await self.contents.tally(connector)
        except DatabaseFailed:
            tally = None
        return ListedConnector(
            connector, first.text.removesuffix("/"), tuple(pattern), folder, tally, sync
        )


def document(text: str, name: str) -> web.Response:
    """Return a TOML document to save."""
    return web.Response(
        text=text,
        content_type="application/toml",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


async def folder_names(tenant_cache: TenantCache, request: web.Request) -> dict[str, str]:
    """Return the folders' names by their ids; none where THRON does not tell in time."""
    language = request[CONTEXT].language.value
    try:
        tree = await asyncio.wait_for(tenant_cache.queries().tree(), _PATIENCE_S)
    except (ThronError, ConfigurationError, TimeoutError):
        return {}
    return {folder.id: folder.name(language) for _, folder in tree.each()}
