"""The tree of folders, asked of THRON and remembered for some minutes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from proxy.connectors.folder_tree import Folder, FolderTree
from proxy.connectors.ttl_value import TtlValue
from proxy.errors import ConfigurationError
from proxy.thron.folder import Category, categories_below, category
from proxy.thron.listing import Listing, each_of
from proxy.thron.retry import Retrying
from proxy.thron.token_keeper import TokenKeeper

MOST_FOLDERS = 5000
FRESH_S = 120.0

_AT_ONCE = 4

_NO_FOLDER = (
    "The application is installed on no folder of THRON; have its administrator install it on the"
    " folder with your contents, or above it."
)


class Folders:
    """Reads the tree of the tenant that is connected.

    Args:
        now: Monotonic time, in seconds.
        most: Of so many folders a tree is made at most; a search finds others.
    """

    def __init__(self, *, now: Callable[[], float], most: int = MOST_FOLDERS) -> None:
        self._most = most
        self._tree = TtlValue(self._read, fresh_s=FRESH_S, now=now)

    async def tree(self, thron: TokenKeeper, *, client_id: str) -> FolderTree:
        """Return the tree, at most ``FRESH_S`` old.

        Raises:
            ConfigurationError: The application has no folder.
            ThronError: THRON cannot be asked.
        """
        return await self._tree.of(thron, client_id)

    async def search(
        self, thron: TokenKeeper, text: str, *, client_id: str, language: str
    ) -> tuple[FolderTree, tuple[Folder, ...], int]:
        """Return the tree, the folders that a search finds, and how many more there are.

        Where the tree is not whole THRON searches too.

        Raises:
            ConfigurationError, ThronError: As ``tree``.
        """
        tree = await self.tree(thron, client_id=client_id)
        found = tree.search(text, language=language)
        if not tree.is_partial or found.more:
            return tree, found.folders, found.more
        question = categories_below(client_id, tree.root.id, search_for=text)
        beyond = FolderTree(Category(tree.root.id), (await Retrying(thron).ask(question)).items)
        known = {each.id for each in found.folders}
        others = [each for _, each in beyond.each() if each.id not in {*known, tree.root.id}]
        return tree, (*found.folders, *others), 0

    async def _read(self, thron: TokenKeeper, client_id: str) -> FolderTree:
        root_id = (await thron.session()).root_category_id
        retrying = Retrying(thron)
        root = await retrying.ask(category(client_id, root_id)) if root_id else None
        if root is None:
            raise ConfigurationError([_NO_FOLDER])
        first = await retrying.ask(categories_below(client_id, root.id))
        below, came = list(first.items), len(first.items) + first.skipped
        total = first.total or 0
        if came and total > came:
            starts = range(came, min(total, self._most), came)
            below += await self._pages(retrying, client_id, [(root.id, at, came) for at in starts])
        elif came and not total:  # THRON does not say how many, so page follows page
            below += await self._pages(retrying, client_id, [(root.id, came, self._most)])
        if total <= self._most and all(each.parent_id == root.id for each in below):
            below += await self._deeper(retrying, client_id, below)
        return FolderTree(root, below[: self._most], is_partial=max(total, len(below)) > self._most)

    async def _deeper(
        self, retrying: Retrying, client_id: str, level: list[Category]
    ) -> list[Category]:
        """Return the folders below those of one level, by asking for each.

        ``childOf`` gives all levels at once (docs/thron.md 5), unless this tenant gives one.
        """
        found: list[Category] = []
        while level and len(found) < self._most:
            parents = [(each.id, 0, self._most) for each in level if each.subfolders]
            level = await self._pages(retrying, client_id, parents)
            found += level
        return found

    async def _pages(
        self, retrying: Retrying, client_id: str, parts: list[tuple[str, int, int]]
    ) -> list[Category]:
        """Return the folders below some, of each so many from an offset on; several at once."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def read(folder_id: str, first: int, most: int) -> list[Category]:
            async def page(offset: int) -> Listing[Category]:
                question = categories_below(client_id, folder_id, offset=first + offset)
                return replace(await retrying.ask(question), total=None)

            async with gate:
                return [each async for each in each_of(page, most=most)]

        found = await asyncio.gather(*(read(*part) for part in parts))
        return [each for items in found for each in items]
