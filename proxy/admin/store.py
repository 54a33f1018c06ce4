"""Queries of the console's own tables (password, sessions, tokens), and of the audit by pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import delete, func, insert, select, update

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it is kept.

    Attributes:
        id_hash: Of the id; the id itself is the browser's alone.
        password_fingerprint: Of the password it was opened under.
        created: When somebody signed in.
        used: When it was last used, to the minute.
        client: The address that signed in.
    """

    id_hash: str
    password_fingerprint: str
    created: datetime
    used: datetime
    client: str


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token, without what would open anything."""

    id: int
    name: str
    hint: Annotated[str, Field(description="its first characters")]
    can_change: Annotated[bool, Field(description="whether it can change anything")]
    created: datetime
    used: Annotated[datetime | None, Field(description="to the minute; null: never")]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Who did what, and when.

    Attributes:
        number: To page by.
        detail: What is different, as plain values; never a secret.
    """

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class NameTaken(Exception):
    """There is a token of this name."""


class ConsoleStore:
    """Queries of the console's own; each change is a transaction with its audit."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def password(self) -> str | None:
        """Return the hash of the password, None before there is one."""

        async def read(connection: AsyncConnection) -> str | None:
            return (await connection.execute(select(schema.password.c.hash))).scalar_one_or_none()

        return await self._database.read(read)

    async def set_password(self, hash_: str, *, at: datetime, actor: str) -> None:
        """Keep a password in place of the one before, and end every session and device cookie."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(schema.password))
            await connection.execute(insert(schema.password).values(id=1, hash=hash_, at=at))
            await connection.execute(delete(schema.session))
            await connection.execute(delete(schema.device))
            await self._database.note(connection, actor=actor, action="password set", subject="")

        await self._database.write(write)

    async def add_session(
        self, session: StoredSession, *, actor: str, dead_before: datetime
    ) -> None:
        """Keep a new session, and drop those that were last used before some time."""
        table = schema.session

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.used < dead_before))
            await connection.execute(
                insert(table).values(
                    mark=session.id_hash,
                    password_mark=session.password_fingerprint,
                    created=session.created,
                    used=session.used,
                    client=session.client,
                )
            )
            await self._database.note(
                connection, actor=actor, action="signed in", subject=session.client
            )

        await self._database.write(write)

    async def session(self, hash_: str) -> StoredSession | None:
        """Return a session, if there is one."""
        table = schema.session

        async def read(connection: AsyncConnection) -> StoredSession | None:
            found = await connection.execute(select(table).where(table.c.mark == hash_))
            row = found.one_or_none()
            if row is None:
                return None
            return StoredSession(row.mark, row.password_mark, row.created, row.used, row.client)

        return await self._database.read(read)

    async def use_session(self, hash_: str, *, at: datetime) -> None:
        """Note that a session was used."""
        table = schema.session

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(update(table).where(table.c.mark == hash_).values(used=at))

        await self._database.write(write)

    async def sessions(self) -> int:
        """Return how many sessions are kept."""

        async def read(connection: AsyncConnection) -> int:
            query = select(func.count()).select_from(schema.session)
            return int((await connection.execute(query)).scalar_one())

        return await self._database.read(read)

    async def end_session(self, hash_: str, *, actor: str, client: str) -> None:
        """Forget a session."""
        table = schema.session

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(table).where(table.c.mark == hash_))
            await self._database.note(connection, actor=actor, action="signed out", subject=client)

        await self._database.write(write)

    async def end_sessions(self, *, actor: str, client: str) -> None:
        """Forget every session."""

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(delete(schema.session))
            await self._database.note(
                connection, actor=actor, action="signed out everywhere", subject=client
            )

        await self._database.write(write)

    async def add_token(
        self, *, name: str, hash_: str, hint: str, can_change: bool, at: datetime, actor: str
    ) -> ApiToken:
        """Keep a new token's hash.

        Raises:
            NameTaken: There is one of this name.
        """
        table = schema.api_token
        values = {"name": name, "hint": hint, "can_change": can_change, "created": at}

        async def write(connection: AsyncConnection) -> int:
            taken = await connection.execute(select(table.c.id).where(table.c.name == name))
            if taken.one_or_none() is not None:
                raise NameTaken(name)
            made = await connection.execute(
                insert(table).values(mark=hash_, **values).returning(table.c.id)
            )
            await self._database.note(
                connection,
                actor=actor,
                action="token created",
                subject=name,
                detail={"can_change": can_change},
            )
            return int(made.scalar_one())

        number = await self._database.write(write)
        return ApiToken(number, name, hint, can_change, at, None)

    async def tokens(self) -> tuple[ApiToken, ...]:
        """Return every token, by name."""

        async def read(connection: AsyncConnection) -> tuple[ApiToken, ...]:
            table = schema.api_token
            found = await connection.execute(select(table).order_by(table.c.name))
            return tuple(_token(row) for row in found)

        return await self._database.read(read)

    async def token(self, hash_: str) -> ApiToken | None:
        """Return the token of a hash, if there is one."""
        table = schema.api_token

        async def read(connection: AsyncConnection) -> ApiToken | None:
            row = (
                await connection.execute(select(table).where(table.c.mark == hash_))
            ).one_or_none()
            return None if row is None else _token(row)

        return await self._database.read(read)

    async def use_token(self, number: int, *, at: datetime) -> None:
        """Note that a token was used."""
        table = schema.api_token

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(update(table).where(table.c.id == number).values(used=at))

        await self._database.write(write)

    async def revoke_token(self, number: int, *, actor: str) -> bool:
        """Forget a token, and tell whether there was one."""
        table = schema.api_token

        async def write(connection: AsyncConnection) -> bool:
            gone = await connection.execute(
                delete(table).where(table.c.id == number).returning(table.c.name)
            )
            name = gone.scalar_one_or_none()
            if name is None:
                return False
            await self._database.note(connection, actor=actor, action="token revoked", subject=name)
            return True

        return await self._database.write(write)

    async def note(
        self, *, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Enter something in the audit."""

        async def write(connection: AsyncConnection) -> None:
            await self._database.note(
                connection, actor=actor, action=action, subject=subject, detail=detail
            )

        await self._database.write(write)

    async def audit(self, *, before: int | None, limit: int) -> tuple[AuditRow, ...]:
        """Return entries of the audit, newest first.

        Args:
            before: Only those with a smaller number; None from the newest on.
            limit: At most so many.
        """
        table = schema.audit
        query = select(table).order_by(table.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(table.c.id < before)

        async def read(connection: AsyncConnection) -> tuple[AuditRow, ...]:
            return tuple(
                AuditRow(row.id, row.at, row.actor, row.action, row.subject, row.detail)
                for row in await connection.execute(query)
            )

        return await self._database.read(read)


def _token(row: Any) -> ApiToken:
    return ApiToken(row.id, row.name, row.hint, row.can_change, row.created, row.used)
