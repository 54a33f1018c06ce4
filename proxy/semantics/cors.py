"""Fields that let any page embed a content, and keep it from running script in our name.

Everything behind a public address is public: CORS and CORP are open to all, without credentials.
What it must not do is act as a page of this host: types are taken literally, and all but those
known to carry no script are sandboxed.
"""

from proxy.semantics.field_lines import is_writable
from proxy.semantics.media_types import is_inert

METHODS = ("GET", "HEAD", "OPTIONS")

# What is not among the safelisted response fields of the Fetch standard.
_EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Encoding, Content-Length, Content-Range, ETag"
)

# Named for browsers that do not know the wildcard.
_ALLOWED = "If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Range, *"

# Two hours is the longest that Chromium remembers a preflight.
_PREFLIGHT_MAX_AGE_S = 7200


def exposure(*, content_type: str | None, robots: str = "") -> list[tuple[str, str]]:
    """Return the lines that go with a content, whole, partial or not modified.

    Args:
        content_type: The Content-Type that is sent, or None.
        robots: X-Robots-Tag of the connector, such as ``noindex``; empty for none.
    """
    lines = [
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", _EXPOSED),
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if content_type is not None and not is_inert(content_type):
        lines.append(("Content-Security-Policy", "sandbox"))
    if robots and is_writable(robots):
        lines.append(("X-Robots-Tag", robots))
    return lines


def preflight() -> list[tuple[str, str]]:
    """Return the lines that answer an OPTIONS, preflight or not (Fetch, 4.8; RFC 9110, 9.3.7)."""
    return [
        ("Allow", ", ".join(METHODS)),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Methods", ", ".join(METHODS)),
        ("Access-Control-Allow-Headers", _ALLOWED),
        ("Access-Control-Max-Age", str(_PREFLIGHT_MAX_AGE_S)),
    ]
