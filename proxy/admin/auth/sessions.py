"""Sessions of the console: kept in the database, known to the browser by a random id alone."""

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy import Delete, Row, delete, func, insert, select, update

from proxy.admin.auth import cookies, passwords
from proxy.admin.auth.passwords import secret_hash
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

COOKIE = "tdc_session"

IDLE = timedelta(hours=12)
LONGEST = timedelta(days=7)

# Use is noted to the minute, so that reading a page is not a write for each picture on it.
_NOTED_EVERY = timedelta(minutes=1)

_TABLE = schema.session

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

    Every method raises DatabaseFailed where the database does not answer.

    Args:
        database: Where they are kept.
        password: Gives the hash of the password that is good now.
        now: Aware time.
    """

    def __init__(
        self,
        database: Database,
        *,
        password: Callable[[], str | None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._password = password
        self._now = now

    async def open(self, *, client: str, actor: str) -> Session:
        """Open a session under a new id, and drop those that ended long ago."""
        now = self._now()
        session = Session(secrets.token_urlsafe(32), now)
        row = {
            "mark": secret_hash(session.id),
            "password_mark": self._password_fingerprint(),
            "created": now,
            "used": now,
            "client": client,
        }

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(_TABLE).where(_TABLE.c.used < now - LONGEST))
            await connection.execute(insert(_TABLE).values(row))
            await self._database.note(connection, actor=actor, action="signed in", subject=client)

        await self._database.write(write)
        return session

    async def find(self, id_: str) -> Session | None:
        """Return the session of an id, unless it has ended: idle, too old, or of a former password.

        Finding it is using it.
        """
        if not id_:
            return None
        is_it = _TABLE.c.mark == secret_hash(id_)

        async def read(connection: AsyncConnection) -> Row[Any] | None:
            return (await connection.execute(select(_TABLE).where(is_it))).one_or_none()

        stored, now = await self._database.read(read), self._now()
        is_good = (
            stored is not None
            and now - stored.used < IDLE
            and now - stored.created < LONGEST
            and hmac.compare_digest(stored.password_mark, self._password_fingerprint())
        )
        if stored is None or not is_good:
            return None
        if now - stored.used >= _NOTED_EVERY:

            async def note_use(connection: AsyncConnection) -> None:
                await connection.execute(update(_TABLE).where(is_it).values(used=now))

            await self._database.write(note_use)
        return Session(id_, stored.created)

    async def count(self) -> int:
        """Return how many sessions are kept."""

        async def read(connection: AsyncConnection) -> int:
            query = select(func.count()).select_from(_TABLE)
            return int((await connection.execute(query)).scalar_one())

        return await self._database.read(read)

    async def end(self, session: Session, *, actor: str, client: str) -> None:
        """End one session."""
        query = delete(_TABLE).where(_TABLE.c.mark == secret_hash(session.id))
        await self._end(query, actor=actor, action="signed out", client=client)

    async def end_all(self, *, actor: str, client: str) -> None:
        """End every session, of every browser."""
        await self._end(delete(_TABLE), actor=actor, action="signed out everywhere", client=client)

    async def _end(self, query: Delete, *, actor: str, action: str, client: str) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(query)
            await self._database.note(connection, actor=actor, action=action, subject=client)

        await self._database.write(write)

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
