"""What is to be forgotten of the resolutions: an address, a content, a connector, everything."""

from dataclasses import dataclass
from enum import StrEnum

from proxy.connectors.addresses import Address


class PurgeKind(StrEnum):
    """By what the resolutions to forget are named."""

    ADDRESS = "address"
    CONTENT = "content"
    CONNECTOR = "connector"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Purge:
    """An order to forget resolutions, so that THRON is asked anew.

    Attributes:
        kind: By what they are named.
        value: An address as ``cache_key`` writes it, a content id or a slug; empty for all.
    """

    kind: PurgeKind
    value: str = ""


def cache_key(address: Address) -> str:
    """Return the key of an address in the resolver's caches, such as ``media/en/strada-film``.

    Neither slug nor language can hold a slash, so what follows the second one is the value.
    """
    return f"{address.connector}/{address.language or ''}/{address.value}"
