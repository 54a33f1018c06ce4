"""Which passwords are taken, and what is kept of them: an argon2id hash."""

import asyncio
import hashlib
import re
import unicodedata

import argon2

from proxy.console.words import Text

LEAST_CHARACTERS = 12
_MOST_CHARACTERS = 1024
_LEAST_DIFFERENT = 5

# Each takes 64 MiB and some tens of milliseconds of a core.
_AT_ONCE = 2

_OBVIOUS = (
    "password|passwort|parola|passw0rd|p4ssword|p4ssw0rd|pa55word|pa55w0rd|qwerty|qwertz|azerty"
    "|letmein|welcome|benvenuto|changeme|secret|segreto|admin|administrator|amministratore|root"
    "|user|test|demo|default|login|thron|download|connector|console|iloveyou|monkey|dragon"
    "|football|sunshine|princess|correct|horse|battery|staple|abc|the|my|new"
    "|asdf|asdfgh|asdfghjkl|zxcvbn|zxcvbnm|uiop|qaz|wsx|edc"
)
_MADE_OF_OBVIOUS = re.compile(rf"(?:{_OBVIOUS}|[\W\d_])*", re.IGNORECASE)
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiopasdfghjklzxcvbnm")

_hasher = argon2.PasswordHasher()


class PasswordHashes:
    """Makes and checks hashes beside the event loop, few at once."""

    def __init__(self, *, hasher: argon2.PasswordHasher = _hasher) -> None:
        self._hasher = hasher
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def make(self, password: str) -> str:
        """Return the hash of a password."""
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, _normal(password))

    async def fits(self, password: str, hash_: str) -> bool:
        """Tell whether a hash is that of a password."""
        async with self._turns:
            return await asyncio.to_thread(self._fits, password, hash_)

    def _fits(self, password: str, hash_: str) -> bool:
        try:
            return self._hasher.verify(hash_, _normal(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


def problem(password: str, *, not_: str | None = None) -> Text | None:
    """Return why a new password is not taken, or None if it is.

    Args:
        password: As typed.
        not_: A word that everybody would try first, such as the tenant's name.

    There are no rules of composition: length is what counts (NIST SP 800-63B, 3.1.1.2).
    """
    if len(password) < LEAST_CHARACTERS:
        return Text(
            "At least {number} characters; a few words in a row are easy to keep in mind.",
            number=LEAST_CHARACTERS,
        )
    if len(password) > _MOST_CHARACTERS:
        return Text("At most {number} characters.", number=_MOST_CHARACTERS)
    if _is_obvious(password, not_):
        return Text("That would be among the first to be tried: choose something less obvious.")
    return None


def mark(hash_: str) -> str:
    """Return what tells one password from the next, for sessions to end with their password."""
    return hashlib.sha256(hash_.encode()).hexdigest()[:32]


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
