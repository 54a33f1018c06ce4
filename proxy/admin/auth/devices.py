"""Browsers that have signed in before, known again by a device cookie.

It opens nothing: it only keeps a browser out of the crowd while others guess the password (see
``login_rate_limiter``). What is kept of one is its hash; it ends with the password it was given
for, and each sign-in gives a new one for the old.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select

from proxy.admin.auth import passwords
from proxy.admin.auth.passwords import secret_hash
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

COOKIE = "tdc_device"

# Browsers keep no cookie longer (RFC 6265bis, 5.5).
LIVES = timedelta(days=400)

# Of one administrator; the newest stay.
MOST = 50


class Devices:
    """Gives device cookies, and knows them again.

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

    async def remember(self, *, former: str | None) -> str:
        """Return a new cookie for a browser whose user has just proved to know the password.

        Args:
            former: The hash of the one that it brought; it ends.
        """
        cookie = secrets.token_urlsafe(32)
        hash_ = self._password()
        if hash_ is None:
            raise RuntimeError("there is no password that anybody could have known")
        row = {
            "mark": secret_hash(cookie),
            "password_mark": passwords.fingerprint(hash_),
            "created": self._now(),
        }
        table = schema.device
        newest = select(table.c.mark).order_by(table.c.created.desc()).limit(MOST).subquery()

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.mark == former))
            await connection.execute(insert(table).values(row))
            await connection.execute(delete(table).where(table.c.mark.not_in(select(newest))))

        await self._database.write(write)
        return cookie

    async def find(self, cookie: str) -> str | None:
        """Return the hash of a cookie; None if it is none, too old, or of a former password."""
        hash_ = self._password()
        if not cookie or hash_ is None:
            return None
        table, hash_of_cookie = schema.device, secret_hash(cookie)
        query = select(table).where(
            table.c.mark == hash_of_cookie, table.c.password_mark == passwords.fingerprint(hash_)
        )

        async def read(connection: AsyncConnection) -> bool:
            row = (await connection.execute(query)).one_or_none()
            return row is not None and self._now() - row.created < LIVES

        return hash_of_cookie if await self._database.read(read) else None
