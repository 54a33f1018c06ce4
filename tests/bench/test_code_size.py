"""How much code there is, and how finely it is cut; the sandbox is left out.

Figures to look at, not checks. A private function that is used once, from the line above, is a
paragraph that a reader has to look up; one that is handed on (a key, a task, a callback) is not.
"""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench

_HOUSE = Path(__file__).parents[2] / "proxy"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def _called_as_statements(tree: ast.AST) -> Iterator[str]:
    """Give the name of each function that is called on a line of its own, or whose result is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.Return | ast.Expr):
            call = node.value.value if isinstance(node.value, ast.Await) else node.value
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name | ast.Attribute):
                name = call.func
                yield name.id if isinstance(name, ast.Name) else name.attr


def test_code_size() -> None:
    """Modules, their lines, and the share of private functions that are used once."""
    paths = [path for path in _HOUSE.rglob("*.py") if "sandbox" not in path.parts]
    texts = [path.read_text("utf-8") for path in paths]
    lines = [text.count("\n") for text in texts]
    functions, once, paragraphs = 0, 0, 0
    for text in texts:
        tree = ast.parse(text)
        statements = [*_called_as_statements(tree)]
        for function in _functions(tree):
            functions += 1
            name = function.name
            is_private = name.startswith("_") and not name.startswith("__")
            if is_private and len(re.findall(rf"\b{name}\b", text)) == 2:
                once += 1
                paragraphs += name in statements
    print(
        f"{len(texts)} modules, {sum(lines)} lines, median {statistics.median(lines):.0f},"
        f" largest {max(lines)}; {functions} functions, {once} of them private and used once"
        f" ({once / functions:.1%}), {paragraphs} by a statement ({paragraphs / functions:.1%})"
    )
