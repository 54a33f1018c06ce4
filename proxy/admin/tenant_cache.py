"""What the set-up of connectors knows of THRON: folders, definitions of metadata, statistics."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from proxy.admin.capabilities import proposed
from proxy.connectors.addressability import is_id
from proxy.connectors.folder_statistics import FolderScope, FolderStatistics
from proxy.connectors.folder_statistics_cache import FolderStatisticsCache
from proxy.connectors.folder_tree import Folder, FolderTree, folder_of
from proxy.connectors.folders import Folders
from proxy.connectors.metadata_choices import MetadataChoice, choices
from proxy.connectors.metadata_definitions import definitions
from proxy.connectors.ttl_value import TtlValue
from proxy.delivery.mode_trial import Proposal
from proxy.errors import GatewayError
from proxy.tenant import TenantConnection
from proxy.thron.folder import MetadataDefinition, category
from proxy.thron.retry import Retrying
from proxy.thron.search import Search
from proxy.thron.token_keeper import TokenKeeper

_DEFINITIONS_FRESH_S = 120.0
_PROPOSAL_FRESH_S = 120.0


@dataclass(frozen=True, slots=True)
class TenantCache:
    """What is remembered of the tenant for those who set up connectors.

    Attributes:
        connection: Which tenant that is.
        folders: The tree.
        definitions: Of custom metadata; None where the application may not see them.
        proposals: The mode of delivery that works.
    """

    connection: TenantConnection
    folders: Folders
    definitions: TtlValue[tuple[MetadataDefinition, ...] | None]
    proposals: TtlValue[Proposal]

    @classmethod
    def of(cls, connection: TenantConnection, *, now: Callable[[], float]) -> Self:
        """Return what remembers nothing yet.

        Args:
            connection: To the tenant.
            now: Monotonic time, in seconds.
        """

        async def propose(_thron: TokenKeeper, _client_id: str) -> Proposal:
            return await proposed(connection.connected)

        return cls(
            connection,
            folders=Folders(now=now),
            definitions=TtlValue(definitions, fresh_s=_DEFINITIONS_FRESH_S, now=now),
            proposals=TtlValue(propose, fresh_s=_PROPOSAL_FRESH_S, now=now),
        )

    def queries(self) -> "TenantQueries":
        """Return whom to ask.

        Raises:
            NotConfigured: No tenant is connected.
        """
        tenant = self.connection.connected
        return TenantQueries(self, tenant.search, tenant.statistics, tenant.client_id)


@dataclass(frozen=True, slots=True)
class TenantQueries:
    """Asks about the tenant that is connected; made for one request.

    Attributes:
        searching: Asks it.
        counting: Counts its folders.
        client_id: Its name.
    """

    tenant_cache: TenantCache
    searching: Search
    counting: FolderStatisticsCache
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
        return await self.tenant_cache.folders.tree(self.thron, client_id=self.client_id)

    async def search(
        self, text: str, *, language: str
    ) -> tuple[FolderTree, tuple[Folder, ...], int]:
        """Return its folders, those that fit a search, and how many more there are.

        Raises:
            ConfigurationError, ThronError: As Folders.
        """
        return await self.tenant_cache.folders.search(
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

    async def statistics(
        self, folder_id: str, *, subfolders: bool, wait_s: float = 0.0, anew: bool = False
    ) -> FolderStatistics:
        """Return the statistics of a folder, as far as they are after so many seconds."""
        scope = FolderScope(folder_id, subfolders)
        return await self.counting.settled(scope, at_most_s=wait_s, anew=anew)

    async def metadata(self, statistics: FolderStatistics) -> tuple[MetadataChoice, ...]:
        """Return the custom metadata to choose from, with what contents were seen to have.

        Raises:
            ThronError: THRON cannot be asked.
        """
        defined = await self.tenant_cache.definitions.of(self.thron, self.client_id)
        legacy = (each for each in statistics.legacy.metadata if each.classification_id is None)
        return choices(defined, (*statistics.listed.metadata, *legacy))

    async def proposal(self, *, wait_s: float) -> Proposal | None:
        """Return the mode of delivery that works; None if it is not known within some seconds."""
        try:
            async with asyncio.timeout(wait_s):
                return await self.tenant_cache.proposals.of(self.thron, self.client_id)
        except (TimeoutError, GatewayError):
            return None
