"""Every page and operation that a class of the console declares, found in its modules."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules

from proxy.admin import api, web
from proxy.admin.api.operations import Operation, operations
from proxy.admin.web.pages import pages


def _classes(*packages: str) -> Iterator[type]:
    for package in packages:
        for found in iter_modules(import_module(package).__path__, f"{package}."):
            for each in vars(import_module(found.name)).values():
                if isinstance(each, type) and each.__module__ == found.name:
                    yield each


OPERATIONS: tuple[Operation, ...] = tuple(
    operation for noun in _classes(api.__name__) for operation in operations(noun)
)

PAGES: tuple[tuple[str, str], ...] = tuple(
    (method, path) for noun in _classes(web.__name__) for method, path, _ in pages(noun)
)
"""Method and path of each."""
