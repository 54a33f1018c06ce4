"""Thumbnails of THRON's, fetched for the console so that browsers ask no other host."""

from contextlib import closing
from dataclasses import dataclass, field
from html import escape

from proxy.errors import GatewayError
from proxy.semantics.headers import media_type
from proxy.tenant import Tenant
from proxy.thron.content import Content

# A picture of 160 pixels has some kilobytes; what is much larger is none.
_LARGEST = 512 * 1024
# A single pixel stands for none.
_LEAST = 128
# Formats without scripts; SVG is never taken from there.
_PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"})

# Grey enough for a light ground and a dark one.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40" fill="none" stroke="#7d8798"'
    ' stroke-width="2" stroke-linecap="round" stroke-linejoin="round"><title>{name}</title>'
    "{drawing}</svg>"
)
_DRAWINGS = {
    "VIDEO": '<rect x="9" y="12" width="22" height="16" rx="3"/><path d="m18 16.5 6 3.5-6 3.5z"/>',
    "IMAGE": '<rect x="10" y="11" width="20" height="18" rx="3"/><circle cx="16" cy="17" r="2"/>'
    '<path d="m11 27 6-5 4 3 4-4 5 5"/>',
    "AUDIO": '<path d="M17 26V13l11-2v12"/><circle cx="14.5" cy="26" r="2.5"/>'
    '<circle cx="25.5" cy="23" r="2.5"/>',
}
_DOCUMENT = '<path d="M13 9h9l6 6v16H13z"/><path d="M22 9v6h6M17 21h7M17 25h7"/>'


@dataclass(frozen=True, slots=True)
class Picture:
    """A thumbnail as it came."""

    media_type: str
    octets: bytes = field(repr=False)


async def fetched(tenant: Tenant, content: Content) -> Picture | None:
    """Return a content's thumbnail, None where there is none to be had.

    Args:
        tenant: Whose pkey opens it.
        content: Any type has one.
    """
    try:
        delivery = await tenant.delivery_builder.thumbnail(content)
        with closing(await tenant.origins.open(delivery, method="GET", fields=())) as upstream:
            kind = media_type(upstream.fields.get("Content-Type"))
            if upstream.status != 200 or kind is None or kind not in _PICTURES:  # noqa: PLR2004 - OK
                return None
            octets = bytearray()
            while piece := await upstream.read():
                octets += piece
                if len(octets) > _LARGEST:
                    return None
    except GatewayError:
        return None
    return Picture(kind, bytes(octets)) if len(octets) >= _LEAST else None


def icon(content_type: str) -> bytes:
    """Return the picture that stands for a type."""
    drawing = _DRAWINGS.get(content_type.upper(), _DOCUMENT)
    return _ICON.format(name=escape(content_type), drawing=drawing).encode()
