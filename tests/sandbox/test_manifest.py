"""The three libraries a sandbox can start with."""

from itertools import chain
from pathlib import Path

import pytest

from proxy.sandbox.manifest import Library, from_directory, generated, shipped

KNOWN_TYPES = {"VIDEO", "AUDIO", "IMAGE", "OTHER", "PLAYLIST", "URL", "PAGELET"}


@pytest.fixture(params=["shipped", "from_directory", "generated"])
def library(request: pytest.FixtureRequest) -> Library:
    if request.param == "shipped":
        return shipped()
    return generated(300) if request.param == "generated" else from_directory(Path(__file__).parent)


def test_folders_are_a_tree(library: Library) -> None:
    """Every folder hangs below another one or is at the top."""
    ids = [folder.id for folder in library.folders]
    assert len(ids) == len(set(ids))
    assert library.root_folder_id in ids
    assert all(folder.parent_id in (None, *ids) for folder in library.folders)


def test_contents_are_whole(library: Library) -> None:
    """Ids and prettyIDs are one content's own, folders exist, sizes and tags can be read."""
    contents = list(library.contents)
    assert len({content.id for content in contents}) == len(contents)
    owners = chain.from_iterable(
        {(value, content.id) for _, value in content.pretty_ids} for content in contents
    )
    values = [value for value, _ in owners]
    assert len(values) == len(set(values))
    folders = {folder.id for folder in library.folders}
    for content in contents:
        assert content.content_type in KNOWN_TYPES
        assert folders.issuperset(content.folder_ids)
        assert content.creation_date.tzinfo is not None
        assert content.creation_date <= content.last_update
        for blob in (content.source, *content.renditions.values()):
            assert blob.length >= 0
            assert blob.etag.strip('"')


def test_metadata_is_defined(library: Library) -> None:
    """Every value belongs to a definition, and every definition to a classification or none."""
    classifications = {item.id for item in library.classifications}
    defined = {(item.classification_id or "", item.key) for item in library.definitions}
    assert all(item[0] in {"", *classifications} for item in defined)
    used = {(item[0], item[1]) for content in library.contents for item in content.imetadata}
    assert used <= defined


def test_each_has_a_key_for_addresses(library: Library) -> None:
    """`sku` is a KEY in each of them, so that a connector by metadata works with any."""
    (sku,) = (item for item in library.definitions if item.key == "sku")
    assert (sku.metadata_type, sku.visible, sku.removed) == ("KEY", True, False)
    assert any(item[1] == "sku" for content in library.contents for item in content.imetadata)
