"""Connectors are made, changed and removed: planned, checked against each other, kept, and told."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.admin.parts import Console
from proxy.admin.set_up import Tenancy
from proxy.admin.web.i18n import Text
from proxy.connectors.broken_urls import BrokenUrls, broken_urls, may_lose_contents
from proxy.connectors.changes import differences
from proxy.connectors.folder_statistics import naming_of
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.impact import public_contents
from proxy.connectors.model import Connector
from proxy.connectors.service import Plan, plan
from proxy.errors import NotConfigured


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a change of a connector does to its URLs and contents.

    Attributes:
        old: As it is.
        new: As it would be, resolved; None: removed.
        changed: The keys that would differ.
        broken: URLs that would stop working.
        is_exact: Whether those were told from the whole of the new folder.
        count: The census of the new folder; None where nothing has to be counted.
        public: How many contents would be public, where more could be than now; else None.
    """

    old: Connector
    new: Connector | None
    changed: frozenset[str]
    broken: BrokenUrls
    is_exact: bool
    count: Count | None
    public: int | None

    @property
    def is_harmless(self) -> bool:
        """Whether nothing breaks and nothing more becomes public."""
        return not self.broken.total and self.public is None and self.is_exact


def conflicts(
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
        found.append(("slug", Text("There is a connector of this name. Choose another.")))
    for each in others.values():
        if connector.host and each.host == connector.host and each.slug != connector.slug:
            text = Text("The connector {slug} has this host. Choose another.", slug=each.slug)
            found.append(("host", text))
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
    await console.parts.database.apply([connector], actor=actor)
    await console.watch.refresh()


async def remove(console: Console, slug: str, *, actor: str) -> bool:
    """Remove a connector, and tell whether there was one.

    Raises:
        DatabaseFailed: It cannot be removed.
    """
    was_there = await console.parts.database.remove(slug, actor=actor)
    await console.watch.refresh()
    return was_there


async def consequences(
    console: Console,
    old: Connector,
    new: Connector | None,
    *,
    tenancy: Tenancy | None,
    wait_s: float,
) -> Consequences:
    """Return what a change does.

    Args:
        console: Has the catalogue.
        old: As it is.
        new: As it would be, resolved; None: removed.
        tenancy: To count in the new folder; None counts nothing.
        wait_s: For how long at most the census of the new folder is waited for.

    Raises:
        DatabaseFailed: The catalogue cannot be read.
    """
    count, public = None, None
    wider = new is not None and new.enabled and _reaches_further(old, new)
    loses = new is not None and old.enabled and new.enabled and may_lose_contents(old, new)
    if new is not None and tenancy is not None and (wider or loses):
        count = await tenancy.count(new.folder_id, subfolders=new.subfolders, wait_s=wait_s)
        if wider:
            public = public_contents(count, new)
    broken = await broken_urls(
        console.parts.database,
        old,
        new,
        base=console.parts.settings.public_base,
        holds=count.census.holds if count is not None else lambda _: True,
    )
    return Consequences(
        old,
        new,
        frozenset(differences(old, new)) - {"folder", "classification_id"},
        broken,
        is_exact=not loses or (count is not None and not count.is_partial),
        count=count,
        public=public,
    )


def _reaches_further(old: Connector, new: Connector) -> bool:
    """Tell whether contents could become public that are not now."""
    if not old.enabled or old.folder_id != new.folder_id:
        return True
    as_wide = new.model_copy(
        update={"content_types": old.content_types, "subfolders": old.subfolders}
    )
    named_the_same = naming_of(as_wide) == naming_of(old)
    return (
        bool(new.content_types - old.content_types)
        or (new.subfolders and not old.subfolders)
        or (old.only_published and not new.only_published)
        or not named_the_same
    )


def resolved(old: Connector, wanted: Connector) -> Connector | None:
    """Return a connector with what THRON resolved for it before; None if it has to be asked."""
    same_folder = wanted.folder in {old.folder, old.folder_id}
    if not same_folder or not old.folder_id:
        return None
    if (wanted.identifier, wanted.metadata) != (old.identifier, old.metadata):
        return None
    return wanted.model_copy(
        update={
            "folder": old.folder,
            "folder_id": old.folder_id,
            "classification_id": old.classification_id,
        }
    )
