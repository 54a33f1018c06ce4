"""What a connector would make public: its folder, metadata and contents, asked of THRON."""

import difflib
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from proxy.connectors.folder_statistics import Census
from proxy.connectors.folder_statistics_cache import Count, Place, take
from proxy.connectors.impact import is_estimate, public_contents
from proxy.connectors.metadata_definitions import listed
from proxy.connectors.model import Connector, Identifier, folder_criteria, is_servable
from proxy.errors import ConfigurationError, ThronRefused
from proxy.thron import messages
from proxy.thron.content import Content
from proxy.thron.folder import Category, MetadataDefinition, category
from proxy.thron.retry import Retrying
from proxy.thron.search import Search
from proxy.thron.token_keeper import TokenKeeper

# Up to here contents are counted; beyond, THRON's own estimate is told.
_MOST_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found of one connector.

    Attributes:
        connector: With its folder and classification resolved.
        folder_name: The folder's name in THRON.
        contents: How many contents would be public now.
        is_estimate: Whether that number is THRON's estimate.
    """

    connector: Connector
    folder_name: str
    contents: int
    is_estimate: bool

    @property
    def told(self) -> str:
        """The number of contents in words; an estimate may be missing."""
        if not self.is_estimate:
            return str(self.contents)
        if self.contents > _MOST_COUNTED:
            return f"about {self.contents}"
        return f"{self.contents} or more"


class Surveyor:
    """Asks one tenant."""

    def __init__(self, thron: TokenKeeper, search: Search) -> None:
        self._thron = thron
        self._search = search
        self._retrying = Retrying(thron)
        self._client_id = search.client_id

    async def survey(self, connector: Connector) -> Survey:
        """Return what a connector would make public.

        Raises:
            ConfigurationError: Its folder or its metadata is not there; every problem at once.
            ThronError: THRON cannot be asked.
        """
        problems: list[str] = []
        folder = await self._folder(connector, problems)
        classification_id = await self._classification(connector, folder, problems)
        if folder is None or problems:
            raise ConfigurationError(problems)
        resolved = connector.model_copy(
            update={"folder_id": folder.id, "classification_id": classification_id}
        )
        count = await self._count(resolved)
        return Survey(
            resolved,
            _name(folder),
            contents=public_contents(count, resolved),
            is_estimate=is_estimate(count, resolved),
        )

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
        folder = await self._retrying.ask(category(self._client_id, connector.folder))
        if folder is None:
            problems.append(
                f"connector {connector.slug}: THRON knows no folder {connector.folder!r}; write"
                " the id or the prettyId of the application's folder, or of one below it."
            )
            return None
        root = (await self._thron.session()).root_category_id
        if root and folder.ancestor_ids and root not in {folder.id, *folder.ancestor_ids}:
            problems.append(
                f"connector {connector.slug}: folder {_name(folder)!r} is not below the folder on"
                " which the application is installed; choose one below, or install it higher up."
            )
        return folder

    async def _classification(
        self, connector: Connector, folder: Category | None, problems: list[str]
    ) -> str | None:
        if connector.identifier is not Identifier.METADATA:
            return None
        definitions = await self._definitions()
        found = (definitions or {}).get(connector.metadata or "")
        if found is not None:
            problems += _unusable(connector, found)
            return found.classification_id
        if folder is None:
            return None
        seen = await self._seen(connector, folder) if definitions is None else None
        if seen is None and not await self._is_legacy(connector, folder):
            problems.append(_unknown_metadata(connector, definitions))
        return seen

    async def _definitions(self) -> dict[str, MetadataDefinition] | None:
        """Return the definitions by key, usable ones first; None if the app may not see them.

        The role to see them is one of its own (docs/thron.md 2.6).
        """
        found: dict[str, MetadataDefinition] = {}
        try:
            async for each in listed(self._thron, self._client_id):
                if each.key not in found or _is_usable(each) > _is_usable(found[each.key]):
                    found[each.key] = each
        except ThronRefused:
            return None
        return found

    async def _seen(self, connector: Connector, folder: Category) -> str | None:
        """Return the classification under which contents of the folder have the metadata."""
        looked_at = 0
        async with aclosing(
            self.contents(connector.model_copy(update={"folder_id": folder.id}))
        ) as contents:
            async for content in contents:
                for each in content.metadata:
                    if each.key == connector.metadata and each.classification_id is not None:
                        return each.classification_id
                looked_at += 1
                if looked_at >= _MOST_COUNTED:
                    break
        return None

    async def _is_legacy(self, connector: Connector, folder: Category) -> bool:
        question = messages.folder_contents(
            self._client_id, folder_id=folder.id, cascade=connector.subfolders
        )
        return any(
            each.key == connector.metadata and each.classification_id is None
            for content in (await self._retrying.ask(question)).items
            for each in content.metadata
        )

    async def _count(self, connector: Connector) -> Count:
        place = Place(self._client_id, connector.folder_id, connector.subfolders)
        count = Count(place, Census(most_contents=_MOST_COUNTED))
        await take(
            count,
            self._search,
            self._retrying,
            types=connector.content_types,
            most_legacy=_MOST_COUNTED if connector.metadata is not None else 0,
        )
        count.is_done = True
        return count


def _name(folder: Category) -> str:
    return folder.names[0].text if folder.names else folder.id


def _is_usable(definition: MetadataDefinition) -> bool:
    return definition.for_contents and not definition.removed


def _unusable(connector: Connector, definition: MetadataDefinition) -> list[str]:
    if _is_usable(definition):
        return []
    why = "has been removed" if definition.removed else "does not apply to contents"
    return [
        f"connector {connector.slug}: metadata {definition.key!r} {why} in THRON; choose another."
    ]


def _unknown_metadata(
    connector: Connector, definitions: dict[str, MetadataDefinition] | None
) -> str:
    if definitions is None:
        return (
            f"connector {connector.slug}: the application may not list metadata definitions, and no"
            f" content of the folder has a value of {connector.metadata!r}; check the key, give one"
            " a value, or let the application see definitions in THRON."
        )
    usable = sorted(key for key, each in definitions.items() if _is_usable(each))
    near = difflib.get_close_matches(connector.metadata or "", usable, n=1)
    fix = f"did you mean {near[0]!r}?" if near else f"THRON has {', '.join(usable) or 'none'}."
    return f"connector {connector.slug}: no metadata has the key {connector.metadata!r}; {fix}"
