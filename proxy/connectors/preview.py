"""What a connector would make public: its folder, metadata and contents, asked of THRON."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from proxy.connectors.folder_statistics import FolderScope, FolderStatistics
from proxy.connectors.folder_statistics_cache import FolderStatisticsCache
from proxy.connectors.identifiers import strategy
from proxy.connectors.metadata_definitions import definitions
from proxy.connectors.model import Connector, folder_criteria, is_servable
from proxy.errors import ConfigurationError
from proxy.spelling import closest
from proxy.thron.content import Content
from proxy.thron.folder import Category, MetadataDefinition, category
from proxy.thron.retry import Retrying
from proxy.thron.search import Search


class Previewer:
    """Asks one tenant."""

    def __init__(self, search: Search, statistics: FolderStatisticsCache) -> None:
        self._search = search
        self._retrying = Retrying(search.thron)
        self._statistics = statistics

    async def resolve(
        self, connector: Connector, *, at_most_s: float | None = None
    ) -> tuple[Connector, str]:
        """Return a connector with its folder and classification resolved, and the folder's name.

        Args:
            connector: As its operator wrote it.
            at_most_s: Where only the contents tell the classification, so long they are counted.

        Raises:
            ConfigurationError: The folder or the metadata is not there; every problem at once.
            ThronError: THRON cannot be asked.
        """
        problems: list[str] = []
        folder = await self._folder(connector, problems)
        classification_id = None
        if strategy(connector).has_key:
            classification_id = await self._classification(connector, folder, problems, at_most_s)
        if folder is None or problems:
            raise ConfigurationError(problems)
        found = {"folder_id": folder.id, "classification_id": classification_id}
        return connector.model_copy(update=found), _name(folder)

    async def counted(self, scope: FolderScope, *, at_most_s: float | None) -> FolderStatistics:
        """Return the statistics of a folder, as far as they are after so many seconds.

        Raises:
            ThronError: THRON cannot be asked, or stopped answering on the way.
        """
        statistics = await self._statistics.settled(scope, at_most_s=at_most_s)
        if statistics.failure is not None:
            raise statistics.failure
        return statistics

    async def contents(self, connector: Connector) -> AsyncGenerator[Content, None]:
        """Give the servable contents of a resolved connector, each once.

        Raises:
            ThronError: THRON cannot be asked, or stops answering on the way.
        """
        seen: set[str] = set()
        pages = self._search.pages(folder_criteria(connector), ask=self._retrying.ask)
        async with aclosing(pages):
            async for page in pages:
                for content in page.contents:
                    if content.id not in seen and is_servable(connector, content):
                        yield content
                    seen.add(content.id)

    async def _folder(self, connector: Connector, problems: list[str]) -> Category | None:
        question = category(self._search.client_id, connector.folder)
        folder = await self._retrying.ask(question)
        if folder is None:
            problems.append(
                f"connector {connector.slug}: THRON knows no folder {connector.folder!r}; write"
                " the id or the prettyId of the application's folder, or of one below it."
            )
            return None
        root = (await self._search.thron.session()).root_category_id
        if root and folder.ancestor_ids and root not in {folder.id, *folder.ancestor_ids}:
            problems.append(
                f"connector {connector.slug}: folder {_name(folder)!r} is not below the folder on"
                " which the application is installed; choose one below, or install it higher up."
            )
        return folder

    async def _classification(
        self,
        connector: Connector,
        folder: Category | None,
        problems: list[str],
        at_most_s: float | None,
    ) -> str | None:
        key = connector.metadata or ""
        known = await definitions(self._search.thron, self._search.client_id)
        # One key may stand in several classifications: usable ones go first.
        named = sorted((each for each in known or () if each.key == key), key=_is_unusable)
        if named:
            problems += _unusable(connector, named[0])
            return named[0].classification_id
        if folder is None:
            return None
        # Legacy metadata has no definition, and not every application may see definitions
        # (docs/thron.md 2.6): then the contents of the folder tell.
        scope = FolderScope(folder.id, connector.subfolders)
        statistics = await self.counted(scope, at_most_s=at_most_s)
        seen = [each for each in statistics.legacy.metadata if each.classification_id is None]
        if known is None:
            seen = [*statistics.listed.metadata, *seen]
        for naming in seen:
            if naming.metadata == key:
                return naming.classification_id
        problems.append(_unknown_metadata(connector, known))
        return None


def _name(folder: Category) -> str:
    return folder.names[0].text if folder.names else folder.id


def _is_unusable(definition: MetadataDefinition) -> bool:
    return definition.removed or not definition.for_contents


def _unusable(connector: Connector, definition: MetadataDefinition) -> list[str]:
    if not _is_unusable(definition):
        return []
    why = "has been removed" if definition.removed else "does not apply to contents"
    return [
        f"connector {connector.slug}: metadata {definition.key!r} {why} in THRON; choose another."
    ]


def _unknown_metadata(connector: Connector, known: tuple[MetadataDefinition, ...] | None) -> str:
    if known is None:
        return (
            f"connector {connector.slug}: the application is not allowed to list metadata"
            f" definitions, and no content of the folder has a value of {connector.metadata!r};"
            " check the key, give one a value, or let the application see definitions in THRON."
        )
    usable = sorted({each.key for each in known if not _is_unusable(each)})
    meant = closest(connector.metadata or "", usable)
    fix = f"did you mean {meant!r}?" if meant else f"THRON has {', '.join(usable) or 'none'}."
    return f"connector {connector.slug}: no metadata has the key {connector.metadata!r}; {fix}"
