"""How many contents a connector makes public, by the census of its folder.

The commands, the API and the console tell this number, so it is counted here alone.
"""

from proxy.connectors.folder_statistics import Census, Figures, Naming, naming_of
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.model import Connector


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
