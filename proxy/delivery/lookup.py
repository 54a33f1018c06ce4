"""Which content an address names: by THRON's word, and by the catalogue's for whom to ask about."""

import asyncio
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import structlog

from proxy.catalogue.connector import (
    Claim,
    Connector,
    Identifier,
    claims,
    is_in_between,
    is_servable,
    winner,
)
from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.lines import KnownContent
from proxy.catalogue.paths import Address
from proxy.delivery.batch import Batch
from proxy.errors import DatabaseFailed
from proxy.thron import messages
from proxy.thron.messages import (
    Content,
    ContentType,
    MetadataCriterion,
    Question,
    SearchCriteria,
)
from proxy.thron.tokens import TokenKeeper

log = structlog.get_logger("proxy.lookup")

# As many as one page of search is sure to hold (docs/thron.md 1.6).
_MOST_IDS = 50
# A value that more contents share than fill these pages is no address; the first ones decide.
_MOST_PAGES = 20
# A question of a request that waits: what takes longer is asked again sooner than it answers.
_LONGEST_S = 10.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Scope:
    """Where, and of which types, a content must be to belong to a connector."""

    folder_id: str
    cascade: bool
    content_types: frozenset[ContentType]


class Lookup:
    """Asks THRON; what it gives is a member of the connector's folder, and servable."""

    def __init__(
        self, thron: TokenKeeper, *, client_id: str, known: KnownContents | None = None
    ) -> None:
        """Make a lookup that has asked nothing yet.

        Args:
            thron: Asks with the token.
            client_id: The tenant.
            known: The catalogue; without it THRON alone is asked.
        """
        self._thron = thron
        self._client_id = client_id
        self._known = known
        self._unread: str | None = None
        self._batches: dict[_Scope, Batch[str, Content]] = {}

    async def catalogued(self, connector: Connector, address: Address) -> tuple[KnownContent, ...]:
        """Return what an address led to by the last listings, the content that has it first.

        A catalogue that cannot be read knows nothing: THRON is asked instead.
        """
        if self._known is None:
            return ()
        try:
            found = await self._known.of(connector, address)
        except DatabaseFailed as exc:
            self._note_unread(exc)
            return ()
        self._unread = None
        return found[:_MOST_IDS]

    async def members(self, connector: Connector, ids: Iterable[str]) -> tuple[Content, ...]:
        """Return those of some contents that are in the connector's folder, and servable.

        Raises:
            ThronError: THRON cannot be asked, or refuses.
        """
        found = await asyncio.gather(*(self.member(connector, each) for each in ids))
        return tuple(content for content in found if content is not None)

    async def find(self, connector: Connector, address: Address) -> Content | None:
        """Return the content that an address names now; of several the winner.

        Raises:
            ThronError: THRON cannot be asked, or refuses.
        """
        claim = Claim(address.language, address.value)
        match connector.identifier:
            case Identifier.CONTENT_ID:
                return await self.member(connector, address.value)
            case Identifier.PRETTY_ID:
                return await self._by_pretty_id(connector, claim)
            case Identifier.METADATA if connector.classification_id is None:
                return await self._by_legacy_metadata(connector, claim)
            case Identifier.METADATA:
                return await self._by_metadata(connector, claim)

    async def member(self, connector: Connector, content_id: str) -> Content | None:
        """Return a content if it is in the connector's folder, and servable.

        Ids that wait at the same time go to THRON together, up to 50.

        Raises:
            ThronError: THRON cannot be asked, or refuses.
        """
        scope = _scope(connector)
        batch = self._batches.get(scope)
        if batch is None:
            batch = Batch(lambda ids: self._by_ids(scope, ids), most=_MOST_IDS)
            self._batches[scope] = batch
        content = await batch.get(content_id)
        if content is None or await self._is_servable(connector, content):
            return content
        return None

    async def anywhere(self, connector: Connector, address: Address) -> Content | None:
        """Return a content with this identifier wherever it is, published or not; to explain.

        Raises:
            ThronError: THRON cannot be asked, or refuses.
        """
        match connector.identifier:
            case Identifier.CONTENT_ID:
                criteria = SearchCriteria(ids=(address.value,))
            case Identifier.PRETTY_ID:
                question = messages.find_by_pretty_id(self._client_id, address.value)
                return next(iter(await self._ask(question)), None)
            case Identifier.METADATA:
                criteria = SearchCriteria(imetadata=_criterion(connector, address.value))
        return next(iter((await self._pages(criteria)).values()), None)

    async def aclose(self) -> None:
        """Cancel what still runs."""
        for batch in self._batches.values():
            await batch.aclose()

    def _note_unread(self, exc: DatabaseFailed) -> None:
        if self._unread != str(exc):  # an outage is told once, not for each request
            self._unread = str(exc)
            log.warning("catalogue not read", reason=self._unread)

    async def _is_servable(self, connector: Connector, content: Content) -> bool:
        if is_servable(connector, content):
            return True
        if self._known is None or not is_in_between(content):
            return False
        try:
            was_published = await self._known.was_published(connector, content.id)
        except DatabaseFailed as exc:
            self._note_unread(exc)
            return False
        return is_servable(connector, content, was_published=was_published)

    async def _by_pretty_id(self, connector: Connector, claim: Claim) -> Content | None:
        found = await self._ask(messages.find_by_pretty_id(self._client_id, claim.value))
        return await self._best_member(connector, claim, found)

    async def _by_legacy_metadata(self, connector: Connector, claim: Claim) -> Content | None:
        question = messages.find_by_legacy_metadata(
            self._client_id,
            name=connector.metadata or "",
            value=claim.value,
            folder_id=connector.folder_id,
            cascade=connector.subfolders,
        )
        found = await self._ask(question)
        return await self._best_member(connector, claim, found)

    async def _best_member(
        self, connector: Connector, claim: Claim, found: Iterable[Content]
    ) -> Content | None:
        ids = [content.id for content in found if claim in claims(connector, content)]
        return winner(await self.members(connector, ids))

    async def _by_metadata(self, connector: Connector, claim: Claim) -> Content | None:
        scope = _scope(connector)
        found: dict[str, Content] = {}
        for value in _spellings(claim.value):
            found |= await self._pages(
                SearchCriteria(
                    content_types=scope.content_types,
                    folder_id=scope.folder_id,
                    cascade=scope.cascade,
                    imetadata=_criterion(connector, value),
                )
            )
        return winner(
            [
                content
                for content in found.values()
                if claim in claims(connector, content)
                and await self._is_servable(connector, content)
            ]
        )

    async def _by_ids(self, scope: _Scope, ids: tuple[str, ...]) -> Mapping[str, Content]:
        return await self._pages(
            SearchCriteria(
                ids=ids,
                content_types=scope.content_types,
                folder_id=scope.folder_id,
                cascade=scope.cascade,
            )
        )

    async def _ask(self, question: Question[T]) -> T:
        return await self._thron.ask(question, at_most_s=_LONGEST_S)

    async def _pages(self, criteria: SearchCriteria) -> dict[str, Content]:
        found: dict[str, Content] = {}
        page_token: str | None = None
        seen: set[str] = set()
        for _ in range(_MOST_PAGES):
            question = messages.search(self._client_id, criteria, page_token=page_token)
            page = await self._ask(question)
            found |= {content.id: content for content in page.contents}
            page_token = page.next_page_token
            if page_token is None or page_token in seen:
                break
            seen.add(page_token)
        return found


def _scope(connector: Connector) -> _Scope:
    return _Scope(connector.folder_id, connector.subfolders, connector.content_types)


def _criterion(connector: Connector, value: str) -> MetadataCriterion:
    return MetadataCriterion(
        classification_id=connector.classification_id, key=connector.metadata or "", value=value
    )


def _spellings(value: str) -> tuple[str, ...]:
    """Return the spellings to ask for: THRON compares exactly, addresses compare in NFC."""
    return tuple(dict.fromkeys([value, unicodedata.normalize("NFD", value)]))
