"""The THRON tenant that is connected; new credentials connect another."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from proxy.catalogue.database import Database
from proxy.catalogue.folder_listing import FolderListing
from proxy.catalogue.purges import Purge, PurgeKind
from proxy.catalogue.tenant import TenantStore
from proxy.connectors.folder_statistics_cache import FolderStatisticsCache
from proxy.connectors.preview import Previewer
from proxy.delivery.circuit_breaker import Outage
from proxy.delivery.delivery_builder import DeliveryBuilder
from proxy.delivery.explain import Explainer
from proxy.delivery.origin import Origins
from proxy.delivery.resolver import Resolver
from proxy.errors import ConfigurationError, NotConfigured
from proxy.settings import Settings
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper, TokenState

log = structlog.get_logger("proxy.tenant")

LOST_KEY = (
    "the kept credentials were encrypted with another key: restore the key file beside the database"
    " or TDC_SECRET_KEY, or give the credentials anew"
)


@dataclass(frozen=True, slots=True)
class Tenant:
    """The parts that talk to one THRON tenant.

    Attributes:
        client_id: Its name in THRON.
        api_url: Base of its API.
        thron: Keeps the token, and asks with it.
        statistics: Of its folders.
        previewer: What a connector would make public.
        listing: The contents of a connector's folder.
        delivery_builder: Content -> Delivery.
        resolver: Address -> Delivery.
        origins: Delivery -> bytes.
        explainer: The same way, step by step.
    """

    client_id: str
    api_url: str
    thron: TokenKeeper
    search: Search
    statistics: FolderStatisticsCache
    previewer: Previewer
    listing: FolderListing
    delivery_builder: DeliveryBuilder
    resolver: Resolver
    origins: Origins
    explainer: Explainer

    async def purge(self, *purges: Purge) -> None:
        """Forget resolutions, and where somebody ordered it failures of the last seconds."""
        await self.resolver.purge(*purges)
        if any(each.kind is not PurgeKind.CHANGED for each in purges):
            await self.origins.forget_failures()


class Resolutions(NamedTuple):
    """What a resolver holds: how many answers, and the outage that it has met."""

    remembered: int = 0
    outage: Outage | None = None


OpenTenant = Callable[[Credentials], AbstractAsyncContextManager[Tenant]]


class TenantConnection:
    """Connects the tenant that the settings name, or the one whose credentials the database has."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        open_tenant: OpenTenant,
        opened: AsyncExitStack,
    ) -> None:
        """Make a connection to no tenant yet.

        Args:
            settings: May hold credentials.
            database: May hold others.
            open_tenant: Makes the parts that talk to a tenant.
            opened: Closes them at the end. What is connected once stays open until then, so that
                a change of credentials breaks no download that runs.
        """
        self._settings = settings
        self._database = database
        self._open_tenant = open_tenant
        self._opened = opened
        self._credentials: Credentials | None = None
        self._connecting = asyncio.Lock()  # the console asks for it, and so does the watch
        self.tenant: Tenant | None = None
        self.is_key_lost = False

    @property
    def connected(self) -> Tenant:
        """The tenant that is connected.

        Raises:
            NotConfigured: None is.
        """
        if self.tenant is None:
            raise NotConfigured
        return self.tenant

    async def refresh(self) -> None:
        """Connect the tenant whose credentials there are, unless it is connected already.

        Raises:
            ConfigurationError: TDC_CA_FILE cannot be used.
            DatabaseFailed: The database does not answer.
        """
        async with self._connecting:
            credentials = await self._known_credentials()
            if credentials is None or credentials == self._credentials:
                return
            opening = self._open_tenant(credentials)
            self.tenant = await self._opened.enter_async_context(opening)
            self._credentials = credentials
            log.info("tenant", client_id=credentials.client_id)

    async def purge(self, *purges: Purge) -> None:
        """Forget resolutions of the tenant, if one is connected."""
        if self.tenant is not None:
            await self.tenant.purge(*purges)

    def not_ready(self) -> Sequence[str]:
        """Return why nothing can be answered; while answers from before exist, something can."""
        if self.tenant is None:
            return ["no credentials: give them in the console, or by TDC_CLIENT_ID and the like"]
        state = self.tenant.thron.state
        if state.logged_in or self.tenant.resolver.is_warm:
            return []
        return [state.problem or "not logged in to THRON yet"]

    def resolutions(self) -> Resolutions:
        """Return what the tenant's resolver holds; nothing in the set-up state."""
        if self.tenant is None:
            return Resolutions()
        return Resolutions(self.tenant.resolver.remembered, self.tenant.resolver.outage)

    def token_state(self) -> TokenState | None:
        """Return how the session with THRON stands; None in the set-up state."""
        return self.tenant.thron.state if self.tenant is not None else None

    async def _known_credentials(self) -> Credentials | None:
        settings = self._settings
        if settings.client_id and settings.app_id and settings.app_key:
            key = settings.app_key.get_secret_value()
            return Credentials(settings.client_id, settings.app_id, key, settings.username)
        kept = await TenantStore(self._database).read()
        is_key_lost = kept is not None and kept.app_key is None
        if is_key_lost and not self.is_key_lost:  # told once: this is asked every second
            log.error("credentials cannot be decrypted", fix=LOST_KEY)
        self.is_key_lost = is_key_lost
        if kept is None or kept.app_key is None:
            return None
        return Credentials(kept.client_id, kept.app_id, kept.app_key, kept.username)


@dataclass(frozen=True, slots=True)
class AppContext:
    """What every command works with.

    Attributes:
        settings: As loaded.
        database: Open.
        connection: Which tenant is connected.
        try_tenant: Opens one beside it, to try credentials before they are kept.
    """

    settings: Settings
    database: Database
    connection: TenantConnection
    try_tenant: OpenTenant

    @property
    def tenant(self) -> Tenant | None:
        """The tenant that is connected; None in the set-up state."""
        return self.connection.tenant

    def require_tenant(self) -> Tenant:
        """Return it; a ConfigurationError names the settings where there is none."""
        if self.tenant is None:
            raise ConfigurationError(
                ["No credentials: set TDC_CLIENT_ID, TDC_APP_ID and TDC_APP_KEY (docs/connect.md)."]
            )
        return self.tenant
