"""What the last login gave, kept in the database: known links then outlive a restart.

Kept are the share key and the root folder, never the token.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from proxy.catalogue.database import Database
from proxy.catalogue.polling import INTERVAL_S, polling
from proxy.catalogue.tenant import Tenant
from proxy.errors import DatabaseFailed
from proxy.thron.tokens import Credentials, Session, TokenKeeper


class KeptLogin:
    """Follows the logins of one tenant, and knows what an earlier process was given."""

    def __init__(self, database: Database, thron: TokenKeeper, credentials: Credentials) -> None:
        self._database = database
        self._thron = thron
        self._client_id, self._app_id = credentials.client_id, credentials.app_id
        self._kept: Session | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        database: Database,
        thron: TokenKeeper,
        credentials: Credentials,
        *,
        interval_s: float = INTERVAL_S,
    ) -> AsyncIterator[Self]:
        """Keep what every login gives until the end of the block."""
        self = cls(database, thron, credentials)
        async with polling("login", self.refresh, interval_s=interval_s):
            yield self

    async def refresh(self) -> None:
        """Keep what the newest login gave.

        Raises:
            DatabaseFailed: The database does not answer; it is tried again.
        """
        session = self._thron.known
        if session is None or session is self._kept:
            return
        await self._database.keep_login(
            Tenant(
                client_id=self._client_id,
                app_id=self._app_id,
                pkey=session.pkey,
                root_category_id=session.root_category_id,
            )
        )
        self._kept = session

    async def pkey(self) -> str | None:
        """Return the share key of the last login that was kept; None without any."""
        try:
            kept = await self._database.tenant_soon()
        except DatabaseFailed:
            return None  # then the login is waited for
        if kept is None or (kept.client_id, kept.app_id) != (self._client_id, self._app_id):
            return None
        return kept.pkey
