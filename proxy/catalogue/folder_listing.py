"""The contents of a connector's folder, asked of THRON page by page."""

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from proxy.backoff import Backoff
from proxy.connectors.addressability import is_id
from proxy.connectors.identifiers import strategy
from proxy.connectors.model import Connector, folder_criteria
from proxy.thron.content import Content
from proxy.thron.messages import SearchOrder, SearchPage
from proxy.thron.retry import Retrying
from proxy.thron.search import Search
from proxy.thron.token_keeper import TokenKeeper

# A listing of thousands of pages is not to be lost by one that THRON did not give at once.
_ATTEMPTS = 4
_BACKOFF = Backoff(first_s=2, longest_s=30, factor=4)
_LONGEST_ASKED_S = 60.0


@dataclass(frozen=True, slots=True)
class ListedPage:
    """One page of a listing.

    Attributes:
        contents: Perhaps none, and perhaps some that another page has too.
        expected: THRON's estimate of all; None where it does not say.
        skipped: Items that cannot be read.
    """

    contents: tuple[Content, ...]
    expected: int | None
    skipped: int


class FolderListing:
    """Asks one tenant."""

    def __init__(self, thron: TokenKeeper, search: Search, *, backoff: Backoff = _BACKOFF) -> None:
        """Make a listing that has asked nothing yet.

        Args:
            thron: Asks with the token.
            search: Of the tenant.
            backoff: How long to wait before a page that THRON did not give is asked for again.
        """
        self._search = search
        self._retrying = Retrying(
            thron,
            attempts=_ATTEMPTS,
            backoff=backoff,
            longest_asked_s=_LONGEST_ASKED_S,
            give_up_s=math.inf,
        )

    @property
    def client_id(self) -> str:
        """The tenant."""
        return self._search.client_id

    @property
    def is_ordered(self) -> bool:
        """Whether the pages come in the order that is asked for."""
        return self._search.is_ordered

    async def pages(
        self, connector: Connector, *, order: SearchOrder = SearchOrder.CREATED
    ) -> AsyncGenerator[ListedPage, None]:
        """Give the pages of the folder, of the connector's types, published or not.

        Raises:
            ThronError: THRON cannot be asked, or stops answering on the way.
        """
        pages = self._search.pages(folder_criteria(connector), order=order, ask=self._retrying.ask)
        async with aclosing(pages):
            async for page in pages:
                yield await self._completed(connector, page)

    async def of_ids(self, connector: Connector, ids: Sequence[str]) -> ListedPage:
        """Return those of up to 50 contents that are in the folder now.

        Raises:
            ThronError: THRON cannot be asked.
        """
        criteria = replace(folder_criteria(connector), ids=tuple(ids))
        found: dict[str, Content] = {}
        skipped = 0
        pages = self._search.pages(criteria, most=len(ids), ask=self._retrying.ask)
        async with aclosing(pages):
            async for page in pages:
                completed = await self._completed(connector, page)
                found |= {content.id: content for content in completed.contents}
                skipped += completed.skipped
        return ListedPage(tuple(found.values()), None, skipped)

    async def _completed(self, connector: Connector, page: SearchPage) -> ListedPage:
        """Return a page without what no address can be of, and with legacy metadata if wanted."""
        fit = tuple(content for content in page.contents if is_id(content.id))
        if fit and not strategy(connector).is_in_search(connector):
            fit = await self._with_metadata(fit)
        skipped = page.skipped + len(page.contents) - len(fit)
        return ListedPage(fit, page.estimated_total, skipped)

    async def _with_metadata(self, contents: tuple[Content, ...]) -> tuple[Content, ...]:
        """Return contents with their legacy metadata, which no search has (docs/thron.md 3.2)."""
        legacy = await self._search.legacy([content.id for content in contents])
        found = {content.id: content.metadata for content in legacy}
        return tuple(
            replace(content, metadata=found[content.id])
            for content in contents
            if content.id in found
        )
