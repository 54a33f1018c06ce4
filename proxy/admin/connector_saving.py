"""Connectors are made, changed and removed: planned, checked against each other, kept, and told."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.admin.set_up import Tenancy
from proxy.admin.web.i18n import Text
from proxy.connectors.changes import conflicts
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.impact import Impact, impact
from proxy.connectors.model import Connector
from proxy.connectors.service import Plan, plan
from proxy.connectors.store import ConnectorStore
from proxy.connectors.watch import ConnectorWatch
from proxy.errors import NotConfigured
from proxy.tenant import Parts


def conflicting_fields(
    connector: Connector, others: Mapping[str, Connector], *, is_new: bool
) -> tuple[tuple[str, Text], ...]:
    """Return the fields in which a connector stands in the way of others, and why.

    Args:
        connector: As it would be.
        others: Those that there are, by slug.
        is_new: Whether its slug must not be among them.
    """
    found: list[tuple[str, Text]] = []
    if is_new and connector.slug in others:
        found.append(("slug", Text("There is already a connector with this name. Choose another.")))
    found += [
        ("host", Text("The connector {slug} already has this host. Choose another.", slug=slug))
        for each in conflicts(others, [connector])
        for slug in each.slugs
        if slug != connector.slug
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class ConnectorSaving:
    """Plans, keeps and removes connectors, for pages and API alike."""

    parts: Parts
    watch: ConnectorWatch
    store: ConnectorStore

    async def planned(self, wanted: Connector) -> Plan:
        """Return what applying a connector would do, resolved in THRON.

        Raises:
            ConfigurationError: With every problem.
            NotConfigured: No tenant is connected.
            ThronError, DatabaseFailed: They cannot be asked.
        """
        if self.parts.tenant is None:
            raise NotConfigured
        return await plan(
            [wanted],
            surveyor=self.parts.tenant.surveyor,
            database=self.parts.database,
            can_force_https=self.parts.settings.can_force_https,
        )

    async def save(self, connector: Connector, *, actor: str) -> None:
        """Keep a resolved connector, and serve it.

        Raises:
            ConfigurationError: Another has its host by now.
            DatabaseFailed: It cannot be kept.
        """
        await self.store.apply([connector], actor=actor)
        await self.watch.refresh()

    async def remove(self, slug: str, *, actor: str) -> bool:
        """Remove a connector, and tell whether there was one.

        Raises:
            DatabaseFailed: It cannot be removed.
        """
        was_there = await self.store.remove(slug, actor=actor)
        await self.watch.refresh()
        return was_there

    async def impact(
        self, old: Connector, new: Connector | None, *, tenancy: Tenancy | None, wait_s: float
    ) -> Impact:
        """Return what a change does, waiting so long at most for the census of the new folder.

        Raises:
            DatabaseFailed: The catalogue cannot be read.
        """

        async def counted(connector: Connector) -> Count | None:
            if tenancy is None:
                return None
            return await tenancy.count(
                connector.folder_id, subfolders=connector.subfolders, wait_s=wait_s
            )

        return await impact(
            old,
            new,
            database=self.parts.database,
            base=self.parts.settings.public_base,
            counted=counted,
        )
