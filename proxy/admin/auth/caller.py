"""Who asks: somebody who has signed in, or a machine with a token."""

from dataclasses import dataclass

from aiohttp import web

from proxy.admin.auth.sessions import Session
from proxy.admin.store import ApiToken

ADMINISTRATOR = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        actor: For the audit.
        session: Of a browser.
        token: Of a machine.
    """

    actor: str
    session: Session | None = None
    token: ApiToken | None = None

    @property
    def can_change(self) -> bool:
        """Whether it may change anything."""
        return self.token is None or self.token.can_change


CALLER = web.RequestKey("caller", Caller)


def of_session(session: Session) -> Caller:
    """Return the caller of a session."""
    return Caller(ADMINISTRATOR, session=session)


def of_token(token: ApiToken) -> Caller:
    """Return the caller of a machine's token."""
    return Caller(f"token {token.name}", token=token)
