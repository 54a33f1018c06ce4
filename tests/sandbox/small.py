"""A tenant small enough to know by heart, for tests of what the sandbox answers."""

from datetime import UTC, datetime
from typing import Any

from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.specs import (
    ClassificationSpec,
    ContentSpec,
    DefinitionSpec,
    FolderSpec,
    Library,
)

ROOT = "f0000000-0000-4000-8000-000000000001"
MANUALS = "f0000000-0000-4000-8000-000000000002"
ARCHIVE = "f0000000-0000-4000-8000-000000000003"
OUTSIDE = "f0000000-0000-4000-8000-000000000009"
TOP = "f0000000-0000-4000-8000-000000000000"
PRODUCT = "c0000000-0000-4000-8000-000000000001"

MANUAL = "a0000000-0000-4000-8000-000000000001"
PHOTO = "a0000000-0000-4000-8000-000000000002"
FILM = "a0000000-0000-4000-8000-000000000003"
DRAFT = "a0000000-0000-4000-8000-000000000004"
FOREIGN = "a0000000-0000-4000-8000-000000000005"
LINK = "a0000000-0000-4000-8000-000000000006"
PLAYLIST = "a0000000-0000-4000-8000-000000000007"
PAGELET = "a0000000-0000-4000-8000-000000000008"
SONG = "a0000000-0000-4000-8000-000000000009"

PDF = BytesBlob(b"%PDF-1.7 the owner's manual " * 400, "application/pdf")
PNG = BytesBlob(b"\x89PNG the original photo " * 500, "image/png")
JPEG = BytesBlob(b"\xff\xd8 the photo encoded anew " * 300, "image/jpeg")
MP4 = BytesBlob(bytes(range(256)) * 1024, "video/mp4")
MP4_HD = BytesBlob(bytes(reversed(range(256))) * 512, "video/mp4")
MP3 = BytesBlob(b"ID3 a song " * 200, "audio/mpeg")
TEXT = BytesBlob(b"not yet", "text/plain")


def _content(number: str, content_type: str, title: str, **more: Any) -> ContentSpec:
    month = int(number[-1])
    written = datetime(2024, month, 1, 8, tzinfo=UTC)
    known: dict[str, Any] = {
        "titles": {"EN": title},
        "file_name": "file.bin",
        "media_type": "application/octet-stream",
        "source": TEXT,
        "folder_ids": (ROOT,),
    }
    return ContentSpec(number, content_type, written, written, **{**known, **more})


def library() -> Library:
    """Return the tenant's library."""
    return Library(
        root_folder_id=ROOT,
        folders=(
            FolderSpec(TOP, None, {"EN": "Top"}),
            FolderSpec(ROOT, TOP, {"EN": "Products", "IT": "Prodotti"}, (("EN", "products"),)),
            FolderSpec(MANUALS, ROOT, {"EN": "Manuals"}),
            FolderSpec(ARCHIVE, MANUALS, {"EN": "Archive"}),
            FolderSpec(OUTSIDE, TOP, {"EN": "Elsewhere"}),
        ),
        contents=(
            _content(
                MANUAL,
                "OTHER",
                "Owner manual",
                titles={"EN": "Owner manual", "IT": "Manuale"},
                pretty_ids=(("EN", "owner-manual"), ("IT", "Manuale_Utente")),
                external_ids=(("erp", "4711"),),
                imetadata=(
                    (PRODUCT, "sku", None, "AB-12"),
                    (PRODUCT, "note", "EN", "hand / foot 100%"),
                ),
                legacy_metadatas=(("sku", None, "AB-12"), ("line", "IT", "Città")),
                folder_ids=(MANUALS, ARCHIVE),
                file_name="Owner manual v3.pdf",
                media_type="application/pdf",
                source=PDF,
                renditions={"WEB": PDF},
                channels=("WEB",),
            ),
            _content(
                PHOTO,
                "IMAGE",
                "Photo",
                pretty_ids=(("EN", "photo"),),
                imetadata=((PRODUCT, "sku", None, "ab-12"),),
                file_name="photo.png",
                media_type="image/png",
                source=PNG,
                renditions={"std": JPEG},
            ),
            _content(
                FILM,
                "VIDEO",
                "Film",
                file_name="film.mp4",
                media_type="video/mp4",
                source=MP4,
                renditions={"WEB": MP4, "WEBHD": MP4_HD},
                channels=("WEB", "WEBHD"),
                folder_ids=(ARCHIVE,),
            ),
            _content(DRAFT, "OTHER", "Draft", status="DRAFT", renditions={"WEB": TEXT}),
            _content(FOREIGN, "OTHER", "Foreign", folder_ids=(OUTSIDE,)),
            _content(
                LINK,
                "URL",
                "Link",
                source=BytesBlob(b"https://www.example.org/there", "text/uri-list"),
            ),
            _content(PLAYLIST, "PLAYLIST", "Playlist"),
            _content(
                PAGELET,
                "PAGELET",
                "Page",
                renditions={"WEB": BytesBlob(b"<p>hi</p>", "text/html")},
                channels=("WEB",),
            ),
            _content(
                SONG,
                "AUDIO",
                "Song",
                file_name="song.mp3",
                media_type="audio/mpeg",
                source=MP3,
                renditions={"WEBAUDIO": MP3},
                channels=("WEBAUDIO",),
                shareable=False,
            ),
        ),
        classifications=(
            ClassificationSpec(PRODUCT, "CUSTOM", {"EN": "Product", "IT": "Prodotto"}),
            ClassificationSpec("c2", "TOPIC", {"EN": "Topics"}, active=False),
        ),
        definitions=(
            DefinitionSpec("d1", PRODUCT, "sku", "KEY", {"EN": "SKU"}),
            DefinitionSpec("d2", PRODUCT, "note", "STRING", {"EN": "Note"}),
            DefinitionSpec("d3", PRODUCT, "gone", "STRING", {"EN": "Gone"}, removed=True),
            DefinitionSpec("d4", None, "loose", "STRING", {"EN": "Loose"}),
        ),
    )
