"""The tree of folders, however THRON lists it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.connectors.folder_tree import FolderTree
from proxy.thron.content import PrettyId, Title
from proxy.thron.folder import Category

ROOT = Category("root", names=(Title("EN", "Brand portal"),))


def category(name: str, parent: str | None = "root", *above: str, contents: int = 0) -> Category:
    return Category(
        name.lower(),
        names=(Title("EN", name), Title("IT", f"{name} (it)")),
        parent_id=parent,
        ancestor_ids=above,
        pretty_ids=(PrettyId("EN", f"{name.lower()}-pretty"),),
        contents=contents,
    )


@pytest.fixture
def tree() -> FolderTree:
    return FolderTree(
        ROOT,
        [
            category("Zebra"),
            category("Èlan", contents=3),
            category("Films", "zebra"),
            category("Trailers", "films"),
        ],
    )


def names(tree: FolderTree) -> list[tuple[int, str]]:
    return [(depth, folder.name("en")) for depth, folder in tree.each(language="en")]


def test_order(tree: FolderTree) -> None:
    """Folders come before those below them, by name without regard to case and accents."""
    shown = [(0, "Brand portal"), (1, "Èlan"), (1, "Zebra"), (2, "Films"), (3, "Trailers")]
    assert names(tree) == shown
    assert len(tree) == len(shown)


def test_contents_below() -> None:
    """A folder that is empty itself tells what the folders below it hold, at every depth."""
    below = [
        category("Films", contents=0),
        category("2024", "films", contents=130),
        category("Trailers", "2024", contents=6),
        category("Silent", contents=2),
    ]
    tree = FolderTree(ROOT, below)
    shown = {folder.name("en"): tree.contents_below(folder) for _, folder in tree.each()}
    assert shown == {"Brand portal": 138, "Films": 136, "2024": 6, "Trailers": 0, "Silent": 0}


def test_contents_below_are_not_guessed() -> None:
    """Nothing is said where THRON does not say it of every folder, or where folders are missing."""
    mute = Category("mute", parent_id="films")
    tree = FolderTree(ROOT, [category("Films", contents=1), mute, category("Music", contents=4)])
    told = {folder.id: tree.contents_below(folder) for _, folder in tree.each()}
    assert told == {"root": None, "films": None, "mute": 0, "music": 0}
    part = FolderTree(ROOT, [category("Films", contents=1)], is_partial=True)
    assert part.contents_below(part.root) is None


def test_names_are_in_the_language_that_is_asked_for(tree: FolderTree) -> None:
    """A folder has its name in a language, else its first, else its id."""
    films = tree.of("films")
    assert films is not None
    assert (films.name("it"), films.name("de"), films.name()) == ("Films (it)", "Films", "Films")
    assert FolderTree(Category("bare"), []).root.name("en") == "bare"


def test_way(tree: FolderTree) -> None:
    """The way to a folder begins with the root, by id or prettyId."""
    found = tree.of("trailers-pretty")
    assert found is not None
    assert [each.id for each in tree.path(found)] == ["root", "zebra", "films", "trailers"]
    assert tree.of("nothing") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("elan", ["èlan"], id="without accents"),
        pytest.param("TRAIL", ["trailers"], id="in any case, in part"),
        pytest.param("films it", ["films"], id="all words, in any language"),
        pytest.param("zebra-pretty", ["zebra"], id="a prettyId"),
        pytest.param(" trailers ", ["trailers"], id="an id"),
        pytest.param("  ", [], id="nothing"),
        pytest.param("lion", [], id="not there"),
    ],
)
def test_search(tree: FolderTree, text: str, found: list[str]) -> None:
    """A search finds names that hold every word, ids and prettyIds."""
    assert [each.id for each in tree.search(text).folders] == found


def test_search_is_cut(tree: FolderTree) -> None:
    """What a search does not show it counts."""
    found = tree.search("it", limit=3)
    assert (len(found.folders), found.more) == (3, 1)


def test_missing_parents() -> None:
    """A folder whose parent is not listed hangs below its nearest ancestor that is."""
    tree = FolderTree(
        ROOT,
        [
            category("A"),
            category("Deep", "hidden", "root", "a", "hidden"),
            category("Lost", "elsewhere"),
            category("Rootless", None),
        ],
    )
    assert names(tree)[1:] == [(1, "A"), (2, "Deep"), (1, "Lost"), (1, "Rootless")]


def test_circles() -> None:
    """Folders that are each other's parents are still there, once."""
    tree = FolderTree(ROOT, [category("A", "b"), category("B", "a"), category("C", "c")])
    assert sorted(name for _, name in names(tree)) == ["A", "B", "Brand portal", "C"]
    for _, folder in tree.each():
        assert tree.path(folder)[0] == tree.root


@given(st.dictionaries(st.integers(0, 20), st.none() | st.integers(0, 20), max_size=20))
def test_no_folder_is_lost(parents: dict[int, int | None]) -> None:
    """Whatever parents THRON tells, every folder is shown once, and its way ends."""
    listed = [
        Category(str(each), parent_id=None if parent is None else str(parent))
        for each, parent in parents.items()
    ]
    tree = FolderTree(ROOT, listed)
    shown = [folder.id for _, folder in tree.each()]
    assert sorted(shown) == sorted(["root", *(each.id for each in listed)])
    assert all(tree.path(folder)[0] == tree.root for _, folder in tree.each())
