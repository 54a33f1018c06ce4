"""Our secrets, cut out of what is logged or shown: a client can send one, in a path or elsewhere.

Nothing of ours writes them. But whoever pastes a THRON URL, or a part of one, behind an address of
this gateway sends the pkey or the token that is in it, and a path is logged as it came.
"""

import re
from collections import deque
from urllib.parse import quote

import orjson

_REDACTED = "[redacted]"
# Of one kind: what is in use, what was until a moment ago, and what is being tried in the console.
_KEPT = 4
# Shorter ones would be found by chance; a pkey has six characters (docs/thron.md 3.5).
_SHORTEST = 6
# Whosever they are: by these names THRON takes secrets (docs/thron.md 1.3, 2.1 and 7.1).
_PARAMETER = re.compile(r'((?:token_?id|pkey|app_?key)(?:=|%3d))[^&;/?#\s"\\]+', re.IGNORECASE)

# Of this process, as its log is.
_known: dict[str, deque[str]] = {}
_spelt: tuple[str, ...] = ()


def know(kind: str, secret: str | None) -> None:
    """Redact a secret from now on, however it is spelt.

    Args:
        kind: Such as ``token``; of each kind the last few are redacted.
        secret: None is ignored, as is one too short to be told from a word.
    """
    global _spelt  # noqa: PLW0603 - made once for each secret, read for each request
    kept = _known.setdefault(kind, deque(maxlen=_KEPT))
    if secret is None or len(secret) < _SHORTEST or secret in kept:
        return
    kept.append(secret)
    all_known = {each for kept in _known.values() for each in kept}
    _spelt = tuple({spelling for each in all_known for spelling in _spellings(each)})


def redacted(text: str) -> str:
    """Return a text without what is secret; JSON stays JSON."""
    for secret in _spelt:
        if secret in text:
            text = text.replace(secret, _REDACTED)
    if "=" in text or "%3" in text:
        return _PARAMETER.sub(rf"\1{_REDACTED}", text)
    return text


def _spellings(secret: str) -> tuple[str, ...]:
    encoded = quote(secret, safe="")
    in_lower_case = re.sub("%..", lambda found: found[0].lower(), encoded)
    return secret, orjson.dumps(secret).decode()[1:-1], encoded, in_lower_case
