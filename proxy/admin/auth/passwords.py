"""The administrator's password, which ones are taken, and the hashes kept of secrets."""

import asyncio
import hashlib
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import argon2
from sqlalchemy import delete, insert, select

from proxy.catalogue import schema
from proxy.catalogue.async_engine import AsyncConnection
from proxy.catalogue.database import Database
from proxy.text import Text

T = TypeVar("T")

LEAST_CHARACTERS = 12
_MOST_CHARACTERS = 1024
_LEAST_DIFFERENT = 5

# Of a thread, in steps of "nice": a crowd that guesses passwords gives way to downloads.
_NICER = 10

_OBVIOUS = (
    "password|passwort|parola|passw0rd|p4ssword|p4ssw0rd|pa55word|pa55w0rd|qwerty|qwertz|azerty"
    "|letmein|welcome|benvenuto|changeme|secret|segreto|admin|administrator|amministratore|root"
    "|user|test|demo|default|login|thron|download|connector|console|iloveyou|monkey|dragon"
    "|football|sunshine|princess|correct|horse|battery|staple|abc|the|my|new"
    "|asdf|asdfgh|asdfghjkl|zxcvbn|zxcvbnm|uiop|qaz|wsx|edc"
)
_MADE_OF_OBVIOUS = re.compile(rf"(?:{_OBVIOUS}|[\W\d_])*", re.IGNORECASE)
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm")

# RFC 9106, 4, second choice, but with one lane: one check takes one core, for some tens of
# milliseconds, and 64 MiB.
_hasher = argon2.PasswordHasher(parallelism=1)


class PasswordHashes:
    """Makes and checks hashes beside the event loop, one at a time; and one more for those known.

    The threads are the limit: a check whose client has left still ends before the next begins.
    """

    def __init__(self, *, hasher: argon2.PasswordHasher = _hasher) -> None:
        self._hasher = hasher
        self._for_anybody = ThreadPoolExecutor(1, "password", initializer=_give_way)
        self._for_known = ThreadPoolExecutor(1, "known-password")

    async def make(self, password: str) -> str:
        """Return the hash of a password."""
        return await _in(self._for_known, self._hasher.hash, _normal(password))

    async def fits(self, password: str, hash_: str, *, is_known: bool = False) -> bool:
        """Tell whether a hash is that of a password.

        Args:
            password: As typed.
            hash_: Of the right one.
            is_known: Whether it is for somebody who has proved it before; they do not wait for
                all others.
        """
        pool = self._for_known if is_known else self._for_anybody
        return await _in(pool, self._fits, password, hash_)

    def _fits(self, password: str, hash_: str) -> bool:
        try:
            return self._hasher.verify(hash_, _normal(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


async def _in(pool: ThreadPoolExecutor, function: Callable[..., T], *args: str) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, function, *args)


def _give_way() -> None:
    if sys.platform == "linux":  # where it is of one thread, not of the process (sched(7))
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICER)


def problem(password: str, *, not_: str | None = None) -> Text | None:
    """Return why a new password is not taken, or None if it is.

    Args:
        password: As typed.
        not_: A word that everybody would try first, such as the tenant's name.

    There are no rules of composition: length is what counts (NIST SP 800-63B, 3.1.1.2).
    """
    if len(password) < LEAST_CHARACTERS:
        return Text(
            "At least {number} characters. A few unrelated words are easy to remember.",
            number=LEAST_CHARACTERS,
        )
    if len(password) > _MOST_CHARACTERS:
        return Text("At most {number} characters.", number=_MOST_CHARACTERS)
    if _is_obvious(password, not_):
        return Text("An attacker would try this early. Choose something less obvious.")
    return None


def fingerprint(hash_: str) -> str:
    """Return what tells one password from the next, for sessions to end with their password."""
    return hashlib.sha256(hash_.encode()).hexdigest()[:32]


def secret_hash(secret: str) -> str:
    """Return the hash by which a session, a cookie or a token is found again; it opens nothing.

    A fast one will do: these secrets are random and long, so nobody guesses them one by one.
    """
    return hashlib.sha256(secret.encode()).hexdigest()


def _is_obvious(password: str, not_: str | None) -> bool:
    lowered = _normal(password).lower()
    if not_:
        lowered = lowered.replace(not_.lower(), "")
    if _MADE_OF_OBVIOUS.fullmatch(lowered) or len(set(lowered)) < _LEAST_DIFFERENT:
        return True
    return any(lowered in row * 2 or lowered[::-1] in row * 2 for row in _ROWS)


def _normal(password: str) -> str:
    """Return one spelling of what keyboards spell in several (RFC 8265, 4.2.2)."""
    return unicodedata.normalize("NFC", password)


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
