"""How many contents of a folder each type and each identifier would make public; pure.

Contents are counted one by one and forgotten; what is remembered of an address is its hash, and
which contents claim it. So the memory is bounded, and any choice of types can be told afterwards.
"""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from proxy.connectors.identifiers import STRATEGIES, Naming, Strategy, claims, naming_of
from proxy.connectors.model import ALL_CONTENT_TYPES, Connector
from proxy.errors import GatewayError
from proxy.thron.content import Content, ContentType, Publication, publication

# Up to here numbers are exact; of a larger folder they are told as "at least".
MOST_CONTENTS = 20_000
MOST_ADDRESSES = 200_000

# Of each type so many contents are remembered whole, as examples for each naming.
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Figures:
    """What a naming would do for the contents that would be served of some types.

    Attributes:
        contents: All of them.
        have: Those with an address.
        collide: Of those, how many share an address with another; the oldest of them has it.
    """

    contents: int
    have: int
    collide: int

    @property
    def lack(self) -> int:
        """Those without an address."""
        return self.contents - self.have

    @property
    def alone(self) -> int:
        """Those with an address of their own."""
        return self.have - self.collide


# A type, and whether THRON publishes the content.
_Kind = tuple[str, bool]


@dataclass(slots=True)
class _Claims:
    """What one naming does, so far."""

    template: Connector
    have: Counter[_Kind] = field(default_factory=Counter)
    first: dict[int, int] = field(default_factory=dict)
    shared: dict[int, list[int]] = field(default_factory=dict)
    examples: dict[_Kind, list[Content]] = field(default_factory=dict)


class ContentCounter:
    """Counts contents.

    Args:
        most_contents: So many are counted; then it is full, and tells of a part.
        most_addresses: The same of addresses.
    """

    def __init__(
        self, *, most_contents: int = MOST_CONTENTS, most_addresses: int = MOST_ADDRESSES
    ) -> None:
        self._most_contents = most_contents
        self._most_addresses = most_addresses
        self._ids: set[str] = set()
        self._kinds: list[_Kind] = []
        self._addresses = 0
        self._counted: Counter[_Kind] = Counter()
        self._by: dict[Naming, _Claims] = {}

    @property
    def seen(self) -> int:
        """How many contents have been counted, whether or not they are published."""
        return len(self._ids)

    @property
    def is_full(self) -> bool:
        """Whether no more can be counted."""
        return len(self._ids) >= self._most_contents or self._addresses >= self._most_addresses

    def count(self, content: Content) -> None:
        """Count a content of the folder, once."""
        if content.id in self._ids or self.is_full:
            return
        self._ids.add(content.id)
        if content.content_type not in ALL_CONTENT_TYPES:
            return
        found = publication(content.status, content.channels)
        kind = content.content_type, found is Publication.PUBLISHED
        self._counted[kind] += 1
        number = len(self._kinds)
        self._kinds.append(kind)
        for each in STRATEGIES.values():
            for naming in each.namings(content):
                self._claim(each, naming, content, number)

    def holds(self, content_id: str) -> bool:
        """Tell whether a content was counted."""
        return content_id in self._ids

    def published(self, types: Collection[ContentType] = ALL_CONTENT_TYPES) -> int:
        """Return how many contents of some types are published."""
        return sum(self._counted[each.value, True] for each in types)

    def unpublished(self, types: Collection[ContentType] = ALL_CONTENT_TYPES) -> int:
        """Return how many contents of some types are not published."""
        return sum(self._counted[each.value, False] for each in types)

    @property
    def metadata(self) -> tuple[Naming, ...]:
        """The custom metadata that contents have, by their keys."""
        return tuple(sorted((each for each in self._by if each.metadata is not None), key=_order))

    def figures(
        self,
        naming: Naming,
        types: Collection[ContentType] = ALL_CONTENT_TYPES,
        *,
        only_published: bool = True,
    ) -> Figures:
        """Return what a naming would do for contents of some types."""
        kinds = _kinds(types, only_published=only_published)
        contents = sum(self._counted[each] for each in kinds)
        found = self._by.get(naming)
        if found is None:
            return Figures(contents, 0, 0)
        colliding: set[int] = set()
        for rivals in found.shared.values():
            chosen = [each for each in rivals if self._kinds[each] in kinds]
            if len(chosen) > 1:
                colliding.update(chosen)
        return Figures(contents, sum(found.have[each] for each in kinds), len(colliding))

    def examples(
        self,
        naming: Naming,
        types: Collection[ContentType] = ALL_CONTENT_TYPES,
        *,
        only_published: bool = True,
        limit: int = _EXAMPLES,
    ) -> tuple[Content, ...]:
        """Return some contents that have an address, of as many types as can be."""
        found = self._by.get(naming)
        if found is None:
            return ()
        kinds = _kinds(types, only_published=only_published)
        by_type = [found.examples.get(each, []) for each in kinds]
        turns = (each[turn] for turn in range(_EXAMPLES) for each in by_type if turn < len(each))
        return tuple(dict.fromkeys(turns))[:limit]

    def _claim(self, by: Strategy, naming: Naming, content: Content, number: int) -> None:
        if naming not in self._by:
            self._by[naming] = _Claims(_template(naming))
        found = self._by[naming]
        claimed = claims(found.template, content)
        if not claimed:
            return
        kind = self._kinds[number]
        found.have[kind] += 1
        examples = found.examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(content)
        if by.is_permanent:
            return  # these never collide
        # A shortened language stands in nobody's way: its claim gives way, and others are left.
        for address in (hash(each) for each in claimed if not each.is_shortened):
            first = found.first.setdefault(address, number)
            if first == number:
                self._addresses += 1
            else:
                rivals = found.shared.setdefault(address, [first])
                if rivals[-1] != number:
                    rivals.append(number)
                    self._addresses += 1


@dataclass(frozen=True, slots=True)
class FolderScope:
    """Which folder is counted, and whether those below it count too."""

    folder_id: str
    subfolders: bool = True


def scope_of(connector: Connector) -> FolderScope:
    """Return what a resolved connector serves."""
    return FolderScope(connector.folder_id, connector.subfolders)


@dataclass(slots=True)
class FolderStatistics:
    """What is known of a folder's contents, while they are counted and afterwards.

    Attributes:
        listed: What a search lists.
        legacy: What has legacy metadata, which no search shows (docs/thron.md 4.1).
        is_legacy_whole: Whether all contents were looked through for these.
        expected: THRON's estimate of how many contents there are, to show how far it is.
        is_done: Whether counting has ended, one way or the other.
        is_whole: Whether all contents were counted; else each number is "at least".
        failure: Why it ended early.
        problem: The same in words, with the fix.
    """

    listed: ContentCounter = field(default_factory=ContentCounter)
    legacy: ContentCounter = field(default_factory=ContentCounter)
    is_legacy_whole: bool = False
    expected: int | None = None
    is_done: bool = False
    is_whole: bool = False
    failure: GatewayError | None = None
    problem: str | None = None

    @property
    def is_partial(self) -> bool:
        """Whether the figures are of a part: it runs still, it failed, or there are too many."""
        return not self.is_whole

    def is_from_legacy(self, naming: Naming) -> bool:
        """Tell whether a naming's figures are of what has legacy metadata."""
        legacy, listed = self.legacy.figures(naming), self.listed.figures(naming)
        return naming.metadata is not None and not listed.have and bool(legacy.have)

    def figures(
        self,
        naming: Naming,
        types: Collection[ContentType] = ALL_CONTENT_TYPES,
        *,
        only_published: bool = True,
    ) -> Figures:
        """Return what a naming would do for contents of some types."""
        counter = self._counter(naming)
        return counter.figures(naming, types, only_published=only_published)

    def figures_of(self, connector: Connector) -> Figures:
        """Return what a connector does for the contents that it serves."""
        naming, types = naming_of(connector), connector.content_types
        return self.figures(naming, types, only_published=connector.only_published)

    def examples_of(self, connector: Connector) -> tuple[Content, ...]:
        """Return some contents that a connector gives an address."""
        naming, types = naming_of(connector), connector.content_types
        counter = self._counter(naming)
        return counter.examples(naming, types, only_published=connector.only_published)

    def is_at_least(self, connector: Connector) -> bool:
        """Tell whether a connector may make more public than were counted."""
        is_of_part = self.is_from_legacy(naming_of(connector)) and not self.is_legacy_whole
        return self.is_partial or is_of_part

    def told_of(self, connector: Connector) -> str:
        """Return how many contents a connector gives an address, in words."""
        number = self.figures_of(connector).have
        return f"{number} or more" if self.is_at_least(connector) else str(number)

    def _counter(self, naming: Naming) -> ContentCounter:
        return self.legacy if self.is_from_legacy(naming) else self.listed


def _kinds(types: Collection[ContentType], *, only_published: bool) -> tuple[_Kind, ...]:
    states = (True,) if only_published else (True, False)
    return tuple((each.value, state) for state in states for each in ContentType if each in types)


def _template(naming: Naming) -> Connector:
    return Connector.model_construct(
        slug="-",
        folder="-",
        identifier=naming.identifier,
        metadata=naming.metadata,
        classification_id=naming.classification_id,
    )


def _order(naming: Naming) -> tuple[str, str]:
    return (naming.metadata or "", naming.classification_id or "")
