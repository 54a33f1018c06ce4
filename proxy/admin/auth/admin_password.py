"""The administrator's password: given by a setting, or set in the console."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, insert, select

from proxy.admin.auth.passwords import PasswordHashes
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database


class Password:
    """The password that is good now.

    Args:
        database: Keeps the one that was set in the console.
        hashes: Makes and checks hashes.
        given: The hash in TDC_ADMIN_PASSWORD_HASH, which goes before the kept one.
        now: Aware time.
    """

    def __init__(
        self,
        database: Database,
        hashes: PasswordHashes,
        *,
        given: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._hashes = hashes
        self._given = given
        self._now = now
        self._kept: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether a setting gives it, so that the console cannot change it."""
        return self._given is not None

    @property
    def is_set(self) -> bool:
        """Whether there is one."""
        return self.hash() is not None

    def hash(self) -> str | None:
        """Return the hash of the password, None before there is one."""
        return self._given or self._kept

    async def read(self) -> None:
        """Read what is kept: another process may have set it.

        Raises:
            DatabaseFailed: It cannot be read.
        """
        self._kept = await kept_hash(self._database)

    async def fits(self, password: str, *, is_known: bool) -> bool:
        """Tell whether somebody knows the password.

        Args:
            password: As typed.
            is_known: As PasswordHashes has it.

        Raises:
            DatabaseFailed: It cannot be read.
        """
        await self.read()
        hash_ = self.hash()
        return hash_ is not None and await self._hashes.fits(password, hash_, is_known=is_known)

    async def set(self, password: str, *, actor: str) -> None:
        """Set a new password; every session and device cookie ends."""
        hash_ = await self._hashes.make(password)
        await keep_hash(self._database, hash_, at=self._now(), actor=actor)
        self._kept = hash_


async def kept_hash(database: Database) -> str | None:
    """Return the hash of the password that is kept, None before there is one.

    Raises:
        DatabaseFailed: It cannot be read.
    """

    async def read(connection: AsyncConnection) -> str | None:
        return (await connection.execute(select(schema.password.c.hash))).scalar_one_or_none()

    return await database.read(read)


async def keep_hash(database: Database, hash_: str, *, at: datetime, actor: str) -> None:
    """Keep a password in place of the one before, and end every session and device cookie.

    Raises:
        DatabaseFailed: It cannot be kept.
    """

    async def write(connection: AsyncConnection) -> None:
        await connection.execute(delete(schema.password))
        await connection.execute(insert(schema.password).values(id=1, hash=hash_, at=at))
        await connection.execute(delete(schema.session))
        await connection.execute(delete(schema.device))
        await database.note(connection, actor=actor, action="password set", subject="")

    await database.write(write)
