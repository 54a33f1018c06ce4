"""Field lines as they stand in a message: combining repeated ones, and values fit to be written."""

import re
from functools import lru_cache

from multidict import MultiMapping

# Longer values, which may be a megabyte, are not remembered.
_SHORT = 256

# RFC 9110, 5.6.2; as a pattern for others to build on.
TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - the grammar's word, no secret

# Controls end or split a field line (9110, 5.5); a lone surrogate stands for an octet that is no
# UTF-8 and cannot be written again.
_UNWRITABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


def is_writable(value: str) -> bool:
    """Tell whether a field value can stand in a message: no CR, LF, NUL, control or torn text."""
    return _UNWRITABLE.search(value) is None


def combined(fields: MultiMapping[str], name: str) -> str | None:
    """Return the value of a field, its repeated lines joined in order, or None without any.

    Args:
        fields: A field section whose names are case-insensitive, such as aiohttp's headers.
        name: The field's name.

    RFC 9110, 5.2 and 5.3.
    """
    lines = fields.getall(name, None)
    if lines is None:
        return None
    if len(lines) == 1:
        return lines[0].strip(" \t")
    return ", ".join([line.strip(" \t") for line in lines])


def connection_options(fields: MultiMapping[str]) -> frozenset[str]:
    """Return the names, in lower case, that Connection nominates as of this hop only.

    RFC 9110, 7.6.1.
    """
    if "Connection" not in fields:
        return frozenset()
    listed = combined(fields, "Connection") or ""
    return _options(listed) if len(listed) <= _SHORT else _options.__wrapped__(listed)


@lru_cache(maxsize=64)  # nearly always keep-alive, or close
def _options(listed: str) -> frozenset[str]:
    return frozenset(option.strip(" \t").lower() for option in listed.split(",")) - {""}
