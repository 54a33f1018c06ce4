"""The administrator's password: given by a setting, or set in the console."""

from collections.abc import Callable
from datetime import datetime

from proxy.admin.auth.passwords import PasswordHashes
from proxy.admin.store import ConsoleStore


class Password:
    """The password that is good now.

    Args:
        store: Keeps the one that was set in the console.
        hashes: Makes and checks hashes.
        given: The hash in TDC_ADMIN_PASSWORD_HASH, which goes before the kept one.
        now: Aware time.
    """

    def __init__(
        self,
        store: ConsoleStore,
        hashes: PasswordHashes,
        *,
        given: str | None,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
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
        self._kept = await self._store.password()

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
        await self._store.set_password(hash_, at=self._now(), actor=actor)
        self._kept = hash_
