"""The tenant whose answers are recorded: the small one, and files that are odd in some way."""

import dataclasses
from datetime import UTC, datetime

from proxy.sandbox.blob import BytesBlob
from proxy.sandbox.specs import ContentSpec, Library
from tests.sandbox import small

PAGE = "b0000000-0000-4000-8000-000000000001"
DRAWING = "b0000000-0000-4000-8000-000000000002"
EMPTY = "b0000000-0000-4000-8000-000000000003"
ABROAD = "b0000000-0000-4000-8000-000000000004"
QUOTED = "b0000000-0000-4000-8000-000000000005"
UNHEARD = "b0000000-0000-4000-8000-000000000006"

# Asked for while something fails, one after the other, so that none has been asked for before.
AILING = tuple(f"d0000000-0000-4000-8000-{number:012}" for number in range(24))

_WRITTEN = datetime(2024, 11, 5, 8, tzinfo=UTC)


def library() -> Library:
    """Return it."""
    known = small.library()
    odd = (
        _document(
            PAGE, "page", "page.html", "text/html", b"<script>alert(1)</script>", sku="page/1 %"
        ),
        _document(DRAWING, "drawing", "drawing.svg", "image/svg+xml", b"<svg/>", sku="page/1 %"),
        _document(EMPTY, "empty", "empty.txt", "text/plain", b"", sku="Größe 7"),
        _document(ABROAD, "abroad", "Übersicht · Größen €.txt", "text/plain", b"abroad", sku="Z"),
        _document(QUOTED, "quoted", 'a "b";c\\d%20e.txt', "text/plain", b"quoted", sku="Q"),
        _document(UNHEARD, "unheard", "unheard.xyz", "application/x-unheard", b"?" * 3000, sku=""),
    )
    ailing = (
        _document(each, f"ailing-{each[-2:]}", "a.txt", "text/plain", b"whole again" * 99, sku="")
        for each in AILING
    )
    return dataclasses.replace(known, contents=(*known.contents, *odd, *ailing))


def _document(
    content_id: str, name: str, file_name: str, media_type: str, octets: bytes, *, sku: str
) -> ContentSpec:
    blob = BytesBlob(octets, media_type)
    return ContentSpec(
        content_id,
        "OTHER",
        _WRITTEN,
        _WRITTEN,
        titles={"EN": name.title()},
        pretty_ids=(("EN", name), ("de_AT", f"{name}-de")) if sku else (("EN", name),),
        imetadata=((small.PRODUCT, "sku", None, sku),) if sku else (),
        file_name=file_name,
        media_type=media_type,
        source=blob,
        renditions={"WEB": blob},
        channels=("WEB",),
        folder_ids=(small.ROOT,),
    )
