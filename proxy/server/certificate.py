"""The certificate of native HTTPS, read anew when its files change."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from proxy.errors import ConfigurationError

log = structlog.get_logger("proxy.certificate")

# Certificate and key are not replaced at the same moment: what has changed is read once both have
# been the same for so long.
_LOOK_EVERY_S = 2.0
# What cannot be used is read again at each look, and told after so many: a tool may write one file
# seconds after the other, a disk of another machine may be away, or no descriptor may be left.
_LOOKS_BEFORE_TOLD = 5


class Certificate:
    """What a native HTTPS listener needs.

    Attributes:
        context: For handshakes that begin now.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        """Read the files.

        Raises:
            ConfigurationError: They are no certificate and key, or do not belong together.
        """
        self._files = certificate, key
        self._used = self._seen = self._state()
        self.context = self._load()

    @asynccontextmanager
    async def watched(
        self, *, look_every_s: float = _LOOK_EVERY_S, looks_before_told: int = _LOOKS_BEFORE_TOLD
    ) -> AsyncIterator[None]:
        """Follow the files until the end of the block."""
        watch = self._watch(look_every_s, looks_before_told)
        task = asyncio.create_task(watch, name="certificate")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait({task})

    async def _watch(self, look_every_s: float, looks_before_told: int) -> None:
        refused = 0  # times in a row that the same files were
        while True:
            await asyncio.sleep(look_every_s)
            try:
                if await asyncio.to_thread(self._refresh):  # the disk may be another machine's
                    log.info("certificate renewed")
                refused = 0
            except (ConfigurationError, RuntimeError) as exc:  # or no thread can be started
                refused += 1
                if refused == looks_before_told:
                    log.warning(
                        "certificate refused", reason=str(exc), fix="the one before is still used"
                    )

    def _refresh(self) -> bool:
        """Read the files if they have changed and stay so; tell whether they were.

        Raises:
            ConfigurationError: They cannot be used as they are now.
        """
        before, self._seen = self._seen, self._state()
        if self._seen != before or self._seen == self._used:
            return False
        self.context = self._load()
        self._used = self._seen
        return True

    def _load(self) -> ssl.SSLContext:
        # A context of its own: one that has refused a pair is left with half of it.
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        try:
            # A key that needs a password is refused: OpenSSL would ask a terminal for it, and wait.
            context.load_cert_chain(*self._files, password="")
        except (ssl.SSLError, OSError) as exc:
            raise ConfigurationError(
                [f"TDC_TLS_CERT, TDC_TLS_KEY: {exc}; give a PEM chain and the key it belongs to"]
            ) from exc
        return context

    def _state(self) -> tuple[tuple[int, int, int, int] | None, ...]:
        """Return what changes when one of the files does."""
        return tuple(map(_file_state, self._files))


def _file_state(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    # Its rights too, which st_ctime has: a key may be given to us only after it was written.
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
