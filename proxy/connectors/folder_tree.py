"""The folders below the application's own, as a tree to choose from; pure.

THRON lists folders flat, with the parent of each; what it says of parents may have gaps, so a
folder whose parent is not listed hangs below its nearest ancestor that is, else below the root.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from proxy.catalogue.url_entries import folded
from proxy.thron.folder import Category


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder of the tree.

    Attributes:
        id: THRON's id.
        names: By language, lower case, in THRON's order; empty for system folders.
        pretty_ids: Readable ids, by which it may be named as well.
        contents: How many contents are linked to itself; None where THRON does not say.
    """

    id: str
    names: tuple[tuple[str, str], ...] = ()
    pretty_ids: tuple[str, ...] = ()
    contents: int | None = None

    def name(self, language: str = "") -> str:
        """Return its name in a language, else the first it has, else its id."""
        by_language = dict(reversed(self.names))
        return by_language.get(language) or (self.names[0][1] if self.names else self.id)


@dataclass(frozen=True, slots=True)
class Found:
    """Folders that fit a search, and how many more there are."""

    folders: tuple[Folder, ...]
    more: int


class FolderTree:
    """A tree of folders.

    Args:
        root: On which the application is installed.
        below: Every folder below it, in any order.
        is_partial: Whether there are more than those.
    """

    def __init__(
        self, root: Category, below: Iterable[Category], *, is_partial: bool = False
    ) -> None:
        categories = {each.id: each for each in below if each.id != root.id}
        self.root = folder_of(root)
        self.is_partial = is_partial
        self._folders = {root.id: self.root} | {
            each.id: folder_of(each) for each in categories.values()
        }
        self._parents = {
            each.id: _parent(each, self._folders, root.id) for each in categories.values()
        }
        self._children = _children(self._parents)
        self._hang_loose_ends()
        self._contents_below = self._counted_below()
        self._by_pretty_id = {
            name: each for each in self._folders.values() for name in each.pretty_ids
        }

    def __len__(self) -> int:
        """Return how many folders there are, the root among them."""
        return len(self._folders)

    def of(self, key: str) -> Folder | None:
        """Return the folder of an id or a prettyId."""
        return self._folders.get(key) or self._by_pretty_id.get(key)

    def below(self, folder: Folder, *, language: str = "") -> tuple[Folder, ...]:
        """Return the folders right below one, by their names."""
        children = (self._folders[each] for each in self._children.get(folder.id, ()))
        return tuple(sorted(children, key=lambda each: (folded(each.name(language)), each.id)))

    def has_below(self, folder: Folder) -> bool:
        """Tell whether any folder is below one."""
        return bool(self._children.get(folder.id))

    def contents_below(self, folder: Folder) -> int | None:
        """Return how many contents are linked to the folders below one, at every depth.

        A content that is linked to two of them counts twice. None where THRON does not say of each
        of them, or where the tree is not whole.
        """
        return None if self.is_partial else self._contents_below[folder.id]

    def names_to(self, folder: Folder, *, language: str = "") -> tuple[str, ...]:
        """Return the names of the folders from the root to one."""
        known = self.path(folder) if self.of(folder.id) is not None else (folder,)
        return tuple(each.name(language) for each in known)

    def path(self, folder: Folder) -> tuple[Folder, ...]:
        """Return the way to a folder: the root first, the folder last."""
        way = [folder]
        while way[-1].id in self._parents:
            way.append(self._folders[self._parents[way[-1].id]])
        return tuple(reversed(way))

    def each(self, *, language: str = "") -> Iterator[tuple[int, Folder]]:
        """Give every folder with its depth, the root first, each before those below it."""
        stack = [(0, self.root)]
        while stack:
            depth, folder = stack.pop()
            yield depth, folder
            below = self.below(folder, language=language)
            stack += [(depth + 1, each) for each in reversed(below)]

    def search(self, text: str, *, language: str = "", limit: int = 50) -> Found:
        """Return the folders whose name holds every word, or whose id or prettyId is the text."""
        words = folded(text).split()
        fitting = [
            each
            for _, each in self.each(language=language)
            if text.strip() in {each.id, *each.pretty_ids} or _has(each, words)
        ]
        return Found(tuple(fitting[:limit]), max(0, len(fitting) - limit))

    def _hang_loose_ends(self) -> None:
        """Hang folders below the root that a circle of parents would keep from it."""
        reached = {folder.id for _, folder in self.each()}
        for each in self._folders.keys() - reached:
            if each in reached:
                continue
            self._children[self._parents[each]].remove(each)
            self._children.setdefault(self.root.id, []).append(each)
            self._parents[each] = self.root.id
            reached |= self._whole(each)

    def _counted_below(self) -> dict[str, int | None]:
        found: dict[str, int | None] = {}
        for _, folder in reversed([*self.each()]):  # those below a folder come before it
            counts = [
                number
                for each in self._children.get(folder.id, ())
                for number in (self._folders[each].contents, found[each])
            ]
            is_known = None not in counts
            found[folder.id] = sum(filter(None, counts)) if is_known else None
        return found

    def _whole(self, folder_id: str) -> set[str]:
        found, stack = set[str](), [folder_id]
        while stack:
            found.add(here := stack.pop())
            stack += self._children.get(here, ())
        return found


def folder_of(category: Category) -> Folder:
    """Return the folder of a category, as THRON calls it."""
    return Folder(
        category.id,
        tuple((each.language.lower(), each.text) for each in category.names),
        tuple(each.value for each in category.pretty_ids),
        category.contents,
    )


def _parent(category: Category, known: dict[str, Folder], root_id: str) -> str:
    candidates = (category.parent_id, *reversed(category.ancestor_ids))
    return next((each for each in candidates if each in known and each != category.id), root_id)


def _children(parents: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for child, parent in parents.items():
        found.setdefault(parent, []).append(child)
    return found


def _has(folder: Folder, words: list[str]) -> bool:
    names = [folded(name) for _, name in folder.names] or [folded(folder.id)]
    return bool(words) and any(all(word in name for word in words) for name in names)
