"""The library a sandbox starts with: the shipped one, a user's own directory, or generated."""

from pathlib import Path

from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.specs import (
    ClassificationSpec,
    ContentSpec,
    DefinitionSpec,
    FolderSpec,
    Library,
)

__all__ = [
    "ClassificationSpec",
    "ContentSpec",
    "DefinitionSpec",
    "FolderSpec",
    "Library",
    "from_directory",
    "generated",
    "shipped",
]


def shipped() -> Library:
    """Return the library that comes with the package."""
    raise NotImplementedError


def from_directory(path: Path) -> Library:
    """Return a library of the files under a directory."""
    raise NotImplementedError(path)


def generated(count: int) -> Library:
    """Return a library of so many generated contents."""
    raise NotImplementedError(count, BytesBlob)
