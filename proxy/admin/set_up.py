"""What the set-up of connectors knows of THRON: folders, definitions of metadata, censuses."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Self

from proxy.admin.capabilities import proposed
from proxy.connectors.addressability import is_id
from proxy.connectors.folder_statistics_cache import Censuses, Count, Place
from proxy.connectors.folder_tree import Folder, FolderTree, folder_of
from proxy.connectors.folders import Folders
from proxy.connectors.metadata_choices import MetadataChoice, choices
from proxy.connectors.metadata_definitions import definitions
from proxy.connectors.ttl_value import Remembered
from proxy.delivery.mode_trial import Proposal
from proxy.errors import GatewayError, NotConfigured
from proxy.tenant import TenantConnection
from proxy.thron.folder import MetadataDefinition, category
from proxy.thron.retry import Retrying
from proxy.thron.search import Search
from proxy.thron.token_keeper import TokenKeeper

_DEFINITIONS_FRESH_S = 120.0
_PROPOSAL_FRESH_S = 120.0


@dataclass(frozen=True, slots=True)
class Surveying:
    """What is remembered of the tenant for those who set up connectors.

    Attributes:
        connection: Which tenant that is.
        folders: The tree.
        definitions: Of custom metadata; None where the application may not see them.
        censuses: Of folders.
        proposals: The mode of delivery that works.
    """

    connection: TenantConnection
    folders: Folders
    definitions: Remembered[tuple[MetadataDefinition, ...] | None]
    censuses: Censuses
    proposals: Remembered[Proposal]

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: TenantConnection) -> AsyncIterator[Self]:
        """Remember until the end of the block."""

        async def propose(_thron: TokenKeeper, _client_id: str) -> Proposal:
            if connection.tenant is None:
                raise NotConfigured
            return await proposed(connection.tenant)

        now = time.monotonic
        async with Censuses.open(now=now) as censuses:
            yield cls(
                connection,
                folders=Folders(now=now),
                definitions=Remembered(definitions, fresh_s=_DEFINITIONS_FRESH_S, now=now),
                censuses=censuses,
                proposals=Remembered(propose, fresh_s=_PROPOSAL_FRESH_S, now=now),
            )

    def tenancy(self) -> "Tenancy":
        """Return whom to ask.

        Raises:
            NotConfigured: No tenant is connected.
        """
        tenant = self.connection.tenant
        if tenant is None:
            raise NotConfigured
        return Tenancy(self, tenant.search, tenant.client_id)


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Asks about the tenant that is connected; made for one request.

    Attributes:
        searching: Asks it.
        client_id: Its name.
    """

    surveying: Surveying
    searching: Search
    client_id: str

    @property
    def thron(self) -> TokenKeeper:
        """Asks with the token."""
        return self.searching.thron

    async def tree(self) -> FolderTree:
        """Return its folders.

        Raises:
            ConfigurationError, ThronError: As Folders.
        """
        return await self.surveying.folders.tree(self.thron, client_id=self.client_id)

    async def search(
        self, text: str, *, language: str
    ) -> tuple[FolderTree, tuple[Folder, ...], int]:
        """Return its folders, those that fit a search, and how many more there are.

        Raises:
            ConfigurationError, ThronError: As Folders.
        """
        return await self.surveying.folders.search(
            self.thron, text, client_id=self.client_id, language=language
        )

    async def folder(self, key: str) -> Folder | None:
        """Return a folder by id or prettyId; None if the application does not see it.

        Raises:
            ConfigurationError, ThronError: As Folders.
        """
        tree = await self.tree()
        known = tree.of(key)
        if known is not None or not tree.is_partial or not is_id(key):
            return known
        found = await Retrying(self.thron).ask(category(self.client_id, key))
        return folder_of(found) if found and tree.root.id in found.ancestor_ids else None

    async def count(
        self, folder_id: str, *, subfolders: bool, wait_s: float = 0.0, anew: bool = False
    ) -> Count:
        """Return the census of a folder, done if that does not take longer than so many seconds."""
        place = Place(self.client_id, folder_id, subfolders)
        censuses = self.surveying.censuses
        if anew:
            censuses.of(self.searching, place, anew=True)
        return await censuses.settled(self.searching, place, at_most_s=wait_s)

    async def metadata(self, count: Count) -> tuple[MetadataChoice, ...]:
        """Return the custom metadata to choose from, with what contents were seen to have.

        Raises:
            ThronError: THRON cannot be asked.
        """
        defined = await self.surveying.definitions.of(self.thron, self.client_id)
        legacy = (each for each in count.legacy.metadata if each.classification_id is None)
        return choices(defined, (*count.census.metadata, *legacy))

    async def proposal(self, *, wait_s: float) -> Proposal | None:
        """Return the mode of delivery that works; None if it is not known within some seconds."""
        try:
            async with asyncio.timeout(wait_s):
                return await self.surveying.proposals.of(self.thron, self.client_id)
        except (TimeoutError, GatewayError):
            return None
