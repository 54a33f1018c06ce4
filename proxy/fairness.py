"""Fair shares: how many of a shared thing each client has, and which client has the most."""

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address
from typing import Literal

# What one subscriber is given at least (RFC 6177, 2): he has every address in it.
_IPV6_CLIENT_BITS = 64


@lru_cache(maxsize=1024)  # asked of every request, mostly for the same ones
def client_of(address: str) -> str:
    """Return the client that an address belongs to: IPv6 counts by its /64.

    Args:
        address: Of a peer, or as ``forwarded`` gives it; what is no address is a client of its own.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed.packed, _IPV6_CLIENT_BITS), strict=False))


class Shares:
    """Counts what clients have; each operation takes the same time, however many there are."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        # Count -> who has so many, those first who have had so many the longest.
        self._clients: dict[int, dict[str, None]] = {}
        self._highest = 0
        self.total = 0

    @property
    def clients(self) -> int:
        """How many clients have something."""
        return len(self._counts)

    @property
    def highest(self) -> int:
        """How much the client with the most has."""
        return self._highest

    def of(self, client: str) -> int:
        """Return how much a client has."""
        return self._counts.get(client, 0)

    def most_numerous(self) -> str | None:
        """Return the client with the most; of several, the one that has had it the longest."""
        return next(iter(self._clients[self._highest])) if self._highest else None

    def change(self, client: str, by: Literal[1, -1]) -> None:
        """Count one more for a client, or one less for one that has something."""
        before = self._counts.get(client, 0)
        after = before + by
        if before:
            same = self._clients[before]
            del same[client]
            if not same:
                del self._clients[before]
        if after:
            self._counts[client] = after
            self._clients.setdefault(after, {})[client] = None
        else:
            del self._counts[client]
        # It has passed the others, or it alone had so many, and stands where it is now.
        if after > self._highest or self._highest not in self._clients:
            self._highest = after
        self.total += by
