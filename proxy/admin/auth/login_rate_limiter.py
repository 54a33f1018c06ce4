"""Who may try the password now, and how long others have to wait; pure, time is an argument.

Rule 1: every party is limited by its own failures, and nobody by those of others: a crowd of
addresses must not lock the operator out. A party is a client address, or a browser that proves by
its device cookie that it has signed in before (OWASP, "Slow Down Online Guessing Attacks with
Device Cookies"). Rule 2: an attempt counts as failed until it has succeeded, so that many at once
gain nothing. Rule 3: a party has one attempt at a time; of addresses only so many wait together.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Self

from proxy.backoff import Backoff
from proxy.fairness import client_of


@dataclass(frozen=True, slots=True)
class LockoutPolicy:
    """How long a party is locked out.

    Attributes:
        free: So many failures cost nothing.
        first_s: The lock-out after the next one; each one more doubles it.
        longest_s: No lock-out is longer.
        forgotten_s: After so long without a failure all is forgotten.
    """

    free: int
    first_s: float
    longest_s: float
    forgotten_s: float

    def lockout_s(self, failures: int) -> float:
        """Return the lock-out, in seconds, after so many failures."""
        beyond = failures - self.free
        if beyond <= 0:
            return 0.0
        return Backoff(self.first_s, self.longest_s).wait_s(beyond, jitter=1)


POLICY = LockoutPolicy(free=5, first_s=2, longest_s=900, forgotten_s=3600)

# One after the other, they take some seconds; who comes then is told to come again.
MOST_ADDRESSES_AT_ONCE = 50
_COME_AGAIN_S = 2.0
# For a party whose attempt is being checked already.
_ALREADY_S = 1.0

_MOST_PARTIES = 10_000


@dataclass(frozen=True, slots=True)
class Party:
    """Who tries.

    Attributes:
        key: An address or its network, or the hash of a device cookie.
        is_known: Whether it is a browser that has signed in before.
    """

    key: str
    is_known: bool

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the party at an address; an IPv6 subscriber is one, whatever the address."""
        return cls(client_of(address), is_known=False)

    @classmethod
    def with_device(cls, cookie_hash: str) -> Self:
        """Return the browser of a device cookie."""
        return cls(cookie_hash, is_known=True)


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at: float = 0.0


class LoginRateLimiter:
    """Counts the failures of each party, and the attempts that are being checked."""

    def __init__(self, policy: LockoutPolicy = POLICY) -> None:
        self._policy = policy
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._checked: set[Party] = set()

    def begin(self, party: Party, *, now: float) -> float:
        """Begin an attempt, and return 0; or return how many seconds it has to wait.

        One that begins is to be ended by ``end``; one that has to wait does not count.
        """
        failures = self._failures.setdefault(party.key, _Failures())
        self._failures.move_to_end(party.key)
        if len(self._failures) > _MOST_PARTIES:
            self._failures.popitem(last=False)
        past_s = now - failures.last_at
        if past_s >= self._policy.forgotten_s:
            failures.count = 0
        wait_s = max(self._policy.lockout_s(failures.count) - past_s, self._queue_s(party))
        if wait_s > 0:
            return wait_s
        failures.count += 1
        failures.last_at = now
        self._checked.add(party)
        return 0.0

    def end(self, party: Party, *, succeeded: bool) -> None:
        """End an attempt; a good one makes a party's failures forgotten."""
        self._checked.discard(party)
        if succeeded:
            self._failures.pop(party.key, None)

    def _queue_s(self, party: Party) -> float:
        if party in self._checked:
            return _ALREADY_S
        addresses = sum(not each.is_known for each in self._checked)
        if not party.is_known and addresses >= MOST_ADDRESSES_AT_ONCE:
            return _COME_AGAIN_S
        return 0.0
