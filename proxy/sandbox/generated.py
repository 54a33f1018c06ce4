"""Makes as many contents as asked, each one only when it is looked at."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import overload

from proxy.sandbox.blob import Blob, BytesBlob
from proxy.sandbox.specs import (
    ClassificationSpec,
    ContentSpec,
    DefinitionSpec,
    FolderSpec,
    Library,
)

_ROOT = "00000000-0000-4000-8000-00000000f01d"
_FOLDERS = 20
_ID_TAIL = "-9e3a-4c51-8b1e-5ca1ab1e0000"
_CLASSIFICATION = "00000000-0000-4000-8000-0000000c1a55"
_START = datetime(2020, 1, 1, tzinfo=UTC)
_NO_PRETTY_ID_EVERY = 100
_SHARED_SKU_EVERY = 101


def generated(count: int) -> Library:
    """Return a library of so many contents that takes no memory for those not in use.

    Two in three are text documents and one in three is an image. Every hundredth has no prettyID,
    every 101st has the sku of the one before.
    """
    return Library(
        root_folder_id=_ROOT,
        folders=(
            FolderSpec(_ROOT, None, {"EN": "Generated", "IT": "Generati"}),
            *(
                FolderSpec(_folder_id(n), _ROOT, {"EN": f"Shelf {n}", "IT": f"Scaffale {n}"})
                for n in range(_FOLDERS)
            ),
        ),
        contents=GeneratedContents(count),
        classifications=(ClassificationSpec(_CLASSIFICATION, "CUSTOM", {"EN": "Generated"}),),
        definitions=(
            DefinitionSpec(
                id="00000000-0000-4000-8000-00000000def1",
                classification_id=_CLASSIFICATION,
                key="sku",
                metadata_type="KEY",
                names={"EN": "SKU", "IT": "Codice"},
            ),
        ),
    )


class GeneratedContents(Sequence[ContentSpec]):
    """So many contents, numbered from 0, made anew whenever they are asked for."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> ContentSpec: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[ContentSpec]: ...
    def __getitem__(self, at: int | slice) -> ContentSpec | Sequence[ContentSpec]:
        if isinstance(at, slice):
            return [_content(number) for number in range(*at.indices(self._count))]
        return _content(range(self._count)[at])

    def index_of(self, content_id: str) -> int | None:
        """Return the number of the content with this id without looking through them."""
        head = content_id.removesuffix(_ID_TAIL)
        try:
            number = int(head, 16)
        except ValueError:
            return None
        return number if number < self._count and _content_id(number) == content_id else None


def _content(number: int) -> ContentSpec:
    created = _START + timedelta(minutes=number)
    is_image = number % 3 == 2  # noqa: PLR2004 - one in three
    extension, media_type = ("svg", "image/svg+xml") if is_image else ("txt", "text/plain")
    blob = _blob(number, media_type)
    sku = number - 1 if number and number % _SHARED_SKU_EVERY == 0 else number
    return ContentSpec(
        id=_content_id(number),
        content_type="IMAGE" if is_image else "OTHER",
        creation_date=created,
        last_update=created,
        titles={"EN": f"Generated {number:06d}", "IT": f"Generato {number:06d}"},
        pretty_ids=_pretty_ids(number),
        imetadata=((_CLASSIFICATION, "sku", None, f"G-{sku:06d}"),),
        folder_ids=(_folder_id(number % _FOLDERS),),
        file_name=f"generated-{number:06d}.{extension}",
        media_type=media_type,
        source=blob,
        renditions={"std" if is_image else "WEB": blob},
        channels=("WEB",),
    )


def _pretty_ids(number: int) -> tuple[tuple[str, str], ...]:
    if number % _NO_PRETTY_ID_EVERY == _NO_PRETTY_ID_EVERY - 1:
        return ()
    return (("EN", f"generated-{number:06d}"), ("IT", f"generato-{number:06d}"))


def _blob(number: int, media_type: str) -> Blob:
    if media_type == "text/plain":
        text = f"Generated content {number:06d}.\n" * (1 + number % 64)
        return BytesBlob(text.encode(), media_type)
    hue = number * 47 % 360
    return BytesBlob(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 300 200">'
        f'<rect width="300" height="200" fill="hsl({hue} 60% 45%)"/>'
        f'<text x="150" y="112" text-anchor="middle" font-size="36" fill="#fff">{number:06d}'
        f"</text></svg>\n".encode(),
        media_type,
    )


def _content_id(number: int) -> str:
    return f"{number:08x}{_ID_TAIL}"


def _folder_id(number: int) -> str:
    return f"00000000-0000-4000-8000-00005e1f{number:04x}"
