"""What connectors can be made of: folders, custom metadata, and what each would bring."""

from typing import Any, Literal

from pydantic import Field

from proxy.admin.api.operations import Call, Model, Nothing, Operation
from proxy.admin.api.problems import Problem
from proxy.admin.set_up import Tenancy, tenancy
from proxy.admin.web.connector_labels import TypeWord
from proxy.admin.web.folder_rows import way
from proxy.connectors.folder_statistics import Figures
from proxy.connectors.folder_statistics_cache import Count
from proxy.connectors.folder_tree import Folder as TreeFolder
from proxy.connectors.folder_tree import FolderTree
from proxy.connectors.identifiers import PLAIN_NAMINGS
from proxy.connectors.impact import is_from_legacy
from proxy.connectors.metadata_choices import Fitness
from proxy.connectors.model import ALL_CONTENT_TYPES
from proxy.errors import ConfigurationError

_LARGEST = 1000
_WAIT_S = 2.0

TypeName = Literal["video", "image", "audio", "document", "all"]


class FoldersQuery(Model):
    """Which folders."""

    below: str | None = Field(
        default=None, description="id or prettyId; by default the application's", max_length=400
    )
    search: str | None = Field(
        default=None, description="words of the name, anywhere below", max_length=400
    )
    language: str = Field(default="en", max_length=20)


class Folder(Model):
    """A folder that a connector can be installed on."""

    id: str
    name: str
    path: tuple[str, ...] = Field(description="names of the folders above it")
    contents: int | None = Field(description="linked to itself; null: THRON does not say")
    has_folders: bool


class FolderList(Model):
    """Folders, by name."""

    items: tuple[Folder, ...]
    more: int = Field(description="how many others fit")
    is_partial: bool = Field(description="whether the tenant has more folders than are looked at")


class SurveyQuery(Model):
    """What is counted."""

    folder: str = Field(description="id or prettyId", max_length=400)
    subfolders: bool = True
    content_types: tuple[TypeName, ...] | TypeName = Field(default=("all",))


class MetadataQuery(Model):
    """Of which folder's contents metadata count too that no definition is seen of."""

    folder: str | None = Field(default=None, max_length=400)
    language: str = Field(default="en", max_length=20)


class Metadata(Model):
    """A custom metadata that can name contents."""

    key: str
    name: str
    metadata_type: str = Field(description="as THRON has it; empty where no definition is seen")
    fitness: Fitness


class MetadataList(Model):
    """The best first."""

    items: tuple[Metadata, ...]


class TypeCount(Model):
    """Contents of one type."""

    content_type: TypeWord
    published: int
    unpublished: int


class NamingCount(Model):
    """What an identifier would do."""

    identifier: str
    metadata: str | None
    contents: int = Field(description="published ones of the types")
    have: int = Field(description="with an address")
    collide: int = Field(description="of those, sharing it with another")
    lack: int = Field(description="without")
    is_sample: bool = Field(description="whether counted from the first contents only")


class Survey(Model):
    """A folder, counted as far as it is."""

    folder_id: str
    is_done: bool
    is_partial: bool = Field(description="whether the figures are of a part of the folder")
    seen: int
    expected: int | None
    problem: str | None
    content_types: tuple[TypeCount, ...]
    identifiers: tuple[NamingCount, ...]


async def list_folders(call: Call[FoldersQuery, Nothing]) -> FolderList:
    """List folders."""
    query, asked = call.query, await tenancy(call.request.app)
    try:
        if query.search is not None:
            tree, found, more = await asked.search(query.search, language=query.language)
        else:
            tree = await asked.tree()
            above = tree.root if query.below is None else tree.of(query.below)
            if above is None:
                raise Problem(404, "There is no such folder.")
            below = tree.below(above, language=query.language)
            own = (above,) if query.below is None else ()
            found, more = (*own, *below[:_LARGEST]), max(0, len(below) - _LARGEST)
    except ConfigurationError as exc:
        raise Problem(409, exc.problems[0]) from exc
    return FolderList(
        items=tuple(_folder(tree, each, query.language) for each in found),
        more=more,
        is_partial=tree.is_partial,
    )


async def list_metadata(call: Call[MetadataQuery, Nothing]) -> MetadataList:
    """List metadata."""
    asked = await tenancy(call.request.app)
    folder = await _seen(asked, call.query.folder)
    count = await asked.count(folder.id, subfolders=True, wait_s=_WAIT_S)
    return MetadataList(
        items=tuple(
            Metadata(
                key=each.key,
                name=each.name(call.query.language),
                metadata_type=each.metadata_type,
                fitness=each.fitness,
            )
            for each in await asked.metadata(count)
        )
    )


async def survey_folder(call: Call[SurveyQuery, Nothing]) -> Survey:
    """Count a folder, or tell how far that is."""
    query, asked = call.query, await tenancy(call.request.app)
    folder = await _seen(asked, query.folder)
    count = await asked.count(folder.id, subfolders=query.subfolders, wait_s=_WAIT_S)
    given = query.content_types
    names = (given,) if isinstance(given, str) else given
    types = frozenset(each.content_type for each in TypeWord if each.value in names)
    if "all" in names:
        types = ALL_CONTENT_TYPES
    namings = [*PLAIN_NAMINGS]
    namings += [each.naming for each in await asked.metadata(count)]
    counted = []
    for naming in namings:
        is_sample = is_from_legacy(count, naming)
        figures = (count.legacy if is_sample else count.census).figures(naming, types)
        counted.append(
            _naming(naming.identifier.value, naming.metadata, figures, is_sample=is_sample)
        )
    return _survey(folder.id, count, tuple(counted))


async def _seen(asked: Tenancy, key: str | None) -> TreeFolder:
    try:
        found = (await asked.tree()).root if key is None else await asked.folder(key)
    except ConfigurationError as exc:
        raise Problem(409, exc.problems[0]) from exc
    if found is None:
        raise Problem(404, "There is no such folder.")
    return found


def _folder(tree: FolderTree, folder: TreeFolder, language: str) -> Folder:
    return Folder(
        id=folder.id,
        name=folder.name(language),
        path=way(tree, folder, language=language)[:-1],
        contents=folder.contents,
        has_folders=tree.has_below(folder),
    )


def _naming(
    identifier: str, metadata: str | None, figures: Figures, *, is_sample: bool
) -> NamingCount:
    return NamingCount(
        identifier=identifier,
        metadata=metadata,
        contents=figures.contents,
        have=figures.have,
        collide=figures.collide,
        lack=figures.lack,
        is_sample=is_sample,
    )


def _survey(folder_id: str, count: Count, identifiers: tuple[NamingCount, ...]) -> Survey:
    return Survey(
        folder_id=folder_id,
        is_done=count.is_done,
        is_partial=count.is_partial,
        seen=count.census.seen,
        expected=count.expected,
        problem=count.problem,
        content_types=tuple(
            TypeCount(
                content_type=word,
                published=count.census.published([word.content_type]),
                unpublished=count.census.unpublished([word.content_type]),
            )
            for word in TypeWord
        ),
        identifiers=identifiers,
    )


_TAG = "Set-up"

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    Operation(
        "GET",
        "/api/folders",
        name="listFolders",
        tag=_TAG,
        summary="List folders that a connector can be installed on.",
        handler=list_folders,
        query=FoldersQuery,
        content=Nothing,
        answer=FolderList,
        problems=(404, 409, 502),
    ),
    Operation(
        "GET",
        "/api/metadata-definitions",
        name="listMetadata",
        tag=_TAG,
        summary="List custom metadata that can name contents, the best first.",
        handler=list_metadata,
        query=MetadataQuery,
        content=Nothing,
        answer=MetadataList,
        problems=(404, 409, 502),
    ),
    Operation(
        "GET",
        "/api/survey",
        name="surveyFolder",
        tag=_TAG,
        summary="Count what each type and identifier would bring; ask again until it is done.",
        handler=survey_folder,
        query=SurveyQuery,
        content=Nothing,
        answer=Survey,
        problems=(404, 409, 502),
    ),
)
