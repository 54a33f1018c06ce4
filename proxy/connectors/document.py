"""The TOML document of connectors, read with every problem at once, and written; pure."""

import tomllib
from collections.abc import Iterable, Mapping, Sequence

import tomli_w

from proxy.connectors import values as check
from proxy.connectors.model import Connector, read, written
from proxy.errors import ConfigurationError

_NAME = "connector"


def parse(text: str) -> tuple[Connector, ...]:
    """Return the connectors of a document, in its order, with their folders not yet resolved.

    Args:
        text: TOML with one ``[[connector]]`` table for each; none at all is no problem.

    Raises:
        ConfigurationError: With every problem, each naming the connector by its place in the
            document and its slug, the key, what is wrong and the fix.
    """
    try:
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigurationError([f"This is not TOML: {exc}."]) from exc
    problems = [
        f"{name}: there is no such table or key; write every connector as [[connector]]."
        for name in document
        if name != _NAME
    ]
    tables = _tables(document, problems)
    connectors = []
    for place, table in enumerate(tables, start=1):
        connector = read(table)
        if isinstance(connector, Connector):
            connectors.append(connector)
        else:
            slug = table.get("slug")
            named = f"connector {place}" + (f' "{slug}"' if check.is_slug(slug) else "")
            problems += [f"{named}, {problem.key}: {problem.text}" for problem in connector]
    problems += _shared(tables, "slug")
    problems += _shared(tables, "host")
    if problems:
        raise ConfigurationError(problems)
    return tuple(connectors)


def export(connectors: Sequence[Connector]) -> str:
    """Return the document that ``parse`` takes back to these connectors."""
    return tomli_w.dumps({_NAME: [written(each) for each in connectors]}) if connectors else ""


def _tables(document: Mapping[str, object], problems: list[str]) -> list[Mapping[str, object]]:
    found = document.get(_NAME, [])
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return found
    problems.append("connector: write [[connector]], with two brackets, above each connector.")
    return [found] if isinstance(found, dict) else []


def _shared(tables: Sequence[Mapping[str, object]], key: str) -> Iterable[str]:
    """Tell of a value that several connectors have; host names are compared in any case."""
    places: dict[str, list[int]] = {}
    for place, table in enumerate(tables, start=1):
        value = table.get(key)
        if isinstance(value, str):
            places.setdefault(value.lower().removesuffix("."), []).append(place)
    for value, numbers in places.items():
        if len(numbers) > 1:
            named = " and ".join(str(number) for number in numbers)
            yield f"connectors {named}, {key}: all have {check.shown(value)}; each needs its own."
