"""Bearer tokens for machines: made and revoked in the console, shown once, kept as hashes."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from proxy.admin.auth.secret_hash import secret_hash
from proxy.admin.store import ApiToken, ConsoleStore

_PREFIX = "tdc_"  # for scanners of leaked secrets, and for the operator who finds one in a file
_HINT_CHARACTERS = 8
_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token that has been made."""

    token: ApiToken
    secret: Annotated[
        str, Field(description="send it as Authorization: Bearer; it is shown only this once")
    ] = field(repr=False)


class ApiTokens:
    """Makes, finds and revokes tokens."""

    def __init__(self, store: ConsoleStore, *, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def make(self, name: str, *, can_change: bool, actor: str) -> NewToken:
        """Make a token.

        Raises:
            NameTaken: There is one of this name.
        """
        secret = _PREFIX + secrets.token_urlsafe(32)
        token = await self._store.add_token(
            name=name,
            hash_=secret_hash(secret),
            hint=secret[:_HINT_CHARACTERS],
            can_change=can_change,
            at=self._now(),
            actor=actor,
        )
        return NewToken(token, secret)

    async def find(self, secret: str) -> ApiToken | None:
        """Return the token of a secret, if it is good; finding it is using it."""
        token = await self._store.token(secret_hash(secret))
        if token is None:
            return None
        now = self._now()
        if token.used is None or now - token.used >= _NOTED_EVERY:
            await self._store.use_token(token.id, at=now)
        return token

    async def all(self) -> tuple[ApiToken, ...]:
        """Return every token, by name."""
        return await self._store.tokens()

    async def revoke(self, number: int, *, actor: str) -> bool:
        """Revoke a token, and tell whether there was one."""
        return await self._store.revoke_token(number, actor=actor)
