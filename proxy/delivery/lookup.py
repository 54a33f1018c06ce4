"""Looks up which content an address names: THRON decides, the catalogue says whom to ask about."""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import TypeVar

import structlog

from proxy.catalogue.known_contents import KnownContents
from proxy.catalogue.url_rows import KnownContent
from proxy.connectors.addresses import Address
from proxy.connectors.identifiers import Claim, claims, strategy, winner
from proxy.connectors.model import Connector, folder_criteria, is_servable, is_unfinished
from proxy.delivery.batch_loader import BatchLoader
from proxy.errors import (
    ContentUnfinished,
    DatabaseFailed,
    ThronBadRequest,
    ThronError,
    ThronFailed,
    ThronRefused,
)
from proxy.text import Text
from proxy.thron.content import Content
from proxy.thron.exchange import Question
from proxy.thron.messages import SearchCriteria
from proxy.thron.search import Search
from proxy.thron.token_keeper import TokenKeeper

log = structlog.get_logger("proxy.lookup")

# As many as one page of search is sure to hold (docs/thron.md 1.6).
_MOST_IDS = 50
# A value that more contents share than fill these pages is no address; the first ones decide.
_MOST_PAGES = 20

T = TypeVar("T")


class Lookup:
    """Finds contents in THRON; each is in the connector's folder, and servable."""

    def __init__(
        self,
        thron: TokenKeeper,
        search: Search,
        *,
        longest_s: float,
        known: KnownContents | None = None,
    ) -> None:
        """Make a lookup that has asked nothing yet.

        Args:
            thron: Asks with the token.
            search: Of the tenant.
            longest_s: For one question: somebody waits for its answer.
            known: The catalogue; without it THRON alone is asked.
        """
        self._thron = thron
        self._search = search
        self._longest_s = longest_s
        self._client_id = search.client_id
        self._known = known
        self._unread: str | None = None
        self._batches: dict[SearchCriteria, BatchLoader[str, Content]] = {}

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
            ContentUnfinished: With content ids, which no other content can have.
            ThronError: THRON cannot be asked, or refuses.
        """
        linked = await self._linked(connector, ids)
        found = await self._servable(connector, linked)
        if not found and strategy(connector).is_permanent:
            _refuse_unfinished(connector, linked)
        return found

    async def find(self, connector: Connector, address: Address) -> Content | None:
        """Return the content that an address names now; of several the winner.

        A tenant may refuse to be asked for what can be no id, prettyID or value of its contents
        (docs/thron.md 4.4): that is none of them.

        Raises:
            ContentUnfinished: It has no rendition yet.
            ThronError: THRON cannot be asked, or refuses.
        """
        claim = Claim(address.language, address.value)
        sought = strategy(connector).sought(connector, address.value, client_id=self._client_id)
        if isinstance(sought, Question):
            linked = await self._linked_claimants(connector, claim, sought)
        elif ids := [each for criteria in sought for each in criteria.ids]:
            linked = await self._by_content_ids(connector, ids)
        else:
            linked = await self._by_search(connector, sought)
        claimants = [each for each in linked if claim in claims(connector, each)]
        found = winner(connector, claim, await self._servable(connector, claimants))
        if found is None:
            _refuse_unfinished(connector, claimants)
        return found

    async def anywhere(self, connector: Connector, address: Address) -> Content | None:
        """Return a content with this identifier wherever it is, published or not; to explain.

        Raises:
            ThronError: THRON cannot be asked, or refuses.
        """
        sought = strategy(connector).sought(connector, address.value, client_id=self._client_id)
        if isinstance(sought, Question):
            return next(iter(await self._ask(sought)), None)
        return next(iter((await self._pages(sought[0])).values()), None)

    async def aclose(self) -> None:
        """Cancel what still runs."""
        for batch in self._batches.values():
            await batch.aclose()

    def _note_unread(self, exc: DatabaseFailed) -> None:
        if self._unread != str(exc):  # an outage is told once, not for each request
            self._unread = str(exc)
            log.warning("catalogue not read", reason=self._unread)

    async def _linked(self, connector: Connector, ids: Iterable[str]) -> list[Content]:
        """Return those of some contents that are in the connector's folder, of its types.

        Ids that wait at the same time go to THRON together, up to 50.
        """
        folder = folder_criteria(connector)
        batch = self._batches.get(folder)
        if batch is None:
            # One id that THRON cannot answer for must not cost the others their answer.
            batch = BatchLoader(
                lambda ids: self._pages(replace(folder, ids=ids)),
                most=_MOST_IDS,
                divided_on=(ThronFailed,),
            )
            self._batches[folder] = batch
        found = await asyncio.gather(*(batch.get(each) for each in ids))
        return [content for content in found if content is not None]

    async def _servable(
        self, connector: Connector, contents: Iterable[Content]
    ) -> tuple[Content, ...]:
        return tuple([each for each in contents if await self._is_servable(connector, each)])

    async def _is_servable(self, connector: Connector, content: Content) -> bool:
        if is_servable(connector, content):
            return True
        # Only what was published can make a difference, so the catalogue is asked for few.
        if self._known is None or not is_servable(connector, content, was_published=True):
            return False
        try:
            was_published = await self._known.was_published(connector, content.id)
        except DatabaseFailed as exc:
            self._note_unread(exc)
            return False
        return was_published

    async def _by_content_ids(self, connector: Connector, ids: Iterable[str]) -> list[Content]:
        try:
            return await self._linked(connector, ids)
        except ThronBadRequest as exc:
            return _none(exc)

    async def _linked_claimants(
        self, connector: Connector, claim: Claim, question: Question[tuple[Content, ...]]
    ) -> list[Content]:
        try:
            found = await self._ask(question)
        except (ThronBadRequest, ThronRefused) as exc:
            return _none(exc)
        claimants = {each.id: each for each in found if claim in claims(connector, each)}
        # Search has no legacy metadata, and its index may lag (docs/thron.md 3.2 and 4.1).
        return [
            replace(
                each,
                pretty_ids=claimants[each.id].pretty_ids,
                metadata=claimants[each.id].metadata,
            )
            for each in await self._linked(connector, claimants)
        ]

    async def _by_search(
        self, connector: Connector, searches: Iterable[SearchCriteria]
    ) -> list[Content]:
        folder = folder_criteria(connector)
        found: dict[str, Content] = {}
        try:
            for each in searches:
                found |= await self._pages(replace(folder, imetadata=each.imetadata))
        except (ThronBadRequest, ThronRefused) as exc:
            return _none(exc)
        return list(found.values())

    async def _ask(self, question: Question[T]) -> T:
        return await self._thron.ask(question, at_most_s=self._longest_s)

    async def _pages(self, criteria: SearchCriteria) -> dict[str, Content]:
        found: dict[str, Content] = {}
        async with aclosing(self._search.pages(criteria, most=_MOST_PAGES, ask=self._ask)) as pages:
            async for page in pages:
                found |= {content.id: content for content in page.contents}
        return found


def _none(refusal: ThronError) -> list[Content]:
    """Take a refusal as the answer that there is no such content."""
    log.info("lookup refused", reason=str(refusal))
    return []


def _refuse_unfinished(connector: Connector, contents: Iterable[Content]) -> None:
    for each in contents:
        if is_unfinished(connector, each):
            raise ContentUnfinished(
                Text(
                    "{id}: THRON says {status}, with no channel yet", id=each.id, status=each.status
                )
            )
