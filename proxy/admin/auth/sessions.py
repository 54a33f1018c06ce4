"""Sessions of the console: kept in the database, known to the browser by a random id alone."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from proxy.admin.auth import cookies, passwords
from proxy.admin.auth.secret_hash import secret_hash
from proxy.admin.store import ConsoleStore, StoredSession

COOKIE = "tdc_session"

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)

# Use is noted to the minute, so that reading a page is not a write for each picture on it.
_NOTED_EVERY = timedelta(minutes=1)

# Sessions of the demo's link, which needs no password.
_WITHOUT = "-"


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in.

    Attributes:
        id: The browser's secret.
        created: When.
    """

    id: str = field(repr=False)
    created: datetime


class Sessions:
    """Opens, finds and ends sessions.

    Args:
        store: Where they are kept.
        password: Gives the hash of the password that is good now.
        now: Aware time.
    """

    def __init__(
        self,
        store: ConsoleStore,
        *,
        password: Callable[[], str | None],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._password = password
        self._now = now

    async def open(self, *, client: str, actor: str) -> Session:
        """Open a session under a new id."""
        now = self._now()
        session = Session(secrets.token_urlsafe(32), now)
        stored = StoredSession(
            secret_hash(session.id), self._password_fingerprint(), now, now, client
        )
        await self._store.add_session(stored, actor=actor, dead_before=now - LONGEST)
        return session

    async def find(self, id_: str) -> Session | None:
        """Return the session of an id, unless it has ended: idle, too old, or of a former password.

        Finding it is using it.
        """
        if not id_:
            return None
        stored = await self._store.session(secret_hash(id_))
        now = self._now()
        is_good = (
            stored is not None
            and now - stored.used < IDLE
            and now - stored.created < LONGEST
            and hmac.compare_digest(stored.password_fingerprint, self._password_fingerprint())
        )
        if stored is None or not is_good:
            return None
        if now - stored.used >= _NOTED_EVERY:
            await self._store.use_session(stored.id_hash, at=now)
        return Session(id_, stored.created)

    async def count(self) -> int:
        """Return how many sessions are kept."""
        return await self._store.sessions()

    async def end(self, session: Session, *, actor: str, client: str) -> None:
        """End one session."""
        await self._store.end_session(secret_hash(session.id), actor=actor, client=client)

    async def end_all(self, *, actor: str, client: str) -> None:
        """End every session, of every browser."""
        await self._store.end_sessions(actor=actor, client=client)

    def _password_fingerprint(self) -> str:
        hash_ = self._password()
        return _WITHOUT if hash_ is None else passwords.fingerprint(hash_)


def keep(response: web.StreamResponse, session: Session, *, is_secure: bool) -> None:
    """Have the browser keep the id of a session."""
    cookies.keep(
        response,
        COOKIE,
        session.id,
        is_secure=is_secure,
        max_age_s=int(LONGEST.total_seconds()),
    )
