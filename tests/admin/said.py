"""Every text that the console says, found in its code and its templates."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import nodes

from proxy import errors
from proxy.admin.web.rendering import ENVIRONMENT, TEMPLATES
from proxy.errors import GatewayError

CONSOLE = Path(__file__).parents[2] / "proxy" / "admin"

# Called with the English text, and with a text for one thing and for several.
_OF_ONE, _OF_TWO = {"t", "words", "Text"}, {"n"}


def texts() -> dict[str, str]:
    """Return every text, and where it is said."""
    found: dict[str, str] = {}
    for path in sorted(CONSOLE.rglob("*.py")):
        found |= dict.fromkeys(_in_code(ast.parse(path.read_text("utf-8"))), path.name)
    for path in sorted(TEMPLATES.rglob("*.html")):
        tree = ENVIRONMENT.parse(path.read_text("utf-8"))
        found |= dict.fromkeys(_in_template(tree), path.name)
    for error in vars(errors).values():
        if isinstance(error, type) and issubclass(error, GatewayError):
            found[error.public] = "errors.py"
    return found


def _in_code(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            for arg in node.args[: _how_many(node.func.id)]:
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                    yield arg.value


def _in_template(tree: nodes.Template) -> Iterator[str]:
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name):
            for arg in call.args[: _how_many(call.node.name)]:
                if isinstance(arg, nodes.Const) and isinstance(arg.value, str):
                    yield arg.value


def _how_many(name: str) -> int:
    return 1 if name in _OF_ONE else 2 if name in _OF_TWO else 0
