"""delivery/public: from a durable address to a volatile static one (docs/thron.md 7.1 to 7.4)."""

import hashlib
import mimetypes
from collections import OrderedDict
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from aiohttp import web

from proxy.sandbox.blob import Blob, BytesBlob
from proxy.sandbox.content import SimulatedContent, Version, static_name
from proxy.sandbox.delivery_path import DeliveryPath, parse
from proxy.sandbox.signing import sign
from proxy.sandbox.world import World

# Static names given out and remembered; the oldest is forgotten and then unknown, as a purged one.
NAMES = 200_000
STD = "std"
_TYPES = {"image": "IMAGE", "video": "VIDEO", "audio": "AUDIO", "document": "OTHER"}
_EXTENSIONS = {"image/jpeg": "jpg", "image/svg+xml": "svg", "audio/mpeg": "mp3"}
# The image that stands for a content without a thumbnail: 1 x 1 pixels of grey.
_NO_THUMBNAIL = BytesBlob(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d494844520000000100000001080000000"
        "03a7e9b550000000a49444154789c6368000000820081dd436af40000000049454e44ae426082"
    ),
    "image/png",
)


@dataclass(frozen=True, slots=True)
class Published:
    """A published file behind a static name.

    Attributes:
        version: Whose file it is; None for what belongs to no content.
        content_id: None likewise.
    """

    blob: Blob = field(repr=False)
    version: Version | None
    content_id: str | None


class DeliveryApi:
    """Redirects durable addresses, and knows the static names that it gave out."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._names: OrderedDict[str, Published] = OrderedDict()

    def published(self, name: str) -> Published | None:
        """Return the file behind a static name."""
        return self._names.get(name)

    async def redirect(self, request: web.Request) -> web.Response:
        """Answer a delivery/public request with the address of the file."""
        if request.method == "HEAD" and not self._world.switches.delivery_head:
            return web.Response(status=405, headers={"Allow": "GET"})
        raw_path, _, raw_query = request.raw_path.partition("?")
        asked = parse(raw_path)
        if asked is None:
            return web.Response(status=400, text="malformed delivery address")
        content = self._content(asked)
        if content is None or not self._is_allowed(asked, content):
            return web.Response(status=404, text="content not found")
        if asked.kind == "url":
            return self._away(_link_target(content))
        found = self._file(asked, content, accept=request.headers.get("Accept", ""))
        if found is None:
            return web.Response(status=404, text="channel not found")
        version, blob = found
        return self._away(self._static_target(asked, content, version, blob, edit=raw_query))

    def _content(self, asked: DeliveryPath) -> SimulatedContent | None:
        world = self._world
        if asked.client_id != world.tenant.client_id or asked.pkey != world.tenant.app.pkey:
            return None
        return world.tenant.of_key(asked.key, any_case=world.switches.pretty_id_any_case)

    def _is_allowed(self, asked: DeliveryPath, content: SimulatedContent) -> bool:
        # What is linked nowhere is delivered all the same (docs/thron.md 3.4).
        if not content.is_out:
            return False
        kind = {"pagelet": "PAGELET", "url": "URL", **_TYPES}.get(asked.kind)
        return kind is None or kind == content.content_type

    def _file(
        self, asked: DeliveryPath, content: SimulatedContent, *, accept: str
    ) -> tuple[Version, Blob] | None:
        """Return the published file of a channel, and the version that it comes from."""
        lag_s = self._world.switches.rendition_lag_s
        version = content.published_version(now=self._world.now(), lag_s=lag_s)
        if asked.kind in {"thumbnail", "productThumbnail"}:
            renditions = version.renditions
            return version, renditions.get("thumbnail") or renditions.get(STD) or _NO_THUMBNAIL
        if asked.kind == "image" and asked.channel == STD:
            blob = version.renditions.get(STD)
            return None if blob is None else (version, self._formatted(blob, accept=accept))
        if asked.kind == "pagelet":
            return version, next(iter(version.renditions.values()), version.source)
        if asked.channel not in content.channels:
            return None
        blob = version.renditions.get(asked.channel)
        return None if blob is None else (version, blob)

    def _formatted(self, blob: Blob, *, accept: str) -> Blob:
        """Return an image as the Accept field picks it, where ``auto`` looks at that."""
        if not self._world.switches.auto_format_by_accept or "image/webp" not in accept:
            return blob
        octets = b"".join(blob.read(0, blob.length))
        return BytesBlob(b"RIFF\0\0\0\0WEBP" + octets, "image/webp", blob.last_modified)

    def _static_target(
        self,
        asked: DeliveryPath,
        content: SimulatedContent,
        version: Version,
        blob: Blob,
        *,
        edit: str,
    ) -> str:
        extension = _extension(version, blob)
        variant = hashlib.sha256(f"{asked.div_area}?{edit}{blob.media_type}".encode()).hexdigest()
        channel = f"{asked.kind} {asked.channel}"
        is_image = bool(asked.div_area)
        name = static_name(
            version, channel=channel, extension=extension, edit=variant if is_image else ""
        )
        self._names[name] = Published(blob, version, content.id)
        self._names.move_to_end(name)
        if len(self._names) > NAMES:
            self._names.popitem(last=False)
        target = f"/static/{name}?xseo="
        if asked.kind == "document":
            target += f"&response-content-disposition={self._inline(asked.name, extension)}"
        return self._world.cdn_url + self._protected(target)

    def _inline(self, name: str, extension: str) -> str:
        has_it = name.lower().endswith(f".{extension.lower()}")
        if extension and (not has_it or self._world.switches.extension_repeated):
            name = f"{name}.{extension}"
        return quote(f'inline;filename="{name}"', safe="")

    def _protected(self, target: str) -> str:
        switches = self._world.switches
        if not switches.token_protection:
            return target
        signed, signature = sign(target, until_s=self._world.now() + switches.token_protection_s)
        self._world.signatures.add(signature)
        return signed

    def _away(self, location: str) -> web.Response:
        switches = self._world.switches
        if location.startswith(self._world.cdn_url):
            if switches.redirect_hops > 1:
                hop = switches.redirect_hops - 1
                location = location.replace("/static/", f"/static/hop{hop}/", 1)
            match switches.redirect_location:
                case "relative":
                    location = location.removeprefix(self._world.cdn_url)
                case "protocol-relative":
                    location = "//" + location.partition("://")[2]
                case "absolute":
                    pass
        fields = {
            "Location": location,
            "Cache-Control": f"public, max-age={switches.delivery_max_age_s}",
        }
        return web.Response(status=switches.redirect_status, headers=fields)


def _extension(version: Version, blob: Blob) -> str:
    """Return the extension of a published file: the source's where the type is the same."""
    if blob.media_type == version.media_type:
        return version.extension
    media_type = blob.media_type.partition(";")[0]
    guessed = mimetypes.guess_extension(media_type) or ""
    return _EXTENSIONS.get(media_type) or guessed.removeprefix(".")


def _link_target(content: SimulatedContent) -> str:
    """Return where a URL content leads: its source is the address."""
    address = b"".join(content.version.source.read(0, content.version.source.length))
    text = address.decode("ascii", "replace").strip()
    return text if urlsplit(text).scheme in {"http", "https"} else "https://www.example.com/"
