"""A directory of the user's own files as a library."""

import os
from pathlib import Path

import pytest

from proxy.sandbox.blob import FileBlob
from proxy.sandbox.own_files import from_directory
from proxy.sandbox.specs import ContentSpec, Library


def make(root: Path, *names: str) -> Path:
    for name in names:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    return root


def of(library: Library, file_name: str) -> ContentSpec:
    (found,) = (content for content in library.contents if content.file_name == file_name)
    return found


def pretty_ids(library: Library) -> list[str]:
    return [value for content in library.contents for _, value in content.pretty_ids]


def test_folders_become_folders(tmp_path: Path) -> None:
    """Sub-folders are folders below the directory's own."""
    library = from_directory(make(tmp_path, "a.txt", "Alps/b.txt", "Alps/2024/c.txt"))
    root, alps, year = library.folders
    assert (root.id, root.parent_id) == (library.root_folder_id, None)
    assert (alps.parent_id, year.parent_id) == (root.id, alps.id)
    assert [folder.names["EN"] for folder in (alps, year)] == ["Alps", "2024"]
    assert of(library, "c.txt").folder_ids == (year.id,)


@pytest.mark.parametrize(
    ("name", "content_type", "media_type", "rendition"),
    [
        ("holiday.JPG", "IMAGE", "image/jpeg", "std"),
        ("clip.mp4", "VIDEO", "video/mp4", "WEB"),
        ("voice.m4a", "AUDIO", "audio/mp4", "WEB"),
        ("paper.pdf", "OTHER", "application/pdf", "WEB"),
        ("unknown.xyz123", "OTHER", "application/octet-stream", "WEB"),
        ("no extension", "OTHER", "application/octet-stream", "WEB"),
    ],
)
def test_types(
    tmp_path: Path, name: str, content_type: str, media_type: str, rendition: str
) -> None:
    """The extension says of what type a content is; it is published as it is."""
    content = of(from_directory(make(tmp_path, name)), name)
    assert (content.content_type, content.media_type) == (content_type, media_type)
    assert content.renditions == {rendition: content.source}
    assert (content.status, content.channels) == ("PUBLISHED", ("WEB",))


def test_files_stay_where_they_are(tmp_path: Path) -> None:
    """The source is the file itself, whatever it holds by then."""
    content = of(from_directory(make(tmp_path, "a.txt")), "a.txt")
    (tmp_path / "a.txt").write_text("new words")
    assert content.source == FileBlob(tmp_path.resolve() / "a.txt", "text/plain")
    assert b"".join(content.source.read(0, content.source.length)) == b"new words"


def test_names_become_titles_and_pretty_ids(tmp_path: Path) -> None:
    """A title reads like the name, a prettyID has only letters, digits and hyphens."""
    content = of(from_directory(make(tmp_path, "Città_di notte (1).png")), "Città_di notte (1).png")
    assert content.titles == {"EN": "Città di notte (1)"}
    assert content.pretty_ids == (("EN", "citta_di-notte-1"),)


def test_pretty_ids_are_unique(tmp_path: Path) -> None:
    """Names that come to one prettyID get the extension, then a number."""
    names = ("a.txt", "a.pdf", "b/a.txt", "b/A.TXT", "山.txt", "道.txt", "x" * 200 + ".txt")
    found = pretty_ids(from_directory(make(tmp_path, *names)))
    assert len(found) == len(set(found)) == 7
    assert {"a", "a-txt", "a-txt-2", "a-txt-3"} <= set(found)
    assert max(map(len, found)) <= 150


def test_hidden_files_are_left_out(tmp_path: Path) -> None:
    """Neither hidden files nor anything in hidden folders is shown."""
    library = from_directory(make(tmp_path, ".secret", ".git/config", "a.txt", "b/.DS_Store"))
    assert [content.file_name for content in library.contents] == ["a.txt"]
    assert len(library.folders) == 2


def test_links(tmp_path: Path) -> None:
    """A link to a file is a file; links to folders, loops and dead links are left out."""
    make(tmp_path, "a.txt")
    (tmp_path / "linked.txt").symlink_to("a.txt")
    (tmp_path / "loop").symlink_to(".")
    (tmp_path / "dead.txt").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    library = from_directory(tmp_path)
    assert [content.file_name for content in library.contents] == ["a.txt", "linked.txt"]


def test_links_stay_inside(tmp_path: Path) -> None:
    """Nothing is shown that lies outside the directory, or hidden in it, whatever links to it."""
    outside = make(tmp_path / "outside", "secret.txt", "folder/secret.txt")
    root = make(tmp_path / "shown", "a.txt", ".hidden/b.txt", ".c.txt")
    (root / "passwd").symlink_to("/etc/passwd")
    (root / "absolute.txt").symlink_to(outside / "secret.txt")
    (root / "climbing.txt").symlink_to("../outside/secret.txt")
    (root / "folder").symlink_to(outside / "folder")
    (root / "by-way-of.txt").symlink_to("folder/secret.txt")
    (root / "beside.txt").symlink_to(make(tmp_path / "shown-not", "x.txt") / "x.txt")
    (root / "hidden-folder.txt").symlink_to(".hidden/b.txt")
    (root / "hidden.txt").symlink_to(".c.txt")
    (root / "again.txt").symlink_to(root / "a.txt")
    library = from_directory(root)
    assert [content.file_name for content in library.contents] == ["a.txt", "again.txt"]


def test_a_link_that_changes_leads_nowhere_else(tmp_path: Path) -> None:
    """What is served is the file that was found, not what the link leads to by then."""
    root = make(tmp_path / "shown", "a.txt")
    outside = make(tmp_path, "secret.txt") / "secret.txt"
    link = root / "linked.txt"
    link.symlink_to("a.txt")
    content = of(from_directory(root), "linked.txt")
    link.unlink()
    link.symlink_to(outside)
    assert b"".join(content.source.read(0, content.source.length)) == b"a.txt"


def test_names_that_are_no_utf8(tmp_path: Path) -> None:
    """A name of stray octets is shown with replacement characters, and still read."""
    (tmp_path / os.fsdecode(b"caff\xe8.txt")).write_text("black")
    (content,) = from_directory(tmp_path).contents
    assert content.file_name == "caff\ufffd.txt"
    assert b"".join(content.source.read(0, 5)) == b"black"


def test_ids_stay(tmp_path: Path) -> None:
    """A second look finds the same ids and codes, also when other files have come."""
    first = of(from_directory(make(tmp_path, "b.txt")), "b.txt")
    second = of(from_directory(make(tmp_path, "a.txt")), "b.txt")
    assert (first.id, first.imetadata) == (second.id, second.imetadata)


def test_empty_directory(tmp_path: Path) -> None:
    """No files are a folder without contents."""
    library = from_directory(tmp_path)
    assert (len(library.folders), len(library.contents)) == (1, 0)


def test_no_directory(tmp_path: Path) -> None:
    """What is no directory is said to be none."""
    with pytest.raises(NotADirectoryError, match="is not a directory"):
        from_directory(tmp_path / "missing")
