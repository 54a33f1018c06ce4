"""Reads a library from a TOML file: names and places there, bytes in the files beside it.

Folders are named by a slug in the file, and by their id in THRON. A content's metadata names its
definition by key; the classification is looked up. What is not said follows from the file's
extension: media type, and one published rendition that equals the source.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.sandbox.blob import Blob, BytesBlob, FileBlob, RuleBlob
from proxy.sandbox.media_types import media_type_of
from proxy.sandbox.specs import (
    ClassificationSpec,
    ContentSpec,
    DefinitionSpec,
    FolderSpec,
    Library,
)

DELIVERED = ("VIDEO", "AUDIO", "IMAGE", "OTHER")


def read(path: Path) -> Library:
    """Return the library of a TOML file; its files lie in ``files/`` beside it.

    Raises:
        KeyError: If it names a folder or a metadata definition that it does not define.
        tomllib.TOMLDecodeError: If it is no TOML.
    """
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    ids = {table["slug"]: table["id"] for table in tables["folder"]}
    definitions = tuple(_definition(table) for table in tables["definition"])
    return Library(
        root_folder_id=ids[tables["root_folder"]],
        folders=tuple(_folder(table, ids) for table in tables["folder"]),
        contents=tuple(
            _content(table, ids, definitions, files=path.parent / "files")
            for table in tables["content"]
        ),
        classifications=tuple(ClassificationSpec(**table) for table in tables["classification"]),
        definitions=definitions,
    )


def _folder(table: Mapping[str, Any], ids: Mapping[str, str]) -> FolderSpec:
    return FolderSpec(
        id=table["id"],
        parent_id=ids[table["parent"]] if "parent" in table else None,
        names=table["names"],
        pretty_ids=_pairs(table.get("pretty_ids", {})),
    )


def _definition(table: Mapping[str, Any]) -> DefinitionSpec:
    given = {"classification_id": None, **table}
    if "applicable_to" in given:
        given["applicable_to"] = tuple(given["applicable_to"])
    return DefinitionSpec(**given)


def _content(
    table: Mapping[str, Any],
    ids: Mapping[str, str],
    definitions: tuple[DefinitionSpec, ...],
    *,
    files: Path,
) -> ContentSpec:
    media_type = table.get("media_type") or media_type_of(table.get("file") or table["file_name"])
    source = _source(table, media_type, files=files)
    renditions = _renditions(table, source, files=files)
    classifications = {item.key: item.classification_id for item in definitions}
    return ContentSpec(
        id=table["id"],
        content_type=table["type"],
        creation_date=table["created"],
        last_update=table.get("updated", table["created"]),
        titles=table.get("titles", {}),
        descriptions=table.get("descriptions", {}),
        pretty_ids=_pairs(table.get("pretty_ids", {})),
        external_ids=_pairs(table.get("external_ids", {})),
        imetadata=tuple(
            (classifications[item["key"]] or "", item["key"], item.get("lang"), item["value"])
            for item in table.get("metadata", ())
        ),
        legacy_metadatas=tuple(
            (item["name"], item.get("lang"), item["value"])
            for item in table.get("legacy_metadata", ())
        ),
        folder_ids=tuple(ids[slug] for slug in table["folders"]),
        file_name=table.get("file_name") or Path(table["file"]).name,
        media_type=media_type,
        source=source,
        renditions=renditions,
        status=table.get("status", "PUBLISHED"),
        channels=tuple(table.get("channels", _channels(renditions))),
        shareable=table.get("shareable", True),
    )


def _source(table: Mapping[str, Any], media_type: str, *, files: Path) -> Blob:
    if "rule" in table:
        return RuleBlob(media_type=media_type, **table["rule"])
    if "text" in table:
        return BytesBlob(table["text"].encode(), media_type)
    return FileBlob(files / table["file"], media_type)


def _renditions(table: Mapping[str, Any], source: Blob, *, files: Path) -> dict[str, Blob]:
    if "renditions" in table:
        return {
            channel: FileBlob(files / name, media_type_of(name))
            for channel, name in table["renditions"].items()
        }
    if table["type"] not in DELIVERED or table.get("status", "PUBLISHED") != "PUBLISHED":
        return {}
    return {"std" if table["type"] == "IMAGE" else "WEB": source}


def _channels(renditions: Mapping[str, Blob]) -> tuple[str, ...]:
    """Name the channels; an image is available in WEB though it is asked for by preset."""
    return tuple("WEB" if channel == "std" else channel for channel in renditions)


def _pairs(table: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(table.items())
