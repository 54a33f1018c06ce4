"""Connectors are made, changed and removed: planned, checked against each other, kept, and told."""

from collections.abc import Mapping

from proxy.admin.parts import Console
from proxy.admin.set_up import Tenancy
from proxy.admin.web.i18n import Text
from proxy.connectors.changes import conflicts
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.impact import Impact, impact
from proxy.connectors.model import Connector
from proxy.connectors.service import Plan, plan
from proxy.connectors.store import ConnectorStore
from proxy.errors import NotConfigured


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


async def planned(console: Console, wanted: Connector) -> Plan:
    """Return what applying a connector would do, resolved in THRON.

    Raises:
        ConfigurationError: With every problem.
        NotConfigured: No tenant is connected.
        ThronError, DatabaseFailed: They cannot be asked.
    """
    parts = console.parts
    if parts.tenant is None:
        raise NotConfigured
    return await plan(
        [wanted],
        surveyor=parts.tenant.surveyor,
        database=parts.database,
        can_force_https=parts.settings.can_force_https,
    )


async def save(console: Console, connector: Connector, *, actor: str) -> None:
    """Keep a resolved connector, and serve it.

    Raises:
        ConfigurationError: Another has its host by now.
        DatabaseFailed: It cannot be kept.
    """
    await ConnectorStore(console.parts.database).apply([connector], actor=actor)
    await console.watch.refresh()


async def remove(console: Console, slug: str, *, actor: str) -> bool:
    """Remove a connector, and tell whether there was one.

    Raises:
        DatabaseFailed: It cannot be removed.
    """
    was_there = await ConnectorStore(console.parts.database).remove(slug, actor=actor)
    await console.watch.refresh()
    return was_there


async def told_impact(
    console: Console,
    old: Connector,
    new: Connector | None,
    *,
    tenancy: Tenancy | None,
    wait_s: float,
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
        database=console.parts.database,
        base=console.parts.settings.public_base,
        counted=counted,
    )
