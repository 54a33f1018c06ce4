"""Turns a directory of the user's own files into a library."""

import os
import re
import unicodedata
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from proxy.sandbox.blob import FileBlob
from proxy.sandbox.media_types import content_type_of, media_type_of
from proxy.sandbox.specs import ClassificationSpec, ContentSpec, DefinitionSpec, FolderSpec, Library

_LANGUAGE = "EN"
_NAMESPACE = uuid.UUID("6f2b1f4e-54a0-4b63-9d1c-9a2d6c2a7e11")
_LONGEST_SLUG = 140  # a prettyID has at most 150 characters (docs/thron.md 3.1): a number follows
_CLASSIFICATION = str(uuid.uuid5(_NAMESPACE, "classification"))
_SKU = DefinitionSpec(
    id=str(uuid.uuid5(_NAMESPACE, "sku")),
    classification_id=_CLASSIFICATION,
    key="sku",
    metadata_type="KEY",
    names={_LANGUAGE: "File code"},
)


def from_directory(path: Path) -> Library:
    """Return a library of the files under a directory; the files stay where they are.

    Sub-folders become folders. Titles and prettyIDs come from the names; ids and the metadata
    ``sku`` from the relative path, so that they are the same at the next start. Hidden files and
    folders are left out, and so are folders behind symbolic links, and links that lead out of the
    directory.

    Raises:
        NotADirectoryError: If there is no directory of that name.
    """
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is not a directory")
    root = path.resolve()
    pretty_ids = _PrettyIds()
    folders: list[FolderSpec] = []
    contents: list[ContentSpec] = []
    for folder, files in _walk(root):
        folders.append(_folder(folder, root, pretty_ids))
        contents.extend(_content(file, root, pretty_ids) for file in files)
    return Library(
        root_folder_id=folders[0].id,
        folders=tuple(folders),
        contents=tuple(contents),
        classifications=(ClassificationSpec(_CLASSIFICATION, "CUSTOM", {_LANGUAGE: "Files"}),),
        definitions=(_SKU,),
    )


class _PrettyIds:
    """Gives each name a prettyID that no other has."""

    def __init__(self) -> None:
        self._given: dict[str, int] = {}

    def give(self, *candidates: str) -> str:
        slugs = [_slug(candidate) for candidate in candidates]
        slug = next((slug for slug in slugs if slug not in self._given), slugs[-1])
        while slug in self._given:
            self._given[slugs[-1]] += 1
            slug = f"{slugs[-1]}-{self._given[slugs[-1]]}"
        self._given[slug] = 1
        return slug


def _walk(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    for at, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        files = (Path(at, name) for name in sorted(names) if not name.startswith("."))
        yield Path(at), [file for file in files if _is_shown(file, root)]


def _is_shown(file: Path, root: Path) -> bool:
    """Tell whether a file can be read, and is one of the directory, wherever a link leads."""
    real = file.resolve()
    if not (real.is_relative_to(root) and real.is_file() and os.access(real, os.R_OK)):
        return False
    return not any(part.startswith(".") for part in real.relative_to(root).parts)


def _folder(folder: Path, root: Path, pretty_ids: _PrettyIds) -> FolderSpec:
    name = _title(folder.name) or "Files"
    return FolderSpec(
        id=_id("folder", folder, root),
        parent_id=None if folder == root else _id("folder", folder.parent, root),
        names={_LANGUAGE: name},
        pretty_ids=((_LANGUAGE, pretty_ids.give(f"{name}-folder")),),
    )


def _content(file: Path, root: Path, pretty_ids: _PrettyIds) -> ContentSpec:
    media_type = media_type_of(file.name)
    content_type = content_type_of(media_type)
    blob = FileBlob(file.resolve(), media_type)  # a link may lead elsewhere by the next request
    modified = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    name = _printable(file.name)
    content_id = _id("content", file, root)
    return ContentSpec(
        id=content_id,
        content_type=content_type,
        creation_date=modified,
        last_update=modified,
        titles={_LANGUAGE: _title(Path(name).stem)},
        pretty_ids=((_LANGUAGE, pretty_ids.give(Path(name).stem, name)),),
        imetadata=((_CLASSIFICATION, "sku", None, f"F-{content_id[:8].upper()}"),),
        folder_ids=(_id("folder", file.parent, root),),
        file_name=name,
        media_type=media_type,
        source=blob,
        renditions={"std" if content_type == "IMAGE" else "WEB": blob},
        channels=("WEB",),
    )


def _id(kind: str, path: Path, root: Path) -> str:
    relative = os.fsencode(path.relative_to(root)).decode("latin-1")
    return str(uuid.uuid5(_NAMESPACE, f"{kind}:{relative}"))


def _printable(name: str) -> str:
    """Replace octets that are no UTF-8: THRON's answers are JSON."""
    return os.fsencode(name).decode("utf-8", errors="replace")


def _title(stem: str) -> str:
    return _printable(stem).replace("_", " ").strip()


def _slug(name: str) -> str:
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_]+", "-", ascii_only).strip("-")
    return slug[:_LONGEST_SLUG] or "file"
