"""What a change of a connector does: the URLs that break, and how many contents become public.

The commands, the API and the console tell the number of contents, so it is counted here alone.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from proxy.catalogue.database import Database
from proxy.connectors.broken_urls import BrokenUrls, broken_urls
from proxy.connectors.changes import Reason, break_reasons, differences
from proxy.connectors.folder_statistics import Census, Figures
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.identifiers import Naming, naming_of
from proxy.connectors.model import Connector


@dataclass(frozen=True, slots=True)
class Impact:
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


async def impact(
    old: Connector,
    new: Connector | None,
    *,
    database: Database,
    base: str,
    counted: Callable[[Connector], Awaitable[Count | None]],
) -> Impact:
    """Return what a change does.

    Args:
        old: As it is.
        new: As it would be, resolved; None: removed.
        database: Has the catalogue.
        base: Of public URLs.
        counted: Gives the census of a connector's folder; None where it is not to be had. It is
            asked for only where it matters.

    Raises:
        DatabaseFailed: The catalogue cannot be read.
    """
    count, public = None, None
    wider = new is not None and new.enabled and reaches_further(old, new)
    loses = Reason.FOLDER in break_reasons(old, new)
    if new is not None and (wider or loses):
        count = await counted(new)
        if count is not None and wider:
            public = public_contents(count, new)
    broken = await broken_urls(
        database,
        old,
        new,
        base=base,
        holds=count.census.holds if count is not None else lambda _: True,
    )
    return Impact(
        old,
        new,
        frozenset(differences(old, new)) - {"folder", "classification_id"},
        broken,
        is_exact=not loses or (count is not None and not count.is_partial),
        count=count,
        public=public,
    )


def reaches_further(old: Connector, new: Connector) -> bool:
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


def public_contents(count: Count, connector: Connector) -> int:
    """Return how many contents a connector makes public.

    Of a census of a part, it is THRON's estimate where every content that was counted has an
    address; else those that were counted, as nobody knows how many of the others have one.
    """
    figures = figures_of(count, naming_of(connector), connector)
    if count.is_done and count.is_partial and figures.have == figures.contents:
        return max(figures.have, count.expected or 0)
    return figures.have


def is_estimate(count: Count, connector: Connector) -> bool:
    """Tell whether that number is of a part of the folder."""
    is_of_part = is_from_legacy(count, naming_of(connector)) and not count.is_legacy_whole
    return count.is_partial or is_of_part


def figures_of(count: Count, naming: Naming, connector: Connector) -> Figures:
    """Return what a naming would do for a connector's types."""
    return census_of(count, naming).figures(
        naming, connector.content_types, only_published=connector.only_published
    )


def census_of(count: Count, naming: Naming) -> Census:
    """Return the census that shows what a naming would do."""
    return count.legacy if is_from_legacy(count, naming) else count.census


def is_from_legacy(count: Count, naming: Naming) -> bool:
    """Tell whether the figures of a naming are of the part that shows legacy metadata."""
    legacy, census = count.legacy.figures(naming), count.census.figures(naming)
    return naming.metadata is not None and not census.have and bool(legacy.have)
