"""What can be done with one content: its URL explained, and what is known of it forgotten."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from proxy.catalogue.database import Database
from proxy.catalogue.purges import Purge, PurgeKind, PurgeStore
from proxy.catalogue.queries import Contents
from proxy.connectors.addressability import is_id
from proxy.connectors.store import ConnectorWatch
from proxy.delivery.explain import DiagnosisStep
from proxy.errors import GatewayError, NotConfigured
from proxy.tenant import TenantConnection
from proxy.thron.messages import detail_source

_A_MOMENT_S = 1.0


@dataclass(frozen=True, slots=True)
class ContentActions:
    """Does it, for pages and API alike."""

    database: Database
    connection: TenantConnection
    watch: ConnectorWatch
    contents: Contents

    async def explained(self, url: str) -> tuple[DiagnosisStep, ...]:
        """Return the steps from a public URL to the first octet of its content."""
        tenant = self.connection.tenant
        if tenant is None:
            return (DiagnosisStep("content", NotConfigured.public, is_ok=False),)
        steps = tenant.explainer.explain(url, self.watch.connectors)
        return tuple([each async for each in steps])

    async def note_version(self, content_id: str) -> None:
        """Remember the version of the source file that THRON has now, for the versions seen.

        A page neither fails without it nor waits for it longer than a moment.
        """
        tenant = self.connection.tenant
        if tenant is None:
            return
        with suppress(GatewayError, TimeoutError):
            async with asyncio.timeout(_A_MOMENT_S):
                file = await tenant.thron.ask(detail_source(tenant.client_id, content_id))
                if file is not None:
                    await self.contents.note_version(content_id, file)

    async def forget(self, content_id: str, *, actor: str) -> None:
        """Order every process to forget the resolutions of a content, if it can have any."""
        if is_id(content_id):
            await PurgeStore(self.database).order(Purge(PurgeKind.CONTENT, content_id), actor=actor)
