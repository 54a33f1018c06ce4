"""The sandbox's session tokens: UUIDs with a sliding life (docs/thron.md 2.2).

Rule: the clock is an argument; a token is renewed by being used.
"""

import uuid
from dataclasses import dataclass
from enum import StrEnum

from proxy.sandbox.switches import Switches


class TokenStatus(StrEnum):
    """What a token is worth; the refusals are THRON's ssoCodes (docs/thron.md 1.4)."""

    OK = "OK"
    EXPIRED = "SESSION_EXPIRED"
    UNKNOWN = "INVALID_TOKENID"


@dataclass(slots=True)
class _Life:
    born_s: float
    used_s: float


class Tokens:
    """All tokens of the tenant, alive and dead."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lives: dict[str, _Life] = {}
        self._dead: set[str] = set()
        self._of_users: set[str] = set()
        self.logins = 0

    def issue(self, *, now: float) -> str:
        """Return a new token; each login opens a session of its own."""
        if self._switches.login_revokes_earlier:
            self.expire_all()
        token = str(uuid.uuid4())
        self._lives[token] = _Life(now, now)
        self.logins += 1
        return token

    def issue_to_user(self, *, now: float) -> str:
        """Return a new token of a user whom the application acts as; no login of its own."""
        token = str(uuid.uuid4())
        self._lives[token] = _Life(now, now)
        self._of_users.add(token)
        return token

    def is_user_s(self, token: str) -> bool:
        """Say whether a token is a user's, and not the application's."""
        return token in self._of_users

    def use(self, token: str, *, now: float) -> TokenStatus:
        """Say what a token is worth, and renew it if tokens slide."""
        status = self.status(token, now=now)
        if status is TokenStatus.OK and self._switches.token_slides:
            self._lives[token].used_s = now
        return status

    def status(self, token: str, *, now: float) -> TokenStatus:
        """Say what a token is worth, without renewing it."""
        life = self._lives.get(token)
        if life is None:
            return TokenStatus.EXPIRED if token in self._dead else TokenStatus.UNKNOWN
        maximum = self._switches.token_max_age_s
        too_old = maximum is not None and now - life.born_s >= maximum
        if too_old or now - life.used_s >= self._switches.token_life_s:
            self._bury(token)
            return TokenStatus.EXPIRED
        return TokenStatus.OK

    def expire_all(self) -> int:
        """End every session; returns how many there were."""
        living = list(self._lives)
        for token in living:
            self._bury(token)
        return len(living)

    @property
    def living(self) -> tuple[str, ...]:
        """The tokens that have not been found expired."""
        return tuple(self._lives)

    @property
    def all(self) -> frozenset[str]:
        """Every token ever issued."""
        return frozenset(self._lives) | frozenset(self._dead)

    def _bury(self, token: str) -> None:
        del self._lives[token]
        self._dead.add(token)
