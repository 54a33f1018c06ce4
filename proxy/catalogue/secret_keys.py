"""The keys with which the database's secrets are encrypted, and where they come from.

``TDC_SECRET_KEY`` goes first. An SQLite file has a key file beside it, made at the first start,
where that is not set: who copies the database alone cannot read its secrets. PostgreSQL is shared
by processes on several machines, so only ``TDC_SECRET_KEY`` will do there.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from proxy.catalogue.encryption import Encryption
from proxy.catalogue.engine import DatabaseLocation, restrict_to_owner
from proxy.errors import ConfigurationError

SETTING = "TDC_SECRET_KEY"
_SHORTEST = 32
_FIX = f"restore it, or remove it and give the credentials anew, or set {SETTING}."
MAKE_ONE = "openssl rand -base64 32"
NO_KEY = (
    f"set {SETTING}, the same for every replica, to have it encrypted (make one with: {MAKE_ONE})"
)


def key_file(database: Path) -> Path:
    """Return the place of the key file of an SQLite database."""
    return database.with_name(database.stem + ".secret.key")


def encryption(where: DatabaseLocation, given: tuple[str, ...]) -> Encryption | None:
    """Return the encryption of a database's secrets; None where there can be none.

    Args:
        where: The database.
        given: The keys of TDC_SECRET_KEY, newest first.

    Raises:
        ConfigurationError: The key file cannot be read or made.
    """
    if where.path is None:
        return Encryption(given) if given else None
    file = key_file(where.path)
    # Beside TDC_SECRET_KEY the file goes on opening what was encrypted before that was set.
    kept = (_read_or_make(file),) if file.exists() or not given else ()
    return Encryption((*given, *kept))


def _read_or_make(file: Path) -> str:
    try:
        if not file.exists():
            _make(file)
        restrict_to_owner(file)
        key = file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        problem = f"{file}: the key of the database's secrets cannot be read ({exc}); {_FIX}"
        raise ConfigurationError([problem]) from exc
    if len(key) < _SHORTEST:
        problem = f"{file}: this is not the key of the database's secrets; {_FIX}"
        raise ConfigurationError([problem])
    return key


def _make(file: Path) -> None:
    """Make a key file; it appears complete, and of two processes only one makes it."""
    written = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as new:
        new.write(secrets.token_urlsafe(32) + "\n")
        new.flush()
        os.fsync(new.fileno())
    with suppress(FileExistsError):  # another process was first
        os.link(written, file)
    written.unlink()
