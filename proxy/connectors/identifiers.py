"""What names a content in an address: one strategy for each identifier; pure."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
from proxy.thron.content import Content

_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


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


class Strategy(ABC):
    """How contents are named by one identifier.

    Attributes:
        has_language: Whether an address has a language before the value.
    """

    has_language: ClassVar[bool] = False

    @abstractmethod
    def placeholder(self, connector: Connector) -> str:
        """Return what stands for the value in an illustrative address."""

    @abstractmethod
    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:
        """Give the language, if any, and the value of each name, as THRON has them."""

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

    def placeholder(self, connector: Connector) -> str:  # noqa: ARG002 - the same for all
        """Return it."""
        return "content ID"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - the same for all
        """Give it."""
        yield "", content.id


class ByPrettyId(Strategy):
    """The name that a content has in each language."""

    has_language = True

    def placeholder(self, connector: Connector) -> str:  # noqa: ARG002 - the same for all
        """Return it."""
        return "prettyID"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:  # noqa: ARG002 - the same for all
        """Give them."""
        for each in content.pretty_ids:
            yield each.language, each.value

    def claims(self, connector: Connector, content: Content) -> list[Claim]:
        """Return one for each language, and one under ``en`` for ``en_US`` where ``en`` is free."""
        found = [
            Claim(language.lower(), value)
            for language, value in self.values(connector, content)
            if is_language(language) and is_addressable(connector, value)
        ]
        return found + _shortened(found)


class ByMetadata(Strategy):
    """A value of a custom metadata, in any language.

    One of a classification other than the connector's is another metadata (docs/thron.md, 4.6).
    """

    def placeholder(self, connector: Connector) -> str:
        """Return its key."""
        return connector.metadata or "metadata"

    def values(self, connector: Connector, content: Content) -> Iterator[tuple[str, str]]:
        """Give those of its key."""
        for each in content.metadata:
            same_key = each.key == connector.metadata
            if same_key and connector.classification_id in {None, each.classification_id}:
                yield "", each.value

    def compared(self, value: str) -> str:
        """Return it in Unicode's form NFC."""
        return normalised(value)

    def is_addressable(self, value: str) -> bool:
        """Tell whether it is no dot segment, and neither empty nor too long."""
        return addressability(normalised(value)) is not Addressability.NONE


_STRATEGIES: Mapping[Identifier, Strategy] = {
    Identifier.CONTENT_ID: ByContentId(),
    Identifier.PRETTY_ID: ByPrettyId(),
    Identifier.METADATA: ByMetadata(),
}


def strategy(connector: Connector) -> Strategy:
    """Return how a connector names contents."""
    return _STRATEGIES[connector.identifier]


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
    found = [
        (own, content) for content in contents for own in claims(connector, content) if own == claim
    ]
    proper = [content for own, content in found if not own.is_shortened]
    if proper or len(found) != 1:
        return min(proper, key=_seniority, default=None)
    return found[0][1]


def _seniority(content: Content) -> tuple[datetime, str]:
    return (content.creation_date or _END_OF_TIME, content.id)


def _shortened(found: Iterable[Claim]) -> list[Claim]:
    """Return the claims under the languages alone, where those are given with a region."""
    own = {claim.language for claim in found}
    short = [
        (re.split("[-_]", claim.language or "", maxsplit=1)[0], claim.value) for claim in found
    ]
    return [
        Claim(language, value, is_shortened=True)
        for language, value in short
        if language not in own
    ]
