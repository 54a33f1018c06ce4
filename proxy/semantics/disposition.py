"""Content-Disposition: writing it so that every recipient names the file right, and reading it."""

import re
from urllib.parse import quote, unquote_to_bytes

from proxy.semantics.field_lines import TOKEN
from proxy.semantics.file_names import ascii_file_name, safe_file_name

# RFC 8187, 3.2.1: attr-char beyond letters and digits.
_ATTRIBUTE_CHARACTERS = "!#$&+-.^_`|~"
_PLAIN = re.compile(r"[ !#$&-\[\]-~]+")

# Quoted, or everything up to the semicolon, since origins often forget to quote blanks.
_PARAMETER = re.compile(
    rf'[ \t]*+({TOKEN})[ \t]*+=[ \t]*+(?:"((?:[^"\\]|\\.)*+)"|([^;"]*+))', re.DOTALL
)
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
_MAX_VALUE_CHARACTERS = 4096


def content_disposition(kind: str, file_name: str | None) -> str:
    """Return the Content-Disposition of a content.

    The name is made safe; ``filename*`` comes along where plain ``filename`` cannot carry it, and
    after it, as old recipients take the first (RFC 6266, appendix D).

    Args:
        kind: ``attachment`` or ``inline``.
        file_name: The name to save under, any text, or None to leave it to the recipient.

    RFC 6266, 4; RFC 8187, 3.2.
    """
    if file_name is None:
        return kind
    name = safe_file_name(file_name)
    if _PLAIN.fullmatch(name):
        return f'{kind}; filename="{name}"'
    extended = quote(name, safe=_ATTRIBUTE_CHARACTERS)
    return f"{kind}; filename=\"{ascii_file_name(name)}\"; filename*=UTF-8''{extended}"


def file_name(value: str | None) -> str | None:
    """Return the safe file name that an origin's Content-Disposition gives, or None without one.

    ``filename*`` is preferred; of a path only the last segment counts (RFC 6266, 4.3).

    Args:
        value: The field value as received; unquoted blanks and raw UTF-8 or Latin-1 are understood.
    """
    if value is None or len(value) > _MAX_VALUE_CHARACTERS:
        return None
    given = _parameters(value)
    named = _extended(given.get("filename*")) or _readable(given.get("filename"))
    last = re.split(r"[/\\]", named or "")[-1].strip()
    return safe_file_name(last) if last else None


def _parameters(value: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = value.find(";")
    while position >= 0:
        match = _PARAMETER.match(value, position + 1)
        if match is not None:
            name, quoted, bare = match.groups()
            text = bare.strip(" \t") if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
            found.setdefault(name.lower(), text)
        position = value.find(";", position + 1 if match is None else match.end())
    return found


def _extended(value: str | None) -> str | None:
    found = None if value is None else _EXTENDED.fullmatch(value)
    if found is None or not found[2].isascii():
        return None
    try:
        return unquote_to_bytes(found[2]).decode(found[1])
    except UnicodeDecodeError:
        return None


def _readable(value: str | None) -> str | None:
    # aiohttp hands on octets that are no UTF-8 as lone surrogates; origins of old mean Latin-1.
    if value is None or not any("\udc80" <= character <= "\udcff" for character in value):
        return value
    return value.encode("utf-8", "surrogateescape").decode("latin-1")
