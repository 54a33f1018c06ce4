"""What names a content in an address: one strategy for each identifier; pure."""

import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import ClassVar

from proxy.connectors.addressability import (
    RESERVED_SEGMENTS,
    Addressability,
    addressability,
    is_id,
    is_language,
    normalised,
)
from proxy.connectors.model import Connector, Identifier
from proxy.thron import messages
from proxy.thron.content import Content, MetadataValue, PrettyId
from proxy.thron.exchange import Question
from proxy.thron.messages import MetadataCriterion, SearchCriteria

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)
# From the region of a language on, as in "en_US".
_REGION = re.compile(r"[-_].*", re.DOTALL)


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """One address that a content lays claim to in a connector.

    Attributes:
        language: Lower case, with Identifier.PRETTY_ID; else None.
        value: The identifier's value as addresses compare it.
        is_shortened: Whether the language is ``en`` where THRON has ``en_US``. Such a claim gives
            way to every other, and counts only where a single content makes it.
    """

    language: str | None
    value: str
    is_shortened: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class Naming:
    """How contents are named, whatever the connector.

    Attributes:
        identifier: What names them.
        metadata: Its key, with Identifier.METADATA.
        classification_id: Defines it; None for legacy metadata.
    """

    identifier: Identifier
    metadata: str | None = None
    classification_id: str | None = None


def naming_of(connector: Connector) -> Naming:
    """Return how a connector names contents."""
    return Naming(connector.identifier, connector.metadata, connector.classification_id)


# How THRON is asked for a value: by a service of its own, whose contents may be anywhere, or by
# searches, which can be narrowed to a folder.
Sought = Question[tuple[Content, ...]] | tuple[SearchCriteria, ...]


class Strategy(ABC):
    """How contents are named by one identifier: all that differs from one to the other.

    Attributes:
        identifier: Which.
        has_language: Whether an address has a language before the value.
        is_permanent: Whether a value names one content for ever, and no other.
        has_key: Whether the connector says by which key, such as that of a metadata.
        is_shared: Whether several contents may have a value, and another the better claim.
        keeps_former: Whether a value that a content had goes on leading there, while no other
            content has it.
    """

    identifier: ClassVar[Identifier]
    has_language: ClassVar[bool] = False
    is_permanent: ClassVar[bool] = False
    is_shared: ClassVar[bool] = False
    has_key: ClassVar[bool] = False
    keeps_former: ClassVar[bool] = False

    @abstractmethod
    def placeholder(self, connector: Connector) -> str:
        """Return what stands for the value in an illustrative address."""

    @abstractmethod
    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:
        """Give the language, if any, and the value of each name, as THRON has them."""

    @abstractmethod
    def with_values(
        self, connector: Connector, content: Content, values: Sequence[tuple[str, str]]
    ) -> Content:
        """Return a content that has these languages and values: ``values``, the other way round."""

    @abstractmethod
    def sought(self, connector: Connector, value: str, *, client_id: str) -> Sought:
        """Return how THRON is asked for the contents that have a value."""

    def is_in_search(self, connector: Connector) -> bool:  # noqa: ARG002 - the same for most
        """Tell whether the contents that a search finds have their values with them."""
        return True

    def namings(self, content: Content) -> Iterator[Naming]:  # noqa: ARG002 - the same for most
        """Give the namings by this identifier that a content may have values of."""
        yield Naming(self.identifier)

    def compared(self, value: str) -> str:
        """Return a value as addresses compare it."""
        return value

    def is_addressable(self, value: str) -> bool:
        """Tell whether a value can be a segment of an address."""
        return is_id(value)

    def claims(self, connector: Connector, content: Content) -> list[Claim]:
        """Return the addresses that a content claims, in THRON's order."""
        return [
            Claim(None, self.compared(value))
            for _, value in self.values(connector, content)
            if is_addressable(connector, value)
        ]


class ByContentId(Strategy):
    """THRON's own id of a content, which no other has."""

    identifier = Identifier.CONTENT_ID
    is_permanent = True

    def placeholder(self, connector: Connector) -> str:  # noqa: ARG002 - the same for all
        """Return it."""
        return "content ID"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - the same for all
        """Give it."""
        yield "", content.id

    def with_values(
        self,
        connector: Connector,  # noqa: ARG002 - the same for all
        content: Content,
        values: Sequence[tuple[str, str]],  # noqa: ARG002 - it has its id
    ) -> Content:
        """Return it."""
        return content

    def sought(self, connector: Connector, value: str, *, client_id: str) -> Sought:  # noqa: ARG002 - the same for all
        """Search for it."""
        return (SearchCriteria(ids=(value,)),)


class ByPrettyId(Strategy):
    """The name that a content has in each language."""

    identifier = Identifier.PRETTY_ID
    has_language = True
    keeps_former = True

    def placeholder(self, connector: Connector) -> str:  # noqa: ARG002 - the same for all
        """Return it."""
        return "prettyID"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - the same for all
        """Give them."""
        for each in content.pretty_ids:
            yield each.language, each.value

    def with_values(
        self,
        connector: Connector,  # noqa: ARG002 - the same for all
        content: Content,
        values: Sequence[tuple[str, str]],
    ) -> Content:
        """Return it with its names."""
        return replace(content, pretty_ids=tuple(PrettyId(*each) for each in values))

    def sought(self, connector: Connector, value: str, *, client_id: str) -> Sought:  # noqa: ARG002 - the same for all
        """Ask for it in any language, as no search can (docs/thron.md 4.4)."""
        return messages.find_by_pretty_id(client_id, value)

    def claims(self, connector: Connector, content: Content) -> list[Claim]:
        """Return one for each language, and one under ``en`` for ``en_US`` where ``en`` is free."""
        found = [
            Claim(language.lower(), value)
            for language, value in self.values(connector, content)
            if is_language(language) and is_addressable(connector, value)
        ]
        own = {claim.language for claim in found}
        return found + [
            Claim(language, claim.value, is_shortened=True)
            for claim in found
            if (language := _REGION.sub("", claim.language or "")) not in own
        ]


class ByMetadata(Strategy):
    """A value of a custom metadata, in any language.

    One of a classification other than the connector's is another metadata (docs/thron.md, 4.6).
    """

    identifier = Identifier.METADATA
    has_key = True
    is_shared = True

    def placeholder(self, connector: Connector) -> str:
        """Return its key."""
        return connector.metadata or "metadata"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:
        """Give those of its key."""
        for each in content.metadata:
            same_key = each.key == connector.metadata
            if same_key and connector.classification_id in {None, each.classification_id}:
                yield "", each.value

    def with_values(
        self, connector: Connector, content: Content, values: Sequence[tuple[str, str]]
    ) -> Content:
        """Return it with them under the connector's key."""
        key, classification_id = connector.metadata or "", connector.classification_id
        found = (MetadataValue(key, value, None, classification_id) for _, value in values)
        return replace(content, metadata=tuple(found))

    def sought(self, connector: Connector, value: str, *, client_id: str) -> Sought:
        """Search for it; legacy metadata, which no search shows, is asked for (docs/thron.md 4.1).

        THRON compares exactly, addresses compare in NFC, so both spellings are searched for.
        """
        key = connector.metadata or ""
        if not self.is_in_search(connector):
            return messages.find_by_legacy_metadata(
                client_id,
                name=key,
                value=value,
                folder_id=connector.folder_id,
                cascade=connector.subfolders,
            )
        spellings = dict.fromkeys([value, unicodedata.normalize("NFD", value)])
        return tuple(
            SearchCriteria(imetadata=MetadataCriterion(connector.classification_id, key, each))
            for each in spellings
        )

    def is_in_search(self, connector: Connector) -> bool:
        """Tell whether it is no legacy metadata (docs/thron.md 3.2)."""
        return connector.classification_id is not None

    def namings(self, content: Content) -> Iterator[Naming]:
        """Give one for each metadata that it has."""
        found = ((each.key, each.classification_id) for each in content.metadata)
        for key, classification_id in dict.fromkeys(found):
            yield Naming(self.identifier, key, classification_id)

    def compared(self, value: str) -> str:
        """Return it in Unicode's form NFC."""
        return normalised(value)

    def is_addressable(self, value: str) -> bool:
        """Tell whether it is no dot segment, and neither empty nor too long."""
        return addressability(normalised(value)) is not Addressability.NONE


STRATEGIES: Mapping[Identifier, Strategy] = {
    each.identifier: each for each in (ByPrettyId(), ByContentId(), ByMetadata())
}
"""All of them, in the order in which they are offered."""

PLAIN_NAMINGS = tuple(Naming(each.identifier) for each in STRATEGIES.values() if not each.has_key)
"""Those that need no key."""


def strategy(connector: Connector) -> Strategy:
    """Return how a connector names contents."""
    return STRATEGIES[connector.identifier]


def claims(connector: Connector, content: Content) -> tuple[Claim, ...]:
    """Return the addresses that a content claims, each once, in THRON's order.

    What is not addressable is left out: an empty value, a prettyId without a language.
    """
    return tuple(dict.fromkeys(strategy(connector).claims(connector, content)))


def is_addressable(connector: Connector, value: str) -> bool:
    """Tell whether a value of the connector's identifier can stand in its addresses."""
    by = strategy(connector)
    is_first = bool(connector.host) and not by.has_language
    return by.is_addressable(value) and not (is_first and value in RESERVED_SEGMENTS)


def winner(connector: Connector, claim: Claim, contents: Iterable[Content]) -> Content | None:
    """Return which of several servable contents an address belongs to; None if none claims it.

    Of those that claim it the smallest (creation date, id), for ever the same whoever asks; a
    content whose creation date is missing comes after those that have one. A claim under a
    shortened language counts only without any other.
    """
    proper: list[Content] = []
    shortened: list[Content] = []
    for content in contents:
        for own in claims(connector, content):
            if own == claim:
                (shortened if own.is_shortened else proper).append(content)
    if proper or len(shortened) != 1:
        return min(
            proper, key=lambda each: (each.creation_date or _END_OF_TIME, each.id), default=None
        )
    return shortened[0]
