"""Bearer tokens for machines: made and revoked in the console, shown once, kept as hashes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from sqlalchemy import delete, insert, select, update

from proxy.admin.auth.passwords import secret_hash
from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database

_PREFIX = "tdc_"  # for scanners of leaked secrets, and for the operator who finds one in a file
_HINT_CHARACTERS = 8
_NOTED_EVERY = timedelta(minutes=1)

_TABLE = schema.api_token


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
class NewToken:
    """A token that has been made."""

    token: ApiToken
    secret: Annotated[
        str, Field(description="send it as Authorization: Bearer; it is shown only this once")
    ] = field(repr=False)


class NameTaken(Exception):
    """There is a token of this name."""


class ApiTokens:
    """Makes, finds and revokes tokens.

    Every method raises DatabaseFailed where the database does not answer.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    async def make(self, name: str, *, can_change: bool, actor: str) -> NewToken:
        """Make a token.

        Raises:
            NameTaken: There is one of this name.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        row = {
            "name": name,
            "hint": secret[:_HINT_CHARACTERS],
            "can_change": can_change,
            "created": self._now(),
            "mark": secret_hash(secret),
        }

        async def write(connection: AsyncConnection) -> ApiToken:
            taken = await connection.execute(select(_TABLE.c.id).where(_TABLE.c.name == name))
            if taken.one_or_none() is not None:
                raise NameTaken(name)
            made = await connection.execute(insert(_TABLE).values(row).returning(_TABLE))
            await self._database.note(
                connection,
                actor=actor,
                action="token created",
                subject=name,
                detail={"can_change": can_change},
            )
            return _token(made.one())

        return NewToken(await self._database.write(write), secret)

    async def find(self, secret: str) -> ApiToken | None:
        """Return the token of a secret, if it is good; finding it is using it."""
        is_it = _TABLE.c.mark == secret_hash(secret)

        async def read(connection: AsyncConnection) -> ApiToken | None:
            row = (await connection.execute(select(_TABLE).where(is_it))).one_or_none()
            return None if row is None else _token(row)

        token, now = await self._database.read(read), self._now()
        if token is not None and (token.used is None or now - token.used >= _NOTED_EVERY):

            async def note_use(connection: AsyncConnection) -> None:
                await connection.execute(update(_TABLE).where(is_it).values(used=now))

            await self._database.write(note_use)
        return token

    async def all(self) -> tuple[ApiToken, ...]:
        """Return every token, by name."""

        async def read(connection: AsyncConnection) -> tuple[ApiToken, ...]:
            found = await connection.execute(select(_TABLE).order_by(_TABLE.c.name))
            return tuple(map(_token, found))

        return await self._database.read(read)

    async def revoke(self, number: int, *, actor: str) -> bool:
        """Revoke a token, and tell whether there was one."""
        query = delete(_TABLE).where(_TABLE.c.id == number).returning(_TABLE.c.name)

        async def write(connection: AsyncConnection) -> bool:
            name = (await connection.execute(query)).scalar_one_or_none()
            if name is None:
                return False
            await self._database.note(connection, actor=actor, action="token revoked", subject=name)
            return True

        return await self._database.write(write)


def _token(row: Any) -> ApiToken:
    return ApiToken(row.id, row.name, row.hint, row.can_change, row.created, row.used)
