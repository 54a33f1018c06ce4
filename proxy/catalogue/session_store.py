"""The session with THRON in the database, encrypted, for every process that works with it.

A lease says which of them logs in. What a login gave stays there when they end: known links then
outlive a restart while THRON is down, as the pkey does not end with the token.
"""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TypeVar

import orjson
import structlog
from sqlalchemy import insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.catalogue.encryption import Encryption
from proxy.errors import DatabaseFailed
from proxy.thron.session import Credentials, SessionStore, ThronSession, Unshared

T = TypeVar("T")

log = structlog.get_logger("proxy.sessions")

# Longer than a login may take; a process that ends in the middle of one blocks others for so long.
_LEASE_S = 120.0

# A database that does not answer must not keep anybody from logging in.
_TIMEOUT_S = 2.0

_table = schema.thron_session


def session_store(
    database: Database | None, credentials: Credentials, *, now: Callable[[], float] = time.time
) -> SessionStore:
    """Return where the session is shared: in the database, if it can be encrypted there."""
    if database is None or database.encryption is None:
        return Unshared()
    return SharedSessions(database, database.encryption, credentials, now=now)


class SharedSessions:
    """The session of one application in the database.

    Args:
        database: Open.
        encryption: The database's.
        credentials: What the session belongs to: that of others is not used.
        now: Unix seconds, of clocks that agree within a minute.
    """

    def __init__(
        self,
        database: Database,
        encryption: Encryption,
        credentials: Credentials,
        *,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._encryption = encryption
        self._credentials = asdict(credentials)
        self._now = now
        self._owner = secrets.token_hex(8)

    async def load(self) -> ThronSession | None:
        """Return the newest session that was saved for these credentials; None without any."""

        async def read(connection: AsyncConnection) -> str | None:
            return (await connection.execute(select(_table.c.session))).scalar_one_or_none()

        stored = await _in_time(self._database.read_soon(read), otherwise=None)
        document = self._encryption.decrypt(stored) if stored is not None else None
        if document is None:
            return None
        values = orjson.loads(document)
        if values.pop("credentials", None) != self._credentials:
            return None
        try:
            return ThronSession(**values)
        except TypeError:  # of another version of the connector, while replicas are updated
            return None

    async def acquire(self) -> bool:
        """Take the lease to log in; where the database does not answer, everybody has it."""

        async def take(connection: AsyncConnection) -> bool:
            now = self._now()
            row = (
                await connection.execute(select(_table.c.lease_owner, _table.c.lease_until))
            ).one_or_none()
            if row is None:
                await connection.execute(insert(_table).values(id=1))
            elif row.lease_owner not in {None, self._owner}:
                left_s = row.lease_until - now
                if 0 < left_s <= _LEASE_S:  # more is left only where a clock was set back
                    return False
            lease = {"lease_owner": self._owner, "lease_until": now + _LEASE_S}
            await connection.execute(update(_table).values(**lease))
            return True

        return await _in_time(self._database.write(take), otherwise=True)

    async def save(self, session: ThronSession) -> None:
        """Let the other processes use a session."""
        document = orjson.dumps({"credentials": self._credentials, **asdict(session)}).decode()
        stored = self._encryption.encrypt(document)

        async def write(connection: AsyncConnection) -> None:
            updated = await connection.execute(update(_table).values(session=stored))
            if not updated.rowcount:
                await connection.execute(insert(_table).values(id=1, session=stored))

        await _in_time(self._database.write(write), otherwise=None)

    async def release(self) -> None:
        """Give the lease back, if it is held."""

        async def give_back(connection: AsyncConnection) -> None:
            query = update(_table).where(_table.c.lease_owner == self._owner)
            await connection.execute(query.values(lease_owner=None, lease_until=None))

        await _in_time(self._database.write(give_back), otherwise=None)


async def _in_time(asked: Awaitable[T], *, otherwise: T) -> T:
    """Return what the database answers, or ``otherwise`` where it fails or is slow."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await asked
    except (DatabaseFailed, TimeoutError) as exc:
        log.warning("session not shared", reason=str(exc) or type(exc).__name__)
        return otherwise
