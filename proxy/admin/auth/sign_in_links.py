"""Links that let somebody in without a password: for the first start, and for the demo."""

import secrets
from dataclasses import dataclass
from enum import StrEnum

from proxy.admin.auth.passwords import secret_hash


class Purpose(StrEnum):
    """What a link is for."""

    SET_UP = "set up"
    DEMO = "demo"


# Of a link of the first start, in seconds.
SET_UP_LIVES_S = 15 * 60.0


@dataclass(frozen=True, slots=True)
class _Link:
    purpose: Purpose
    ends_at: float | None
    is_single_use: bool


class SignInLinks:
    """The links that are good; they end with the process. What is kept of them opens nothing."""

    def __init__(self) -> None:
        self._links: dict[str, _Link] = {}

    def set_up(self, *, now: float) -> str:
        """Return the secret of a new link to set the password; earlier ones are no longer good."""
        self._links = {
            hash_: link for hash_, link in self._links.items() if link.purpose is not Purpose.SET_UP
        }
        return self._made(_Link(Purpose.SET_UP, now + SET_UP_LIVES_S, is_single_use=True))

    def demo(self) -> str:
        """Return the secret of a link that signs in as long as the demo runs."""
        return self._made(_Link(Purpose.DEMO, None, is_single_use=False))

    def purpose(self, secret: str, *, now: float) -> Purpose | None:
        """Return what a secret is for, or None if it is not good."""
        link = self._links.get(secret_hash(secret))
        if link is None or (link.ends_at is not None and now >= link.ends_at):
            return None
        return link.purpose

    def use(self, secret: str, *, now: float) -> Purpose | None:
        """Return the same, and end a link of single use."""
        purpose = self.purpose(secret, now=now)
        if purpose is not None and self._links[secret_hash(secret)].is_single_use:
            del self._links[secret_hash(secret)]
        return purpose

    def _made(self, link: _Link) -> str:
        secret = secrets.token_urlsafe(32)
        self._links[secret_hash(secret)] = link
        return secret
