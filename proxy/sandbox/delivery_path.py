"""The grammar of delivery/public addresses, read from the raw path (docs/thron.md 7.1)."""

import re
from dataclasses import dataclass
from urllib.parse import unquote

# Segments after the kind: image and thumbnail have preset and divArea, the media a channel.
_SHAPES = {
    "image": ("preset", "div_area"),
    "thumbnail": ("preset", "div_area"),
    "productThumbnail": ("preset", "div_area"),
    "video": ("channel",),
    "audio": ("channel",),
    "document": ("channel",),
    "pagelet": (),
    "url": (),
}
_DIV_AREA = re.compile(r"[0-9]{1,5}x[0-9]{1,5}")


@dataclass(frozen=True, slots=True)
class DeliveryPath:
    """What a delivery/public address asks for; every part decoded.

    Attributes:
        kind: ``image``, ``thumbnail``, ``video`` and so on.
        key: An id, a prettyId or an externalId.
        channel: The channel; the preset for image and thumbnail; empty for pagelet and url.
        div_area: ``WxH`` for image and thumbnail, else empty.
        name: The last segment, which is arbitrary.
    """

    kind: str
    client_id: str
    key: str
    pkey: str
    channel: str
    div_area: str
    name: str


def parse(raw_path: str) -> DeliveryPath | None:
    """Read a raw path; None where it is malformed.

    A slash at the end is seen in the wild and means nothing.
    """
    segments = raw_path.removesuffix("/").split("/")
    _, *prefix = segments[:3]
    if prefix != ["delivery", "public"] or len(segments) < 4:  # noqa: PLR2004 - prefix and kind
        return None
    kind, *rest = segments[3:]
    shape = _SHAPES.get(kind)
    if shape is None or len(rest) != len(shape) + 4 or not all(rest):
        return None
    client_id, key, pkey, *options, name = (unquote(segment) for segment in rest)
    named = dict(zip(shape, options, strict=True))
    div_area = named.get("div_area", "")
    if "div_area" in named and not _DIV_AREA.fullmatch(div_area):
        return None
    channel = named.get("channel") or named.get("preset", "")
    return DeliveryPath(kind, client_id, key, pkey, channel, div_area, name)
