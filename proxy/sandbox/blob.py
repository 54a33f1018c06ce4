"""Bytes that the simulated THRON stores: in memory, in a file, or computed by a rule.

Rule: a blob is read from any octet to any other in constant memory, and its entity-tag is strong:
two blobs with one tag hold the same octets.
"""

import hashlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Protocol

CHUNK_OCTETS = 64 * 1024
PART_OCTETS = (
    8 * 1024 * 1024
)  # the part size of common S3 uploaders: larger objects get "hex-n" tags
EPOCH = datetime(2024, 3, 20, 9, 0, 0, tzinfo=UTC)

_BLOCK_OCTETS = 4096
_STAMP = struct.Struct(">Q")


class Blob(Protocol):
    """A representation's octets with what a static server says about them.

    The entity-tag has its quotes and S3's style: ``"<md5>"``, or ``"<hex>-<parts>"`` for an object
    that was uploaded in several parts.
    """

    @property
    def length(self) -> int:
        """Complete length in octets."""
        ...

    @property
    def media_type(self) -> str:
        """The Content-Type."""
        ...

    @property
    def etag(self) -> str:
        """The strong entity-tag."""
        ...

    @property
    def last_modified(self) -> datetime:
        """The aware time of the last change."""
        ...

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the octets from ``start`` to ``stop`` (exclusive) in chunks of up to 64 KiB."""
        ...


@dataclass(frozen=True, slots=True)
class BytesBlob:
    """Octets kept in memory."""

    data: bytes = field(repr=False)
    media_type: str = "application/octet-stream"
    last_modified: datetime = EPOCH

    @property
    def length(self) -> int:
        """The number of octets."""
        return len(self.data)

    @property
    def etag(self) -> str:
        """The MD5 of the octets, quoted."""
        return _md5_tag(self.data)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the octets from ``start`` to ``stop`` (exclusive)."""
        for at in range(start, min(stop, len(self.data)), CHUNK_OCTETS):
            yield self.data[at : min(at + CHUNK_OCTETS, stop)]


@dataclass(frozen=True, slots=True)
class FileBlob:
    """A file on disk, looked at afresh for each answer: nothing of it is kept in memory."""

    path: Path
    media_type: str = "application/octet-stream"

    @property
    def length(self) -> int:
        """The file's present size."""
        return self.path.stat().st_size

    @property
    def etag(self) -> str:
        """The MD5 of a file of one part; of its name, size and time for a larger one.

        Hashing gigabytes would hold up the server, and S3's tag of a multi-part object is no MD5
        of its octets either.
        """
        stat = self.path.stat()
        return _file_tag(self.path, stat.st_size, stat.st_mtime_ns)

    @property
    def last_modified(self) -> datetime:
        """The file's modification time."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the octets from ``start`` to ``stop`` (exclusive)."""
        with self.path.open("rb") as file:
            file.seek(start)
            left = stop - start
            while left > 0 and (data := file.read(min(CHUNK_OCTETS, left))):
                left -= len(data)
                yield data


@dataclass(frozen=True, slots=True)
class RuleBlob:
    """Any number of octets that exist nowhere: each range is computed when it is read."""

    length: int = 10 * 1024**3
    media_type: str = "application/octet-stream"
    last_modified: datetime = EPOCH
    seed: int = 0

    @property
    def etag(self) -> str:
        """A tag of seed and length, as S3 gives to an object of several parts."""
        parts = max(1, -(-self.length // PART_OCTETS))
        digest = hashlib.md5(b"%d:%d" % (self.seed, self.length), usedforsecurity=False)
        return f'"{digest.hexdigest()}-{parts}"'

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the octets from ``start`` to ``stop`` (exclusive)."""
        return _rule_chunks(start, min(stop, self.length), self.seed)


def rule_bytes(start: int, stop: int, *, seed: int = 0) -> bytes:
    """Return what a RuleBlob of this seed holds from ``start`` to ``stop`` (exclusive).

    Each block of 4 KiB begins with its own number (8 octets, big-endian) and goes on with noise
    that differs for each of sixteen blocks in a row, so that bytes that are shifted, repeated or
    taken from another place or seed never compare equal.
    """
    return b"".join(_rule_chunks(start, stop, seed))


def _rule_chunks(start: int, stop: int, seed: int) -> Iterator[bytes]:
    aligned = start - start % CHUNK_OCTETS
    for at in range(aligned, stop if start < stop else aligned, CHUNK_OCTETS):
        chunk = _rule_chunk(at, seed)
        if start > at or stop < at + CHUNK_OCTETS:
            chunk = chunk[max(0, start - at) : stop - at]
        yield bytes(chunk)


def _rule_chunk(at: int, seed: int) -> bytearray:
    chunk = bytearray(_noise(seed))
    block = at // _BLOCK_OCTETS
    for offset in range(0, CHUNK_OCTETS, _BLOCK_OCTETS):
        _STAMP.pack_into(chunk, offset, block)
        block += 1
    return chunk


@lru_cache(maxsize=8)
def _noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(CHUNK_OCTETS)  # noqa: S311 - test data, no secret


@lru_cache(maxsize=4096)
def _file_tag(path: Path, size: int, modified_ns: int) -> str:
    if size <= PART_OCTETS:
        return _md5_tag(path.read_bytes())
    digest = hashlib.md5(f"{path}:{size}:{modified_ns}".encode(), usedforsecurity=False)
    return f'"{digest.hexdigest()}-{-(-size // PART_OCTETS)}"'


def _md5_tag(data: bytes) -> str:
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'
