"""A connector in words, key by key, and what of it a change would alter; pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from proxy.admin.web.connector_labels import (
    DELIVERY_NAMES,
    DISPOSITION_NAMES,
    IDENTIFIER_NAMES,
    types_of,
)
from proxy.connectors.model import Connector
from proxy.connectors.values import TYPE_NAMES
from proxy.text import Text

_YES, _NO = Text("yes"), Text("no")
_NONE = Text("none")

Told = tuple[Text | str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One key that would be different, each side in words."""

    name: Text
    old: Told
    new: Told


def differences_told(
    old: Connector, new: Connector, keys: Collection[str], *, folders: Mapping[str, str]
) -> tuple[Difference, ...]:
    """Return what would be different, in the order of the page.

    Args:
        old: As it is.
        new: As it would be.
        keys: That differ.
        folders: Names of folders by their ids, as far as they are known.
    """
    return tuple(
        Difference(name, say(old, folders), say(new, folders))
        for key, (name, say) in _FACTS.items()
        if key in keys and say(old, folders) != say(new, folders)
    )


def _folder(connector: Connector, folders: Mapping[str, str]) -> Told:
    return (folders.get(connector.folder_id, connector.folder),)


def _identifier(connector: Connector, _: Mapping[str, str]) -> Told:
    name = IDENTIFIER_NAMES[connector.identifier]
    return (name, connector.metadata) if connector.metadata else (name,)


def _types(connector: Connector, _: Mapping[str, str]) -> Told:
    return tuple(TYPE_NAMES[each] for each in types_of(connector))


def _flag(key: str) -> Callable[[Connector, Mapping[str, str]], Told]:
    return lambda connector, _: (_YES if getattr(connector, key) else _NO,)


def _plain(key: str) -> Callable[[Connector, Mapping[str, str]], Told]:
    def say(connector: Connector, _: Mapping[str, str]) -> Told:
        value = getattr(connector, key)
        return (_NONE if value in {None, ""} else str(value),)

    return say


_FACTS: Mapping[str, tuple[Text, Callable[[Connector, Mapping[str, str]], Told]]] = {
    "enabled": (Text("Switched on"), _flag("enabled")),
    "folder_id": (Text("Folder"), _folder),
    "subfolders": (Text("Folders below it are public too"), _flag("subfolders")),
    "content_types": (Text("Content types"), _types),
    "identifier": (Text("Identifier"), _identifier),
    "metadata": (Text("Metadata"), _plain("metadata")),
    "force_https": (Text("Force HTTPS"), _flag("force_https")),
    "host": (Text("Own host name"), _plain("host")),
    "delivery": (
        Text("What is delivered"),
        lambda connector, _: (DELIVERY_NAMES[connector.delivery],),
    ),
    "only_published": (Text("Only published contents"), _flag("only_published")),
    "disposition": (
        Text("In a browser"),
        lambda connector, _: (DISPOSITION_NAMES[connector.disposition],),
    ),
    "max_age_s": (Text("Cache lifetime in seconds"), _plain("max_age_s")),
    "cdn_max_age_s": (Text("Lifetime in CDNs in seconds"), _plain("cdn_max_age_s")),
    "robots": (Text("For search engines"), _plain("robots")),
}
