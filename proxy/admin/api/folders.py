"""What connectors can be made of: folders, custom metadata, and what each would bring."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from proxy.admin.api.operations import Model, operation
from proxy.admin.api.problems import ApiProblem
from proxy.admin.tenant_cache import TenantCache, TenantQueries
from proxy.connectors.folder_statistics import FolderStatistics
from proxy.connectors.folder_tree import Folder
from proxy.connectors.identifiers import PLAIN_NAMINGS, Naming
from proxy.connectors.metadata_choices import Fitness
from proxy.connectors.model import ALL_CONTENT_TYPES
from proxy.connectors.values import TypeWord
from proxy.errors import ConfigurationError
from proxy.thron.content import ContentType

_LARGEST = 1000
_WAIT_S = 2.0
_TAG = "Set-up"
_PROBLEMS = (404, 409, 502)

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


class FolderItem(Model):
    """A folder that a connector can be installed on."""

    id: str
    name: str
    path: tuple[str, ...] = Field(description="names of the folders above it")
    contents: int | None = Field(
        description="linked to the folder itself; null: THRON does not say"
    )
    has_folders: bool


class FolderList(Model):
    """Folders, by name."""

    items: tuple[FolderItem, ...]
    more: int = Field(description="how many more match")
    is_partial: bool = Field(description="whether the tenant has more folders than were read")


class SurveyQuery(Model):
    """What is counted."""

    folder: str = Field(description="id or prettyId", max_length=400)
    subfolders: bool = True
    content_types: tuple[TypeName, ...] | TypeName = Field(default=("all",))


class MetadataQuery(Model):
    """The folder whose contents' metadata are listed too, even without a visible definition."""

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
    """What an identifier would give."""

    identifier: str
    metadata: str | None
    contents: int = Field(description="published ones of the types")
    have: int = Field(description="contents with an address")
    collide: int = Field(description="contents of these that share it with another")
    lack: int = Field(description="contents without an address")
    is_sample: bool = Field(description="whether counted from the first contents only")


class Survey(Model):
    """A folder, counted so far."""

    folder_id: str
    is_done: bool
    is_partial: bool = Field(description="whether the figures are of a part of the folder")
    seen: int
    expected: int | None
    problem: str | None
    content_types: tuple[TypeCount, ...]
    identifiers: tuple[NamingCount, ...]


@dataclass(frozen=True, slots=True)
class FoldersApi:
    """Tells what THRON has to make connectors of."""

    tenant_cache: TenantCache

    @operation("GET", "/api/folders", tag=_TAG, problems=_PROBLEMS)
    async def list_folders(self, query: FoldersQuery) -> FolderList:
        """List folders that a connector can be installed on."""
        asked = self.tenant_cache.queries()
        try:
            if query.search is not None:
                tree, found, more = await asked.search(query.search, language=query.language)
            else:
                tree = await asked.tree()
                above = tree.root if query.below is None else tree.of(query.below)
                if above is None:
                    raise ApiProblem(404, "No such folder.")
                below = tree.below(above, language=query.language)
                own = (above,) if query.below is None else ()
                found, more = (*own, *below[:_LARGEST]), max(0, len(below) - _LARGEST)
        except ConfigurationError as exc:
            raise ApiProblem(409, exc.problems[0]) from exc
        items = (
            FolderItem(
                id=each.id,
                name=each.name(query.language),
                path=tree.names_to(each, language=query.language)[:-1],
                contents=each.contents,
                has_folders=tree.has_below(each),
            )
            for each in found
        )
        return FolderList(items=tuple(items), more=more, is_partial=tree.is_partial)

    @operation("GET", "/api/metadata-definitions", tag=_TAG, problems=_PROBLEMS)
    async def list_metadata(self, query: MetadataQuery) -> MetadataList:
        """List custom metadata that can name contents, the best first."""
        asked = self.tenant_cache.queries()
        folder = await _seen(asked, query.folder)
        statistics = await asked.statistics(folder.id, subfolders=True, wait_s=_WAIT_S)
        return MetadataList(
            items=tuple(
                Metadata(
                    key=each.key,
                    name=each.name(query.language),
                    metadata_type=each.metadata_type,
                    fitness=each.fitness,
                )
                for each in await asked.metadata(statistics)
            )
        )

    @operation("GET", "/api/survey", tag=_TAG, problems=_PROBLEMS)
    async def survey_folder(self, query: SurveyQuery) -> Survey:
        """Count the contents of each type and identifier; repeat the request until it is done."""
        asked = self.tenant_cache.queries()
        folder = await _seen(asked, query.folder)
        statistics = await asked.statistics(folder.id, subfolders=query.subfolders, wait_s=_WAIT_S)
        given = query.content_types
        names = (given,) if isinstance(given, str) else given
        types = frozenset(each.content_type for each in TypeWord if each.value in names)
        if "all" in names:
            types = ALL_CONTENT_TYPES
        choices = await asked.metadata(statistics)
        namings = (*PLAIN_NAMINGS, *(each.naming for each in choices))
        return Survey(
            folder_id=folder.id,
            is_done=statistics.is_done,
            is_partial=statistics.is_partial,
            seen=statistics.listed.seen,
            expected=statistics.expected,
            problem=statistics.problem,
            content_types=tuple(
                TypeCount(
                    content_type=word,
                    published=statistics.listed.published([word.content_type]),
                    unpublished=statistics.listed.unpublished([word.content_type]),
                )
                for word in TypeWord
            ),
            identifiers=tuple(_counted(statistics, each, types) for each in namings),
        )


async def _seen(asked: TenantQueries, key: str | None) -> Folder:
    try:
        found = (await asked.tree()).root if key is None else await asked.folder(key)
    except ConfigurationError as exc:
        raise ApiProblem(409, exc.problems[0]) from exc
    if found is None:
        raise ApiProblem(404, "No such folder.")
    return found


def _counted(
    statistics: FolderStatistics, naming: Naming, types: frozenset[ContentType]
) -> NamingCount:
    figures = statistics.figures(naming, types)
    return NamingCount(
        identifier=naming.identifier.value,
        metadata=naming.metadata,
        contents=figures.contents,
        have=figures.have,
        collide=figures.collide,
        lack=figures.lack,
        is_sample=statistics.is_from_legacy(naming),
    )
