"""The tree of folders as rows."""

from proxy.admin.web.folder_rows import found_rows, rows
from proxy.connectors.folder_tree import FolderTree
from proxy.thron.content import Title
from proxy.thron.folder import Category


def category(name: str, parent: str | None = None) -> Category:
    return Category(name, names=(Title("EN", name),), parent_id=parent)


TREE = FolderTree(
    category("root"), [category("a", "root"), category("b", "a"), category("c", "root")]
)


def shown(*opened: str) -> list[tuple[int, str, bool]]:
    return [
        (row.depth, row.folder.id, row.is_open)
        for row in rows(TREE, opened, language="en")
        if row.folder is not None
    ]


def test_what_is_open() -> None:
    """The root is always open, others where they were opened."""
    assert shown() == [(0, "root", True), (1, "a", False), (1, "c", False)]
    assert shown("a") == [(0, "root", True), (1, "a", True), (2, "b", False), (1, "c", False)]
    assert shown("b", "nowhere") == shown()


def test_found() -> None:
    """What a search finds is shown with the way to it."""
    [row] = found_rows(TREE, TREE.search("b").folders, language="en")
    assert row.way == ("root", "a")
    assert TREE.names_to(TREE.root, language="en") == ("root",)


def test_many_folders_make_no_long_page() -> None:
    """Of a thousand folders the first are shown, and how many are not."""
    wide = FolderTree(category("root"), [category(f"f{n:04}", "root") for n in range(1000)])
    found = rows(wide, (), language="en")
    assert (len(found), found[-1].folder, found[-1].hidden) == (102, None, 900)
    many = [category(f"p{n}", "root") for n in range(10)]
    many += [category(f"p{n}-{m}", f"p{n}") for n in range(10) for m in range(50)]
    deep = rows(FolderTree(category("root"), many), [f"p{n}" for n in range(10)], language="en")
    assert (len(deep), deep[-1].hidden) == (251, 511 - 250)
