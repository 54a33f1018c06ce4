"""Media types that a file name tells, for answers that say nothing better.

THRON may give a source file as application/octet-stream (docs/thron.md 7.5). With ``nosniff`` a
browser would then refuse it in ``<img>`` and ``<video>``, so the extension is asked. The table is
ours, since Python's own reads the machine's files.
"""

from proxy.semantics.headers import media_type

OCTETS = "application/octet-stream"

# Said by servers that do not know, or that want a download at any price.
_MEANINGLESS = frozenset(
    {
        OCTETS,
        "binary/octet-stream",
        "application/binary",
        "application/download",
        "application/force-download",
        "application/x-download",
        "application/x-octet-stream",
        "application/unknown",
    }
)

# What a browser that opens it as a page of its own runs no script from. A type of XML may be a page
# whatever it is called (MIME Sniffing, 4.6), and any other may become one.
_INERT_KINDS = frozenset({"audio", "font", "image", "video"})
_INERT = frozenset(
    {
        OCTETS,
        "application/gzip",
        "application/pdf",  # its viewer breaks in a sandbox
        "application/zip",
        "text/csv",
        "text/plain",
    }
)

_OF_EXTENSION = {
    "aac": "audio/aac",
    "ai": "application/pdf",
    "aif": "audio/aiff",
    "aiff": "audio/aiff",
    "apng": "image/apng",
    "avi": "video/x-msvideo",
    "avif": "image/avif",
    "bmp": "image/bmp",
    "css": "text/css",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "eps": "application/postscript",
    "epub": "application/epub+zip",
    "flac": "audio/flac",
    "gif": "image/gif",
    "gz": "application/gzip",
    "heic": "image/heic",
    "heif": "image/heif",
    "htm": "text/html",
    "html": "text/html",
    "ico": "image/vnd.microsoft.icon",
    "ics": "text/calendar",
    "indd": "application/x-indesign",
    "jpe": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "js": "text/javascript",
    "json": "application/json",
    "m4a": "audio/mp4",
    "m4v": "video/mp4",
    "mkv": "video/x-matroska",
    "mov": "video/quicktime",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
    "mpeg": "video/mpeg",
    "mpg": "video/mpeg",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odt": "application/vnd.oasis.opendocument.text",
    "oga": "audio/ogg",
    "ogg": "audio/ogg",
    "ogv": "video/ogg",
    "opus": "audio/ogg",
    "otf": "font/otf",
    "pdf": "application/pdf",
    "png": "image/png",
    "ppt": "application/vnd.ms-powerpoint",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "ps": "application/postscript",
    "psd": "image/vnd.adobe.photoshop",
    "rtf": "application/rtf",
    "svg": "image/svg+xml",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "ttf": "font/ttf",
    "txt": "text/plain",
    "vtt": "text/vtt",
    "wav": "audio/wav",
    "weba": "audio/webm",
    "webm": "video/webm",
    "webp": "image/webp",
    "wmv": "video/x-ms-wmv",
    "woff": "font/woff",
    "woff2": "font/woff2",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "xml": "application/xml",
    "zip": "application/zip",
}


def content_type(received: str | None, *, file_name: str | None) -> str:
    """Return the Content-Type to send.

    Args:
        received: The origin's Content-Type, or None. It stands unless it says nothing.
        file_name: The content's name; its extension helps where the origin does not.
    """
    said = media_type(received)
    if received is not None and said is not None and said not in _MEANINGLESS:
        return received
    return media_type_of(file_name) or OCTETS


def media_type_of(file_name: str | None) -> str | None:
    """Return the media type that a file name's extension stands for, or None."""
    return _OF_EXTENSION.get((file_name or "").rpartition(".")[2].lower())


def is_inert(value: str) -> bool:
    """Tell whether a browser that opens this Content-Type as a page is known to run no script."""
    said = media_type(value)
    if said is None or said.endswith("+xml"):
        return False
    return said in _INERT or said.partition("/")[0] in _INERT_KINDS
