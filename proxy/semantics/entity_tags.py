"""Entity-tags: reading them, alone and in lists, and the two ways to compare."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

# RFC 9110, 8.8.3: visible characters but the quote, and anything beyond ASCII.
_TAG = r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\U0010ffff]*)"'
_ONE = re.compile(_TAG)
# Possessive, so that a hostile value costs no more than its length.
_MEMBER = re.compile(rf"[ \t]*+(?:{_TAG}[ \t]*+|[^,]*+)(?:,|$)")

# Longer values, which may be a megabyte, are not remembered.
_SHORT = 256


@dataclass(frozen=True, slots=True)
class EntityTag:
    """A validator of a representation: its opaque part without quotes, and whether it is weak.

    RFC 9110, 8.8.3.
    """

    opaque: str
    weak: bool = False

    def __str__(self) -> str:
        return f'{"W/" if self.weak else ""}"{self.opaque}"'

    def matches_strongly(self, other: "EntityTag") -> bool:
        """Tell whether both stand for the same octets (8.8.3.2); a weak one never does."""
        return self == other and not self.weak

    def matches_weakly(self, other: "EntityTag") -> bool:
        """Tell whether both stand for equivalent representations (8.8.3.2)."""
        return self.opaque == other.opaque


# The members of an If-Match or If-None-Match, or "*" for any representation at all.
EntityTags = tuple[EntityTag, ...] | Literal["*"]


def parse_entity_tag(value: str) -> EntityTag | None:
    """Return the one entity-tag that a field value is, such as ``W/"abc"``, else None."""
    return _one(value) if len(value) <= _SHORT else _one.__wrapped__(value)


@lru_cache(maxsize=256)  # those of few contents, in every request and answer
def _one(value: str) -> EntityTag | None:
    found = _ONE.fullmatch(value.strip(" \t"))
    return None if found is None else _tag(found)


def parse_entity_tags(value: str) -> EntityTags | None:
    """Return the members of an entity-tag list, or "*".

    Members that are no entity-tags are passed over; a field without any is None, as if not sent.

    Args:
        value: The field value, repeated lines combined, such as ``"a", W/"b"``.

    RFC 9110, 13.1.1, 13.1.2 and 5.6.1.2.
    """
    if value.strip(" \t") == "*":
        return "*"
    members = _MEMBER.finditer(value)
    return tuple(_tag(member) for member in members if member["opaque"] is not None) or None


def _tag(found: re.Match[str]) -> EntityTag:
    return EntityTag(found["opaque"], weak=found["weak"] is not None)
