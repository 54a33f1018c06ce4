"""QR codes of URLs (ISO/IEC 18004); pure."""

import io
from typing import Any

# Of modules: what readers need around a code, by the standard.
_QUIET = 4
_PNG_SCALE = 12
# A code of more has modules so small that phones fail at it.
_LONGEST = 1000


def is_codable(url: str) -> bool:
    """Tell whether a code of a URL could be read."""
    return len(url) <= _LONGEST


def svg(url: str) -> bytes:
    """Return a code as a picture that scales: black on white, whatever the page's theme."""
    return _saved(url, kind="svg", light="#fff", scale=8, svgns=True)


def png(url: str) -> bytes:
    """Return a code as a picture to print, twelve pixels a module."""
    return _saved(url, kind="png", scale=_PNG_SCALE)


def _saved(url: str, **manner: Any) -> bytes:
    import segno

    out = io.BytesIO()
    segno.make_qr(url).save(out, border=_QUIET, **manner)
    return out.getvalue()
