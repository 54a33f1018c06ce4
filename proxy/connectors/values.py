"""The values of a connector's keys, each checked by itself; pure.

These are the validators of the fields of ``model.Connector``: each takes a plain value, as TOML or
JSON give it, or what a Connector holds already, and returns the latter, or raises Unfit.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum
from typing import TypeGuard, TypeVar

from proxy.connectors.addressability import CONTROL, RESERVED_SEGMENTS, is_id
from proxy.spelling import closest
from proxy.text import Text
from proxy.thron.content import ContentType


class TypeWord(StrEnum):
    """The types of contents as operators write them."""

    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"
    DOCUMENT = "document"

    @property
    def content_type(self) -> ContentType:
        """THRON's type."""
        return ContentType.OTHER if self is TypeWord.DOCUMENT else ContentType[self.name]


TYPE_NAMES: Mapping[TypeWord, Text] = {
    TypeWord.VIDEO: Text("Videos"),
    TypeWord.IMAGE: Text("Images"),
    TypeWord.AUDIO: Text("Audio"),
    TypeWord.DOCUMENT: Text("Documents"),
}

ALL = "all"
"""Stands for every type, those that are added later too."""

Word = TypeVar("Word", bound=StrEnum)

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# A field value must not end its line (RFC 9110, 5.5); robots directives are ASCII anyway.
_FIELD_VALUE = re.compile(r"[\x20-\x7e]*")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_IPV4 = re.compile(r"[0-9.]+")
_LONGEST_HOST = 253  # RFC 1035, 2.3.4
_LONGEST_METADATA = 150  # three times what THRON allows for legacy names (docs/thron.md, 3.1)
LONGEST_MAX_AGE = 2**31 - 1
"""Seconds; caches count no further (RFC 9111, 1.2.2)."""

_KINDS = {
    bool: "a boolean",
    int: "a number",
    float: "a fraction",
    list: "an array",
    dict: "a table",
}


class Unfit(ValueError):
    """A value that a connector cannot have; the message goes on from the key, with the fix."""


def slug(value: object) -> str:
    """Check a slug: ``[a-z0-9][a-z0-9-]{0,62}``."""
    word = _string(value)
    if word in RESERVED_SEGMENTS:
        raise Unfit(f'"{word}" is reserved; choose another name.')
    if not is_slug(word):
        tidy = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:63].strip("-")
        hint = f', such as "{tidy}"' if tidy else ""
        raise Unfit(
            f"{shown(word)} cannot begin an address; use at most 63 lower-case letters, digits"
            f" and hyphens, and no hyphen first{hint}."
        )
    return word


def folder(value: object) -> str:
    """Check a folder: an id or a prettyId.

    Anything more is refused: ``!_`` before one would mean NOT to THRON (docs/thron.md, 4.4).
    """
    word = _string(value)
    if not is_id(word):
        raise Unfit(
            f"{shown(word)} can be no id of a THRON folder; copy the folder's id or prettyId, of"
            " letters, digits, hyphens and underscores."
        )
    return word


def metadata(value: object) -> str:
    """Check the key of a metadata; whether THRON knows it is for the set-up to ask."""
    word = _string(value)
    if not word.strip() or CONTROL.search(word) or len(word) > _LONGEST_METADATA:
        raise Unfit(f'{shown(word)} can be no key of a metadata; write its key, such as "sku".')
    return word


def host(value: object) -> str:
    """Check a host name, and return it in lower case."""
    word = _string(value)
    name = word.lower().removesuffix(".")
    if not _is_host_name(name):
        raise Unfit(f"{shown(word)} is not a host name; {_host_hint(name)}.")
    return name


def robots(value: object) -> str:
    """Check the value of an X-Robots-Tag field."""
    word = _string(value)
    if not _FIELD_VALUE.fullmatch(word):
        raise Unfit(
            f"{shown(word)} cannot stand in a header field; use ASCII without line breaks or"
            ' other control characters, such as "noindex".'
        )
    return word.strip()


def max_age(value: object) -> int:
    """Check a freshness lifetime in seconds."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON does not tell 300.0 from 300 (RFC 8259, 6)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"must be a whole number of seconds, not {_kind(value)}; write 300.")
    if not 0 <= value <= LONGEST_MAX_AGE:
        raise Unfit(f"{value} is not a lifetime; write 0 (always ask again) to {LONGEST_MAX_AGE}.")
    return value


def boolean(value: object) -> bool:
    """Check a yes or no."""
    if not isinstance(value, bool):
        raise Unfit(f"must be true or false, not {_kind(value)}; write it without quotes.")
    return value


def one_of(words: type[Word]) -> Callable[[object], Word]:
    """Return the check of a word of an enumeration."""

    def check(value: object) -> Word:
        word = _string(value)
        if word not in set(words):
            raise Unfit(f"{shown(word)} is not possible; {nearest(word, words)}")
        return words(word)

    return check


def content_types(value: object) -> frozenset[ContentType]:
    """Check an array of content types, or ``["all"]``."""
    if isinstance(value, frozenset):
        return value  # of a connector that there is
    if not isinstance(value, list | tuple):
        raise Unfit(f'must be an array, not {_kind(value)}; write ["video", "image"] or ["all"].')
    if not value:
        raise Unfit('is empty, so nothing would be served; write ["all"] for every type.')
    words = {*TypeWord, ALL}
    unknown = [each for each in value if not isinstance(each, str) or each not in words]
    if unknown:
        raise Unfit(" ".join(_content_type_hint(each) for each in unknown))
    if ALL not in value:
        return frozenset(TypeWord(word).content_type for word in value)
    if set(value) != {ALL}:
        raise Unfit('"all" stands alone; write ["all"], or the types without it.')
    return frozenset(ContentType)


def content_type_words(types: Collection[ContentType]) -> list[str]:
    """Return the words that ``content_types`` takes back to some types."""
    words = [word.value for word in TypeWord if word.content_type in types]
    return [ALL] if len(words) == len(TypeWord) else words


def shown(word: str) -> str:
    """Return a word in quotes, so that control characters show and a long one is cut."""
    kept = word if len(word) <= 60 else f"{word[:57]}..."  # noqa: PLR2004 - a line's worth
    return '"' + CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", kept) + '"'


def is_slug(value: object) -> TypeGuard[str]:
    """Tell whether a value has the grammar of a slug."""
    return isinstance(value, str) and _SLUG.fullmatch(value) is not None


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the end of a sentence that helps with a misspelt word."""
    known = [str(each) for each in words]
    meant = closest(word.lower(), known)
    return f'did you mean "{meant}"?' if meant is not None else f"choose from {', '.join(known)}."


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit(f"must be a string, not {_kind(value)}; write it in quotes.")
    return value


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a string" if isinstance(value, str) else "a date or time")


def _is_host_name(name: str) -> bool:
    if len(name) > _LONGEST_HOST or _IPV4.fullmatch(name):
        return False
    return all(_LABEL.fullmatch(label) for label in name.split("."))


def _host_hint(name: str) -> str:
    bare = re.sub(r"^[a-z]+://", "", name).split("/")[0].split(":")[0]
    try:
        ascii_form = bare.encode("idna").decode()
    except UnicodeError:
        ascii_form = ""
    if _is_host_name(ascii_form):
        return f'write "{ascii_form}"'
    return "write a name such as media.example.com, without scheme, port and path"


def _content_type_hint(word: object) -> str:
    if not isinstance(word, str):
        return f"A content type must be a string, not {_kind(word)}."
    if word.lower() in {"other", "documents", "file", "pdf"}:
        return f'{shown(word)} is not a content type; documents are "document".'
    return f"{shown(word)} is not a content type; {nearest(word, [*TypeWord, ALL])}"
