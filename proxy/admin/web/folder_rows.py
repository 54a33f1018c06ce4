"""The tree of folders as the rows of a page: open where it was opened, and never too long; pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from proxy.connectors.folder_tree import Folder, FolderTree

_MOST_BELOW_ONE = 100
_MOST_ROWS = 250
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the page.

    Attributes:
        folder: To choose; None for a row that says how many are not shown.
        depth: How far it is indented, from 0.
        is_open: Whether those below are shown.
        has_below: Whether there are any.
        hidden: How many folders are not shown here.
        way: Names of the folders above, where rows are found by a search.
    """

    folder: Folder | None
    depth: int = 0
    is_open: bool = False
    has_below: bool = False
    hidden: int = 0
    way: tuple[str, ...] = ()


def rows(tree: FolderTree, opened: Collection[str], *, language: str) -> tuple[Row, ...]:
    """Return the rows of a tree.

    Args:
        tree: Whole, or as far as it is known.
        opened: Ids of the folders that are open; the root is always.
        language: Of the names.
    """
    found: list[Row] = []
    for row in _below(tree, tree.root, 0, {*opened, tree.root.id}, language):
        if len(found) >= _MOST_ROWS:
            found.append(Row(None, hidden=len(tree) - len(found)))
            break
        found.append(row)
    return tuple(found)


def found_rows(tree: FolderTree, found: Collection[Folder], *, language: str) -> tuple[Row, ...]:
    """Return the rows of what a search found, each with the way to it."""
    return tuple(Row(each, way=tree.names_to(each, language=language)[:-1]) for each in found)


def _below(
    tree: FolderTree, folder: Folder, depth: int, opened: Collection[str], language: str
) -> Iterator[Row]:
    is_open = folder.id in opened
    yield Row(folder, min(depth, _DEEPEST), is_open, tree.has_below(folder))
    if not is_open:
        return
    below = tree.below(folder, language=language)
    for each in below[:_MOST_BELOW_ONE]:
        yield from _below(tree, each, depth + 1, opened, language)
    if len(below) > _MOST_BELOW_ONE:
        hidden = len(below) - _MOST_BELOW_ONE
        yield Row(None, min(depth + 1, _DEEPEST), hidden=hidden)
