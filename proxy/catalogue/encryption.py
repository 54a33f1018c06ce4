"""Encryption of the secrets that the database keeps: app key, token, pkey.

The keys are kept elsewhere (``secret_keys``), so that a copy of the database opens nothing.
"""

import base64
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# Tells ciphertext from the plain text of versions before it.
_INFO = b"thron-connector database"
_PREFIX = "fernet:"


class Encryption:
    """Encrypts with the first of some keys, and decrypts with any of them.

    Args:
        keys: Long random texts; at least one. To replace a key, put the new one in front.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        derived = [
            HKDF(SHA256(), length=32, salt=None, info=_INFO).derive(key.encode()) for key in keys
        ]
        self._fernet = MultiFernet([Fernet(base64.urlsafe_b64encode(each)) for each in derived])

    def encrypt(self, text: str) -> str:
        """Return the ciphertext of a text."""
        return _PREFIX + self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, text: str) -> str | None:
        """Return what was encrypted; None where none of the keys opens it."""
        try:
            return self._fernet.decrypt(text.removeprefix(_PREFIX)).decode()
        except InvalidToken:
            return None


def is_encrypted(text: str) -> bool:
    """Tell ciphertext from plain text."""
    return text.startswith(_PREFIX)
