"""What the API's page shows of each operation, for `make messages`: its summary and its tag.

They are a docstring and a constant, which none of Babel's own extractors finds
(https://babel.pocoo.org/en/latest/messages.html#writing-extraction-methods).
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from typing import IO, Any

from babel.messages.extract import extract_python


def extract(
    file: IO[bytes],
    keywords: Mapping[str, Any],
    comment_tags: Collection[str],
    options: Any,
) -> Iterator[tuple[int, Any, Any, Any]]:
    """Give the texts of a module of ``proxy/admin/api``."""
    yield from extract_python(file, keywords, comment_tags, options)
    file.seek(0)
    tree = ast.parse(file.read())
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("_TAG")], value=ast.Constant(str(tag))):
                yield node.lineno, "", tag, []
            case ast.AsyncFunctionDef(decorator_list=[ast.Call(ast.Name("operation")) as call]):
                for each in call.keywords:
                    match each:
                        case ast.keyword("tag", ast.Constant(str(tag))):
                            yield call.lineno, "", tag, []
                summary = (ast.get_docstring(node) or "").partition("\n\n")[0]
                yield node.lineno, "", summary, []
