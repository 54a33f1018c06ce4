"""How long a sign-in has to wait after others have failed; pure, time is an argument."""

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network


@dataclass(frozen=True, slots=True)
class Pauses:
    """How pauses grow.

    Attributes:
        free: So many failures cost nothing.
        first_s: The pause after the next one; each one more doubles it.
        longest_s: No pause is longer.
        forgotten_s: After so long without a failure all is forgotten.
    """

    free: int
    first_s: float
    longest_s: float
    forgotten_s: float

    def after(self, failures: int) -> float:
        """Return the pause, in seconds, after so many failures."""
        beyond = failures - self.free
        if beyond <= 0:
            return 0.0
        return min(self.first_s * 2.0 ** min(beyond - 1, 32), self.longest_s)


PER_CLIENT = Pauses(free=5, first_s=2, longest_s=900, forgotten_s=3600)
# A crowd of addresses must not be able to lock the operator out for long.
FOR_ALL = Pauses(free=50, first_s=1, longest_s=10, forgotten_s=600)

_MOST_CLIENTS = 10_000
_HOSTS_OF_ONE = 64  # an IPv6 subscriber has at least so many bits of addresses


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0


class Throttle:
    """Counts failures for each client and for all together."""

    def __init__(self, *, per_client: Pauses = PER_CLIENT, for_all: Pauses = FOR_ALL) -> None:
        self._per_client = per_client
        self._for_all = for_all
        self._clients: OrderedDict[str, _Failures] = OrderedDict()
        self._all = _Failures()

    def begin(self, client: str, *, now: float) -> float:
        """Note an attempt, and return how many seconds it has to wait; 0 lets it happen.

        An attempt counts as failed until ``succeeded`` is told, so that many at once gain
        nothing; one that has to wait does not count.
        """
        mine = self._failures(_key(client))
        wait_s = max(
            _wait_s(mine, self._per_client, now=now), _wait_s(self._all, self._for_all, now=now)
        )
        if wait_s <= 0:
            for failures in (mine, self._all):
                failures.count += 1
                failures.last_at = now
        return wait_s

    def succeeded(self, client: str) -> None:
        """Forget the failures of a client."""
        found = self._clients.pop(_key(client), None)
        if found is not None:
            self._all.count = max(0, self._all.count - 1)

    def _failures(self, key: str) -> _Failures:
        found = self._clients.setdefault(key, _Failures())
        self._clients.move_to_end(key)
        if len(self._clients) > _MOST_CLIENTS:
            self._clients.popitem(last=False)
        return found


def _wait_s(failures: _Failures, pauses: Pauses, *, now: float) -> float:
    past_s = now - failures.last_at
    if past_s >= pauses.forgotten_s:
        failures.count = 0
    return max(0.0, pauses.after(failures.count) - past_s)


def _key(client: str) -> str:
    """Return an address, or the network of an IPv6 subscriber."""
    try:
        address = ip_address(client)
    except ValueError:
        return client
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped or ip_network((address, _HOSTS_OF_ONE), strict=False))
    return str(address)
