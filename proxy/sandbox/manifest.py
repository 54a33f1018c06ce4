"""The library a sandbox starts with: the shipped one, a user's own directory, or generated."""

from functools import cache
from pathlib import Path

from proxy.sandbox.generated import generated
from proxy.sandbox.own_files import from_directory
from proxy.sandbox.specs import (
    ClassificationSpec,
    ContentSpec,
    DefinitionSpec,
    FolderSpec,
    Library,
)
from proxy.sandbox.tenant_file import read

__all__ = [
    "LIBRARY",
    "ClassificationSpec",
    "ContentSpec",
    "DefinitionSpec",
    "FolderSpec",
    "Library",
    "from_directory",
    "generated",
    "shipped",
]

LIBRARY = Path(__file__).parent / "library"


@cache
def shipped() -> Library:
    """Return the library that comes with the package: the invented bicycle maker Velo Aurora."""
    return read(LIBRARY / "tenant.toml")
