"""The session with THRON: what it is asked for with, what a login gives, and where it is shared."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Credentials:
    """The tenant and its Custom Application.

    Attributes:
        username: The user to act as, for an application that may not see the folder itself
            (docs/thron.md 2.4).
    """

    client_id: str
    app_id: str
    app_key: str = field(repr=False)
    username: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """What one login gave.

    Attributes:
        token: The session token.
        pkey: The share key for delivery URLs; None while public share is off in THRON.
        root_category_id: The folder on which the application is installed.
        logged_in_at: When it was given, in unix seconds.
    """

    token: str = field(repr=False)
    pkey: str | None = field(default=None, repr=False)
    root_category_id: str | None = None
    logged_in_at: float = 0.0


class SessionStore(Protocol):
    """Where the processes that work with one application keep the session that they share.

    None of its methods raises: a store that fails is as if there were none.
    """

    async def load(self) -> Session | None:
        """Return the newest session that was saved; None without any."""

    async def acquire(self) -> bool:
        """Take the lease to log in, and tell whether it was to be had."""

    async def save(self, session: Session) -> None:
        """Let the other processes use a session."""

    async def release(self) -> None:
        """Give the lease back."""


class Unshared:
    """The store of a process that keeps its session to itself."""

    async def load(self) -> Session | None:
        """Return nothing."""
        return None

    async def acquire(self) -> bool:
        """Let it log in."""
        return True

    async def save(self, session: Session) -> None:
        """Keep nothing."""

    async def release(self) -> None:
        """Do nothing."""
