"""The media type and the THRON content type that a file name stands for."""

import mimetypes
from pathlib import PurePath

# Those that Python's own table lacks, or names in a way that browsers do not.
_MORE = {
    ".avif": "image/avif",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".flac": "audio/flac",
    ".heic": "image/heic",
    ".indd": "application/x-indesign",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".md": "text/markdown",
    ".mkv": "video/x-matroska",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".psd": "image/vnd.adobe.photoshop",
    ".wav": "audio/wav",
    ".webp": "image/webp",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}
# Not the machine's /etc/mime.types: a library means the same everywhere.
_PYTHONS = mimetypes.MimeTypes(filenames=())
_CONTENT_TYPES = {"video": "VIDEO", "audio": "AUDIO", "image": "IMAGE"}


def media_type_of(file_name: str) -> str:
    """Return the media type of a file by its extension, in any case of letters."""
    suffix = PurePath(file_name).suffix.lower()
    known = _MORE.get(suffix) or _PYTHONS.guess_type(f"name{suffix}")[0]
    return known or "application/octet-stream"


def content_type_of(media_type: str) -> str:
    """Return VIDEO, AUDIO or IMAGE, and OTHER (a document) for anything else."""
    return _CONTENT_TYPES.get(media_type.partition("/")[0], "OTHER")
