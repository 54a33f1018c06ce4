"""The grammar of THRON's delivery URLs, the choice of a channel, and what may be shown of them."""

import re
from base64 import b64decode
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from urllib.parse import SplitResult, quote, unquote, urlencode, urlsplit

from proxy.errors import UnknownAddress
from proxy.thron.content import is_streaming

# docs/thron.md 7.1
_KINDS = {"VIDEO": "video", "IMAGE": "image", "AUDIO": "audio", "OTHER": "document"}

# The best rendition first (docs/thron.md 11, row 9). The names are few and fixed, so an unknown
# one that begins with WEB is tried after them.
_PREFERRED = {
    "VIDEO": ("WEBHD", "WEB", "WEBIPHONEHD", "WEBIPHONE"),
    "AUDIO": ("WEB", "WEBAUDIO"),
    "OTHER": ("WEB", "WEBDOC"),
}

# Characters that fronts on the way decode, split at or refuse; the name is for eyes only.
_AWKWARD = re.compile(r"[\x00-\x1f\x7f/\\%?#;]")
_DOTS = re.compile(r"\.*")

# Where downloadSource may be, the likeliest first (docs/thron.md 7.5).
SOURCE_PATHS = (
    "content/downloadSource",
    "content/downloadSource/{clientId}",
    "dashboard/downloadSourceFile",
)
_CLIENT_ID = "{clientId}"

# THRON's token and Akamai's, which has it under two names more.
_SIGNED_UNTIL = re.compile(r"(?:^|~)exp=([0-9]{1,12})(?:~|$)")
_OF_TOKENS = frozenset({"dt", "token", "hdnts"})
# CloudFront's custom policy: JSON in base64 of an alphabet that URLs bear.
_POLICY_UNTIL = re.compile(rb'"DateLessThan"\s*:\s*\{\s*"AWS:EpochTime"\s*:\s*([0-9]{1,12})')
_POLICY_ALPHABET = str.maketrans("-_~", "+=/")
_UNIX = re.compile(r"[0-9]{1,12}")
_LIFETIME = re.compile(r"[0-9]{1,8}")

# The share key in a delivery URL, in the embed's and in the second generation's
# (docs/thron.md 7.1 and 7.6).
_PKEY_PLACES = (
    re.compile(r"(/delivery/+public/+[^/]+/+[^/]+/+[^/]+/+)[^/]+", re.IGNORECASE),
    re.compile(r"(/embed/+current/+[^/]+/+[^/]+/+)[^/]+", re.IGNORECASE),
    re.compile(r"(/content-delivery/+shares/+)[^/]+", re.IGNORECASE),
)

# Every other parameter may be a token or a signature, of THRON's or of a storage service's.
_HARMLESS = frozenset(
    {
        "clientid",
        "xcontentid",
        "contentid",
        "saveas",
        "versionid",
        "xseo",
        "response-content-disposition",
        "quality",
        "format",
        "scalemode",
        "divarea",
        "dpr",
    }
)
_MASK = "***"


def published_url(
    cdn_url: str,
    client_id: str,
    *,
    pkey: str,
    content_type: str,
    content_id: str,
    channel: str | None,
    name: str,
) -> str:
    """Return the URL of a published rendition; it answers with a redirect (docs/thron.md 7.1).

    The channel is one of ``channels``, and not used for images. The name becomes the last segment,
    which is free; it may be empty.

    Raises:
        UnknownAddress: The type is none that a connector serves, or needs a channel.
    """
    kind = _KINDS.get(content_type)
    if kind is None or (kind != "image" and not channel):
        raise UnknownAddress(f"no rendition is delivered of type {content_type!r} on {channel!r}")
    # An image in its largest size and without parameters: its format then depends on nothing of
    # the client's, as no Accept is sent on (docs/thron.md 7.4).
    rendition = ["std", "0x0"] if kind == "image" else [channel or ""]
    plain = _AWKWARD.sub("_", name).strip()
    last = content_id if _DOTS.fullmatch(plain) else plain
    return _delivery_url(cdn_url, kind, client_id, content_id, pkey, *rendition, last)


def thumbnail_url(cdn_url: str, client_id: str, *, pkey: str, content_id: str, pixels: int) -> str:
    """Return the URL of a content's thumbnail, ``pixels`` on its longer side; it redirects.

    docs/thron.md 7.1.
    """
    size = f"{pixels}x{pixels}"
    return _delivery_url(cdn_url, "thumbnail", client_id, content_id, pkey, "std", size, content_id)


def _delivery_url(cdn_url: str, *segments: str) -> str:
    path = "/".join(quote(segment, safe="") for segment in segments)
    return f"{cdn_url.rstrip('/')}/delivery/public/{path}"


def channels(content_type: str, available: Sequence[str]) -> tuple[str | None, ...]:
    """Return the channels to try, in order; after a 404 the next is tried.

    Where THRON names no channel for the content (``available`` is empty), the usual ones are tried.
    An image has one None: it is addressed by a preset. Streaming channels hold playlists and are
    never chosen. docs/thron.md 3.1 and 11, row 9.
    """
    if content_type == "IMAGE":
        return (None,)
    preferred = _PREFERRED.get(content_type, ())
    if not available or not preferred:
        return preferred
    offered = [name for name in dict.fromkeys(available) if not is_streaming(name)]
    known = [name for name in preferred if name in offered]
    web = [name for name in offered if name.upper().startswith("WEB") and name not in known]
    rest = [name for name in offered if name not in known and name not in web]
    return (*known, *web, *rest)


def source_urls(
    api_url: str, client_id: str, *, content_id: str, save_as: str, path: str | None = None
) -> tuple[str, ...]:
    """Return the URLs at which a content's source file may be, without the token that they need.

    Args:
        api_url: Base of the tenant's API host.
        client_id: The tenant.
        content_id: Content id; prettyIds are not known to work here.
        save_as: File name that THRON is to give it; may be empty.
        path: Where this tenant's service is, if that is known: from the root, or below the
            resources of THRON's API. It may hold ``{clientId}``; else that goes into the query.

    docs/thron.md 7.5.
    """
    urls = []
    for each in SOURCE_PATHS if path is None else (path,):
        query = [("clientId", client_id)] if _CLIENT_ID not in each else []
        query.append(("xcontentId", content_id))
        if save_as:
            query.append(("saveAs", save_as))
        whole = each if each.startswith("/") else f"/api/xadmin/resources/{each}"
        whole = whole.replace(_CLIENT_ID, quote(client_id, safe=""))
        encoded = urlencode(query, quote_via=quote, safe="")
        urls.append(f"{api_url.rstrip('/')}{whole}?{encoded}")
    return tuple(urls)


def expiry(target: str) -> float | None:
    """Return when a signed target ends, in unix seconds; None if it does not say.

    Understood are THRON's token protection (``dt=exp=...~hmac=...``, docs/thron.md 7.2), and the
    signatures of the CDNs and storage services that a target may be at: Akamai, CloudFront, S3,
    Google Cloud Storage, Azure (assumed).
    """
    ends = [_ends_at(name, value, target=target) for name, value in _parameters(target)]
    return min((end for end in ends if end is not None), default=None)


def masked(url: str) -> str:
    """Return a delivery URL as a log or an explanation may show it.

    The share key, user information and the value of every parameter that is not known to be
    harmless become ``***``; a fragment is dropped. Never raises.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return _MASK
    path = parts.path
    for place in _PKEY_PLACES:
        path = place.sub(rf"\g<1>{_MASK}", path)
    parameters = []
    for parameter in filter(None, parts.query.split("&")):
        name, equals, _ = parameter.partition("=")
        is_harmless = unquote(name).lower() in _HARMLESS
        hidden = f"{name}={_MASK}" if equals else _MASK
        parameters.append(parameter if is_harmless else hidden)
    host = parts.netloc.rpartition("@")[2]
    return SplitResult(parts.scheme, host, path, "&".join(parameters), "").geturl()


def _parameters(url: str) -> list[tuple[str, str]]:
    """Return the query's parameters; the target itself is never re-encoded."""
    query = url.partition("#")[0].partition("?")[2]
    pairs = (each.partition("=") for each in query.split("&"))
    return [(unquote(name).lower(), unquote(value)) for name, _, value in pairs]


def _ends_at(name: str, value: str, *, target: str) -> float | None:
    if name in _OF_TOKENS:
        until = _SIGNED_UNTIL.search(value)
        return float(until[1]) if until else None
    if name == "expires" and _UNIX.fullmatch(value):
        return float(value)
    if name in {"x-amz-expires", "x-goog-expires"} and _LIFETIME.fullmatch(value):
        date = name.replace("expires", "date")
        signed = _moment(dict(_parameters(target)).get(date, ""), "%Y%m%dT%H%M%SZ")
        return signed + float(value) if signed is not None else None
    if name == "se":  # Azure's shared access signature
        return _moment(value, "%Y-%m-%dT%H:%M:%SZ") or _moment(value, "%Y-%m-%d")
    if name == "policy":
        with suppress(ValueError):
            policy = b64decode(value.translate(_POLICY_ALPHABET))
            return min(map(float, _POLICY_UNTIL.findall(policy)), default=None)
    return None


def _moment(stamp: str, form: str) -> float | None:
    try:
        moment = datetime.strptime(stamp, form).replace(tzinfo=UTC)
    except ValueError:
        return None
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)
