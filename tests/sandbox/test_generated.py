"""Generated libraries."""

import tracemalloc
import uuid

import pytest

from proxy.sandbox.generated import GeneratedContents, generated


def test_many_in_little_memory() -> None:
    """Of a hundred thousand contents, those that were looked at leave nothing behind."""
    tracemalloc.start()
    try:
        contents = generated(100_000).contents
        octets = sum(contents[at].source.length for at in range(0, 100_000, 20))
        assert tracemalloc.get_traced_memory()[1] < 2**18
    finally:
        tracemalloc.stop()
    assert len(contents) == 100_000
    assert octets > 2**21


def test_each_is_itself() -> None:
    """A content is the same whenever it is asked for, and no two share id or prettyID."""
    contents = generated(500).contents
    assert list(contents) == [contents[number] for number in range(500)]
    assert len({content.id for content in contents}) == 500
    pretty_ids = [pair for content in contents for pair in content.pretty_ids]
    assert len(set(pretty_ids)) == len(pretty_ids)
    assert all(str(uuid.UUID(content.id)) == content.id for content in contents[:5])


def test_folders_and_metadata_exist() -> None:
    """Contents name folders and classifications that there are."""
    library = generated(200)
    folders = {folder.id for folder in library.folders}
    assert library.root_folder_id in folders
    assert all(folders.issuperset(content.folder_ids) for content in library.contents)
    keys = {(item.classification_id, item.key) for item in library.definitions}
    assert all((item[0], item[1]) in keys for c in library.contents for item in c.imetadata)


def test_awkward_ones() -> None:
    """Every hundredth has no prettyID, every 101st the sku of the one before."""
    contents = generated(202).contents
    assert [at for at, content in enumerate(contents) if not content.pretty_ids] == [99, 199]
    assert contents[101].imetadata == contents[100].imetadata
    assert contents[102].imetadata != contents[101].imetadata


def test_bodies() -> None:
    """Bodies are small and say whose they are."""
    for content in generated(6).contents:
        body = b"".join(content.source.read(0, content.source.length))
        assert content.file_name[10:16].encode() in body
        assert content.source.media_type == content.media_type


def test_sequence() -> None:
    """The contents index, slice and end as a list does."""
    contents = GeneratedContents(10)
    assert contents[-1] == contents[9]
    assert contents[2:4] == [contents[2], contents[3]]
    with pytest.raises(IndexError):
        contents[10]


@pytest.mark.parametrize(
    ("content_id", "number"),
    [
        (GeneratedContents(10)[7].id, 7),
        (GeneratedContents(20)[15].id, None),
        (GeneratedContents(10)[7].id.upper(), None),
        ("7", None),
        ("", None),
        ("rubbish", None),
        (str(uuid.UUID(int=7)), None),
    ],
)
def test_index_of(content_id: str, number: int | None) -> None:
    """A content is found by its id without looking through them."""
    assert GeneratedContents(10).index_of(content_id) == number
