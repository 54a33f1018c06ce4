"""Blobs: octets in memory, in files and by rule."""

import hashlib
import os
import tracemalloc
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sandbox.blob import CHUNK_OCTETS, Blob, BytesBlob, FileBlob, RuleBlob, rule_bytes

GIB = 1024**3
DATA = rule_bytes(0, 200_001)


@pytest.fixture(params=["bytes", "file", "rule"])
def blob(request: pytest.FixtureRequest, tmp_path: Path) -> Blob:
    if request.param == "bytes":
        return BytesBlob(DATA)
    if request.param == "file":
        (tmp_path / "data").write_bytes(DATA)
        return FileBlob(tmp_path / "data")
    return RuleBlob(length=len(DATA))


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        (0, 0),
        (0, 1),
        (5, 5),
        (0, 200_001),
        (65_535, 65_537),
        (4_095, 4_097),
        (131_072, 200_001),
        (200_000, 200_001),
    ],
)
def test_read(blob: Blob, start: int, stop: int) -> None:
    """Any range is read, in chunks of at most 64 KiB."""
    chunks = list(blob.read(start, stop))
    assert b"".join(chunks) == DATA[start:stop]
    assert all(0 < len(chunk) <= CHUNK_OCTETS for chunk in chunks)


def test_length(blob: Blob) -> None:
    """The complete length is known, and nothing is read beyond it."""
    assert blob.length == 200_001
    assert b"".join(blob.read(200_000, 999_999)) == DATA[200_000:]


def test_etag_is_strong_and_quoted(blob: Blob) -> None:
    """An entity-tag has quotes, no W/, and stays as long as the octets do."""
    assert blob.etag[0] == blob.etag[-1] == '"'
    assert blob.etag == blob.etag


def test_md5_tags(tmp_path: Path) -> None:
    """Small octets have S3's tag: their MD5."""
    (tmp_path / "data").write_bytes(b"aurora")
    tag = f'"{hashlib.md5(b"aurora", usedforsecurity=False).hexdigest()}"'
    assert BytesBlob(b"aurora").etag == FileBlob(tmp_path / "data").etag == tag


def test_file_changes_its_tag(tmp_path: Path) -> None:
    """A file that is written anew has another tag, length and time."""
    file = tmp_path / "data"
    file.write_bytes(b"one")
    os.utime(file, (1_000_000_000, 1_000_000_000))
    blob = FileBlob(file)
    before = blob.etag
    assert blob.last_modified == datetime(2001, 9, 9, 1, 46, 40, tzinfo=UTC)
    file.write_bytes(b"three")
    assert blob.etag != before
    assert blob.length == 5
    assert blob.last_modified > datetime(2020, 1, 1, tzinfo=UTC)


def test_large_file_is_not_hashed(tmp_path: Path) -> None:
    """A file of gigabytes has a tag at once, of S3's form for several parts."""
    file = tmp_path / "sparse"
    with file.open("wb") as sparse:
        sparse.truncate(3 * GIB)
    assert FileBlob(file).etag.endswith('-384"')
    assert b"".join(FileBlob(file).read(2 * GIB, 2 * GIB + 3)) == b"\0\0\0"


@given(st.integers(0, 10 * GIB), st.integers(0, 200_000), st.integers(0, 3))
def test_rule_bytes_agree(start: int, length: int, seed: int) -> None:
    """A range is the same however it is cut."""
    whole = rule_bytes(start, start + length, seed=seed)
    middle = start + length // 3
    assert len(whole) == length
    assert rule_bytes(start, middle, seed=seed) + rule_bytes(middle, start + length, seed=seed) == (
        whole
    )


@given(st.integers(0, 2**20), st.integers(1, 2**20), st.integers(32, 4096))
def test_rule_bytes_differ(start: int, shift: int, length: int) -> None:
    """Octets from another place are others, once a block's number lies among them."""
    start -= start % 4096
    assert rule_bytes(start, start + length) != rule_bytes(start + shift, start + shift + length)


def test_seeds_differ() -> None:
    """Another seed is another version: other octets in every block, another tag."""
    one, two = (rule_bytes(0, 65_536, seed=seed) for seed in (0, 1))
    edges = range(0, 65_537, 4096)
    assert all(one[a:b] != two[a:b] for a, b in pairwise(edges))
    assert RuleBlob(seed=0).etag != RuleBlob(seed=1).etag


def test_ten_gibibytes_take_no_memory() -> None:
    """Any part of 10 GiB is read within little memory."""
    blob = RuleBlob()
    assert blob.length == 10_737_418_240
    tracemalloc.start()
    try:
        octets = sum(map(len, blob.read(blob.length - 64 * 2**20, blob.length)))
        assert octets == 64 * 2**20
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
