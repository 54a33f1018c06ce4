"""Libraries written as TOML."""

from pathlib import Path
from typing import Any

import pytest
import tomli_w

from proxy.sandbox.blob import BytesBlob, FileBlob, RuleBlob
from proxy.sandbox.specs import ContentSpec, Library
from proxy.sandbox.tenant_file import read

TENANT: dict[str, Any] = {
    "root_folder": "root",
    "folder": [
        {"slug": "top", "id": "f0", "names": {"EN": "Top"}},
        {"slug": "root", "id": "f1", "parent": "top", "names": {"EN": "Root"}},
    ],
    "classification": [{"id": "c1", "classification_type": "CUSTOM", "names": {"EN": "Product"}}],
    "definition": [
        {
            "id": "d1",
            "classification_id": "c1",
            "key": "sku",
            "metadata_type": "KEY",
            "names": {"EN": "SKU"},
        },
        {
            "id": "d2",
            "key": "free",
            "metadata_type": "STRING",
            "names": {},
            "applicable_to": ["USER"],
        },
    ],
}


def library(at: Path, **content: Any) -> Library:
    table = {"id": "x1", "type": "OTHER", "created": "", "folders": ["root"], **content}
    written = tomli_w.dumps({**TENANT, "content": [table]})
    (at / "tenant.toml").write_text(written.replace('""', "2024-03-20T09:00:00Z"))
    return read(at / "tenant.toml")


def content(at: Path, **table: Any) -> ContentSpec:
    (found,) = library(at, **table).contents
    return found


def test_folders_and_definitions(tmp_path: Path) -> None:
    """Folders are named by slug there and by id here."""
    found = library(tmp_path, file="a.pdf")
    assert found.root_folder_id == "f1"
    assert [(folder.id, folder.parent_id) for folder in found.folders] == [
        ("f0", None),
        ("f1", "f0"),
    ]
    assert found.contents[0].folder_ids == ("f1",)
    assert [item.classification_id for item in found.definitions] == ["c1", None]
    assert [item.applicable_to for item in found.definitions] == [("CONTENT",), ("USER",)]


def test_file(tmp_path: Path) -> None:
    """A file lies in files/; its extension says what it is, and it is published as it is."""
    found = content(tmp_path, file="sub/a.pdf")
    assert found.source == FileBlob(tmp_path / "files/sub/a.pdf", "application/pdf")
    assert (found.file_name, found.media_type) == ("a.pdf", "application/pdf")
    assert (found.renditions, found.channels) == ({"WEB": found.source}, ("WEB",))
    assert found.last_update == found.creation_date


def test_image(tmp_path: Path) -> None:
    """An image is published by preset, in channel WEB."""
    found = content(tmp_path, type="IMAGE", file="a.png", renditions={"std": "b.jpg"})
    assert found.renditions == {"std": FileBlob(tmp_path / "files/b.jpg", "image/jpeg")}
    assert found.channels == ("WEB",)


def test_rule_and_text(tmp_path: Path) -> None:
    """Octets are computed or written in the file itself where it says so."""
    ruled = content(tmp_path, file_name="a.bin", rule={"length": 5, "seed": 1})
    assert ruled.source == RuleBlob(length=5, seed=1)
    written = content(tmp_path, file_name="a.txt", text="è")
    assert written.source == BytesBlob("è".encode(), "text/plain")


@pytest.mark.parametrize(
    "table",
    [{"status": "DRAFT"}, {"type": "PLAYLIST"}, {"type": "URL"}, {"status": "PUBLISH_IN_PROGRESS"}],
)
def test_not_published(tmp_path: Path, table: dict[str, str]) -> None:
    """What is not published, or cannot be, has no rendition and no channel."""
    found = content(tmp_path, file="a.mp4", **table)
    assert (found.renditions, found.channels) == ({}, ())


def test_metadata(tmp_path: Path) -> None:
    """A value finds its classification by its key; one without has an empty one."""
    found = content(
        tmp_path,
        file="a.txt",
        metadata=[{"key": "sku", "value": "1"}, {"key": "free", "lang": "IT", "value": "2"}],
        legacy_metadata=[{"name": "sku", "value": "1"}],
        pretty_ids={"EN": "a", "IT": "b"},
        external_ids={"erp": "4711"},
    )
    assert found.imetadata == (("c1", "sku", None, "1"), ("", "free", "IT", "2"))
    assert found.legacy_metadatas == (("sku", None, "1"),)
    assert found.pretty_ids == (("EN", "a"), ("IT", "b"))
    assert found.external_ids == (("erp", "4711"),)


@pytest.mark.parametrize(
    "table", [{"folders": ["missing"]}, {"metadata": [{"key": "missing", "value": "1"}]}]
)
def test_unknown_names(tmp_path: Path, table: dict[str, Any]) -> None:
    """A folder or a key that is not defined is an error."""
    with pytest.raises(KeyError, match="missing"):
        content(tmp_path, file="a.txt", **table)
