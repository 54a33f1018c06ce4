"""File names that are safe to save under, whatever THRON or an address calls the content."""

import re
import unicodedata

# Most file systems hold 255 octets; browsers add " (1)" and their own suffix while downloading.
_MAX_OCTETS = 200
_MAX_EXTENSION_OCTETS = 16

_FALLBACK = "download"

# What shows a name in another order than it is stored ("gpj.exe" as "exe.jpg"), and the byte order
# mark, which cannot be seen at all.
_DECEPTIVE = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
)
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?", re.IGNORECASE | re.DOTALL)


def safe_file_name(name: str) -> str:
    """Return the name as a file may be saved under it; "download" where nothing is left.

    NFC; white space is one blank; no control, bidi override, path separator or torn text; no dot
    or blank at either end; no device name of Windows; at most 200 octets of UTF-8, the extension
    kept. The result is its own safe name.

    Args:
        name: Any text. RFC 6266, 4.3 and 7 say what a name can do to those who trust it.
    """
    kept = unicodedata.normalize("NFC", "".join(map(_safe_character, name)))
    trimmed = _trimmed(" ".join(kept.split()))
    named = f"_{trimmed}" if _DEVICES.fullmatch(trimmed) else trimmed
    return _trimmed(_shortened(named)) or _FALLBACK


def ascii_file_name(name: str) -> str:
    """Return a safe name for recipients that read ASCII only: "citta.pdf" for "città.pdf".

    Accents are dropped; any other character, and the quote, backslash and percent that some
    recipients misread (RFC 6266, appendix D), become an underscore.
    """
    letters = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return safe_file_name(re.sub(r'[^ -~]|["%\\/]', "_", bare))


def _safe_character(character: str) -> str:
    match unicodedata.category(character):
        case "Zl" | "Zp" | "Zs":
            return " "
        case "Cs":
            return "_"
        case "Cc":
            return " " if character.isspace() else ""
        case _:
            return "_" if character in "/\\" else "" if character in _DECEPTIVE else character


def _trimmed(name: str) -> str:
    return name.strip(". ")


def _shortened(name: str) -> str:
    if len(name.encode()) <= _MAX_OCTETS:
        return name
    stem, dot, extension = name.rpartition(".")
    if not stem or len(extension.encode()) > _MAX_EXTENSION_OCTETS:
        return _cut(name, _MAX_OCTETS)
    ending = dot + extension
    return _cut(stem, _MAX_OCTETS - len(ending.encode())) + ending


def _cut(text: str, octets: int) -> str:
    return text.encode()[:octets].decode(errors="ignore")
