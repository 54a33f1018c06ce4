"""Whether an identifier value can stand in a public address; pure."""

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

LONGEST_SEGMENT = 1024
"""Octets of one decoded segment; with it, the longest address stays under paths.LONGEST_PATH."""

RESERVED_SEGMENTS = frozenset({"-", "robots.txt", "favicon.ico", ".well-known"})
"""First segments that are ours: no slug, and no value on a connector's own host."""

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# prettyIds are ^[a-zA-Z0-9-_]+$ of at most 150 characters, content ids are UUIDs in practice
# (docs/thron.md, 3.1); what cannot be one is never asked of THRON.
_ID = re.compile(r"[A-Za-z0-9_-]{1,150}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]+)*")

# Fronts that decode a path before they hand it on break these.
_FRAGILE = frozenset("/\\%?#")


class Addressability(StrEnum):
    """What becomes of a value in a public address."""

    FINE = "fine"
    FRAGILE = "fragile"  # works, but fronts that decode %2F and its kin break it
    NONE = "none"  # no address: empty, a dot segment, too long, or not to be written at all


def is_id(value: str) -> bool:
    """Tell whether a value could be a content id or a prettyId (docs/thron.md, 3.1)."""
    return _ID.fullmatch(value) is not None


@lru_cache(maxsize=64)  # a tenant has few, and an export asks for each of 100,000 contents
def is_language(value: str) -> bool:
    """Tell whether a value could be the language of a prettyId, such as ``en`` or ``PT_br``."""
    return _LANGUAGE.fullmatch(value) is not None and len(value) <= LONGEST_SEGMENT


def normalised(value: str) -> str:
    """Return a metadata value as addresses compare it: in Unicode's form NFC."""
    return unicodedata.normalize("NFC", value)


def addressability(value: str) -> Addressability:
    """Tell whether a value can be one percent-encoded segment of a public address.

    Args:
        value: A content id, a prettyId or a metadata value, decoded.
    """
    if value in {"", ".", ".."} or CONTROL.search(value) or not _fits(value):
        return Addressability.NONE
    return Addressability.FRAGILE if _FRAGILE & set(value) else Addressability.FINE


def _fits(value: str) -> bool:
    try:
        return len(value.encode()) <= LONGEST_SEGMENT
    except UnicodeEncodeError:  # a lone surrogate has no UTF-8
        return False
