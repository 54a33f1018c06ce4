"""A connector as an operator writes it, key by key, with every problem told at once; pure.

The keys are those of the TOML document and of the JSON API.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from proxy.connectors import values as check
from proxy.connectors.model import Connector, DeliveryMode, Disposition, Identifier

_CHECKS: dict[str, Callable[[object], Any]] = {
    "slug": check.slug,
    "enabled": check.boolean,
    "folder": check.folder,
    "subfolders": check.boolean,
    "content_types": check.content_types,
    "identifier": check.one_of(Identifier),
    "metadata": check.metadata,
    "force_https": check.boolean,
    "delivery": check.one_of(DeliveryMode),
    "disposition": check.one_of(Disposition),
    "only_published": check.boolean,
    "max_age_s": check.max_age,
    "robots": check.robots,
    "host": check.host,
}

KEYS = tuple(_CHECKS)
"""Every key of a connector, in the order of an export."""

_REQUIRED = {
    "slug": 'name the connector, such as slug = "brochures".',
    "folder": "give the id or the prettyId of the THRON folder.",
    "identifier": "choose from content_id, pretty_id, metadata.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one key.

    Attributes:
        key: As it was written, or as it should have been.
        text: A sentence that goes on from the key and ends with the mend.
    """

    key: str
    text: str


def read(values: Mapping[str, object]) -> Connector | tuple[Problem, ...]:
    """Return the connector that some keys and values describe, or all that is wrong with them.

    Args:
        values: By the names in KEYS, with plain values as TOML or JSON give them. ``slug``,
            ``folder`` and ``identifier`` must be there, and ``metadata`` where it identifies.
    """
    problems = [
        Problem(key, f"there is no such key; {check.nearest(key, KEYS)}")
        for key in values
        if key not in _CHECKS
    ]
    problems += [
        Problem(key, f"is missing; {mend}") for key, mend in _REQUIRED.items() if key not in values
    ]
    found: dict[str, Any] = {}
    for key in (key for key in KEYS if key in values):
        try:
            found[key] = _CHECKS[key](values[key])
        except check.Unfit as exc:
            problems.append(Problem(key, str(exc)))
    problems += _metadata_problems(values, found.get("identifier"))
    problems += _unpublished_problems(found)
    return tuple(problems) if problems else Connector(**found)


def written(connector: Connector) -> dict[str, Any]:
    """Return a connector as the keys and values that ``read`` takes back to it.

    What THRON resolves (folder id, classification) is not among them.
    """
    values = {key: getattr(connector, key) for key in KEYS}
    words = [
        word for word, each in check.CONTENT_TYPE_WORDS.items() if each in connector.content_types
    ]
    values["content_types"] = ["all"] if len(words) == len(check.CONTENT_TYPE_WORDS) else words
    return {key: _plain(value) for key, value in values.items() if value is not None}


def _metadata_problems(
    values: Mapping[str, object], identifier: Identifier | None
) -> Iterable[Problem]:
    if identifier is Identifier.METADATA and "metadata" not in values:
        yield Problem("metadata", "is missing; name the metadata that identifies the contents.")
    if identifier not in {None, Identifier.METADATA} and "metadata" in values:
        yield Problem(
            "metadata",
            f'is of no use with identifier = "{identifier}"; leave it out, or write identifier ='
            ' "metadata".',
        )


def _unpublished_problems(found: Mapping[str, Any]) -> Iterable[Problem]:
    if not found.get("only_published", True) and found.get("delivery") is DeliveryMode.PUBLISHED:
        yield Problem(
            "only_published",
            'false is possible with delivery = "original" alone, as what is not published has no'
            ' rendition; write delivery = "original", or only_published = true.',
        )


def _plain(value: object) -> object:
    return str(value) if isinstance(value, StrEnum) else value
