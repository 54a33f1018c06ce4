"""Which custom metadata can name contents, the best first; pure.

Values of type KEY are made for it: short, without spaces, in no language (docs/thron.md 6). Text
and numbers do as well. What THRON translates, or chooses from a list, changes when its words do.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from proxy.connectors.identifiers import Naming
from proxy.connectors.model import Connector, Identifier
from proxy.thron.folder import MetadataDefinition


class Fitness(StrEnum):
    """How well a metadata names contents, the best first.

    Attributes:
        KEY: Made for it.
        PLAIN: Text or a number.
        SEEN: Contents have it, but no definition is seen: legacy, or out of the app's sight.
        DOUBTFUL: Its values are no names: dates, colours, choices from a list.
    """

    KEY = "key"
    PLAIN = "plain"
    SEEN = "seen"
    DOUBTFUL = "doubtful"


_PLAIN = frozenset({"STRING", "NUMERIC_INTEGER", "NUMERIC_DOUBLE"})
_ORDER = list(Fitness)


@dataclass(frozen=True, slots=True)
class MetadataChoice:
    """One metadata to choose.

    Attributes:
        naming: What choosing it means.
        names: By language, lower case; empty where THRON has none.
        metadata_type: As THRON has it; empty for what no definition is seen of.
        fitness: How well it names contents.
    """

    naming: Naming
    names: tuple[tuple[str, str], ...]
    metadata_type: str
    fitness: Fitness

    @property
    def key(self) -> str:
        """The key that contents carry its values under."""
        return self.naming.metadata or ""

    def name(self, language: str) -> str:
        """Return its name in a language, else the first it has, else its key."""
        by_language = dict(reversed(self.names))
        return by_language.get(language) or (self.names[0][1] if self.names else self.key)


def choices(
    definitions: Sequence[MetadataDefinition] | None, seen: Iterable[Naming]
) -> tuple[MetadataChoice, ...]:
    """Return what can be chosen, the best first; of one key the first definition counts.

    Args:
        definitions: All of THRON's, or None where the application may not see them.
        seen: The custom metadata that contents of the folder have.
    """
    found: dict[str, MetadataChoice] = {}
    hidden = {each.key for each in definitions or () if not _is_offered(each)}
    for each in definitions or ():
        if _is_offered(each):
            found.setdefault(each.key, _defined(each))
    for naming in seen:
        key = naming.metadata or ""
        if key not in hidden:
            found.setdefault(key, MetadataChoice(naming, (), "", Fitness.SEEN))
    return tuple(sorted(found.values(), key=_rank))


def classified(connector: Connector, offered: Iterable[MetadataChoice]) -> Connector:
    """Return a connector with the classification of its metadata, if that is offered."""
    for each in offered:
        if each.key == connector.metadata:
            naming = each.naming
            return connector.model_copy(update={"classification_id": naming.classification_id})
    return connector


def _is_offered(definition: MetadataDefinition) -> bool:
    return definition.visible and definition.for_contents and not definition.removed


def _defined(definition: MetadataDefinition) -> MetadataChoice:
    kind = definition.metadata_type
    plain = Fitness.PLAIN if kind in _PLAIN else Fitness.DOUBTFUL
    return MetadataChoice(
        Naming(Identifier.METADATA, definition.key, definition.classification_id),
        tuple((each.language.lower(), each.text) for each in definition.names),
        kind,
        Fitness.KEY if kind == "KEY" else plain,
    )


def _rank(choice: MetadataChoice) -> tuple[int, str]:
    return (_ORDER.index(choice.fitness), choice.key.lower())
