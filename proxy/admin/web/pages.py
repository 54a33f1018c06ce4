"""Pages are methods of a class that has what they need; each says where it is."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

Page = Callable[..., Awaitable[web.StreamResponse]]
P = TypeVar("P", bound=Page)


def get(path: str) -> Callable[[P], P]:
    """Make a method the page at a path."""
    return _at("GET", path)


def post(
    path: str, *, keeps: type[BaseModel] | None = None, page: str | None = None
) -> Callable[[P], P]:
    """Make a method what takes the forms that are sent to a path.

    Args:
        path: Where forms are sent to.
        keeps: The form's model, where what was typed outlives the end of the session.
        page: That shows the form; None: at the same path.
    """

    def declared(method: P) -> P:
        if keeps is not None:
            method.__dict__["keeps"] = keeps, page
        return _at("POST", path)(method)

    return declared


def kept_by(page: object) -> tuple[type[BaseModel], str | None] | None:
    """Return the model of the form that a page takes, and the path that shows it, as ``post``."""
    found: tuple[type[BaseModel], str | None] | None = getattr(page, "keeps", None)
    return found


def _at(method: str, path: str) -> Callable[[P], P]:
    def declared(page: P) -> P:
        page.__dict__.setdefault("pages", []).append((method, path))
        return page

    return declared


def pages(noun: type) -> Iterator[tuple[str, str, str]]:
    """Give method, path and name of each page of a class, in their order."""
    for name, each in vars(noun).items():
        if inspect.isfunction(each):
            for method, path in reversed(each.__dict__.get("pages", ())):  # the lowest comes first
                yield method, path, name


def routes(noun: object) -> Iterator[web.RouteDef]:
    """Give the routes of an object's pages."""
    for method, path, name in pages(type(noun)):
        yield web.route(method, path, getattr(noun, name))
