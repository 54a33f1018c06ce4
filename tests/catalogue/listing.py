"""A sandbox that is listed into a catalogue of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from proxy.backoff import Backoff
from proxy.catalogue.database import Database
from proxy.catalogue.fingerprints import Fingerprints
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.folder_sync import FolderSync
from proxy.catalogue.queries import Contents
from proxy.catalogue.sync_runs import Run, RunKind, SyncRunStore
from proxy.connectors.model import Connector
from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper


@dataclass(frozen=True, slots=True)
class Listed:
    """A sandbox, its listing, and the database that it is entered into."""

    thron: Sandbox
    keeper: TokenKeeper
    listing: FolderListing
    database: Database

    @property
    def search(self) -> Search:
        """A search that has asked nothing yet."""
        return Search(self.keeper, client_id=self.thron.client_id)

    @property
    def contents(self) -> Contents:
        """What is read of the catalogue."""
        return Contents(self.database)

    @property
    def runs(self) -> SyncRunStore:
        """The runs."""
        return SyncRunStore(self.database)

    async def full(self, connector: Connector) -> Run:
        """List a folder whole."""
        return await self._run(connector, RunKind.FULL)

    async def delta(self, connector: Connector) -> Run:
        """List what changed in a folder."""
        return await self._run(connector, RunKind.DELTA)

    async def ids(self, connector: Connector) -> set[str]:
        """Return the ids of the contents that the catalogue has."""
        return {line.content_id async for line in self.contents.each(connector)}

    async def lines(self, connector: Connector) -> dict[str, str]:
        """Return the status of every value."""
        return {
            line.value: line.status.value
            async for line in self.contents.each(connector)
            if line.value is not None
        }

    async def _run(self, connector: Connector, kind: RunKind) -> Run:
        await Fingerprints(self.database).fit(connector, client_id=self.thron.client_id)
        return await FolderSync(self.database, self.listing).run(connector, kind)


@asynccontextmanager
async def listing(thron: Sandbox, place: Path | str) -> AsyncIterator[Listed]:
    """Open a listing that does not wait before it asks again.

    Args:
        thron: Running.
        place: A directory for the database, or its URL.
    """
    url = place if isinstance(place, str) else str(place / "c.db")
    credentials = Credentials(thron.client_id, thron.app_id, thron.app_key)
    async with aiohttp.ClientSession() as http, Database.open(url) as database:
        client = Client(http, api_url=thron.api_url)
        async with TokenKeeper(client, credentials, now=lambda: 0.0, random=lambda: 0.5) as keeper:
            search = Search(keeper, client_id=thron.client_id)
            asks = FolderListing(keeper, search, backoff=Backoff(0, 0))
            yield Listed(thron, keeper, asks, database)


def on_root(thron: Sandbox, connector: Connector, **more: Any) -> Connector:
    """Return a connector on the root folder of the sandbox, resolved."""
    folder = thron.root_folder_id
    return connector.model_copy(update={"folder": folder, "folder_id": folder, **more})
