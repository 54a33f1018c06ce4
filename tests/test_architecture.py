"""The map and the guide for contributors name what there is."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("docs/architecture.md", "CONTRIBUTING.md")

_QUOTED = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#]+)\)")
_PLACE = re.compile(r"((?:proxy|tests|docs|deploy)(?:/[\w.-]+)+)(?::([\w.]+))?")


def _places(document: str) -> list[tuple[str, str | None]]:
    text = (ROOT / document).read_text("utf-8")
    found = (_PLACE.fullmatch(quoted) for quoted in _QUOTED.findall(text))
    return sorted({(each[1], each[2]) for each in found if each is not None}, key=str)


@cache
def _names(path: str) -> frozenset[str]:
    """Return the functions, classes, methods and constants of a module."""
    found: set[str] = set()
    for node in ast.parse((ROOT / path).read_text("utf-8")).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        found |= {each.id for each in targets if isinstance(each, ast.Name)}
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{each.name}" for each in node.body if hasattr(each, "name")}
    return frozenset(found)


@pytest.mark.parametrize(
    ("path", "name"), [place for document in DOCUMENTS for place in _places(document)]
)
def test_every_place_exists(path: str, name: str | None) -> None:
    """A file that a document names is there, and holds the function that is named with it."""
    assert (ROOT / path).exists()
    assert name is None or name in _names(path)


def test_the_map_is_read() -> None:
    """The documents name places in the form that is checked here."""
    assert len([name for _, name in _places("docs/architecture.md") if name]) > 30


@pytest.mark.parametrize("document", [*DOCUMENTS, "README.md"])
def test_every_link_leads_somewhere(document: str) -> None:
    """A relative link of a document leads to a file."""
    links = _LINK.findall((ROOT / document).read_text("utf-8"))
    ours = [link for link in links if "://" not in link]
    assert not [link for link in ours if not ((ROOT / document).parent / link).exists()]


def test_the_readme_names_both() -> None:
    """Whoever wants to change something finds the way from the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    assert all(f"({document})" in readme for document in DOCUMENTS)
