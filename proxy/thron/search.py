"""content/search, page by page, in the form that a tenant accepts.

The loop over pages ends with the last page, with a page token that came before, or at its cap.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace

import structlog

from proxy.errors import ThronBadRequest, ThronFailed
from proxy.thron import messages
from proxy.thron.content import Content
from proxy.thron.exchange import Question
from proxy.thron.listing import LARGEST_PAGE, MOST_PAGES, Listing, each_of
from proxy.thron.messages import (
    SEARCH_FORMS,
    OrderSyntax,
    SearchCriteria,
    SearchForm,
    SearchOrder,
    SearchPage,
)
from proxy.thron.token_keeper import TokenKeeper

log = structlog.get_logger("proxy.search")

Ask = Callable[[Question[SearchPage]], Awaitable[SearchPage]]


class Search:
    """Searches one tenant, and remembers in which form the tenant takes the question.

    Whether ``sort`` and every detail are taken is not known of all tenants (docs/thron.md 4.2), so
    a first page that is refused with 400 is asked for in plainer forms, each once.
    """

    def __init__(self, thron: TokenKeeper, *, client_id: str) -> None:
        self.thron = thron
        self.client_id = client_id
        self._form = SEARCH_FORMS[0]
        self._is_taken = False

    @property
    def plainer_form(self) -> SearchForm | None:
        """What the tenant takes of the question, where that is less than is asked for at first."""
        return self._form if self._form is not SEARCH_FORMS[0] else None

    @property
    def is_ordered(self) -> bool:
        """Whether the tenant takes the order that is asked for; else its pages have none."""
        return self._form.ordering is not OrderSyntax.NONE

    async def pages(
        self,
        criteria: SearchCriteria,
        *,
        order: SearchOrder = SearchOrder.CREATED,
        most: int = MOST_PAGES,
        ask: Ask | None = None,
    ) -> AsyncGenerator[SearchPage, None]:
        """Yield the pages of the contents that fit; a refused batch of ids is asked for in halves.

        An id that is refused alone is no content, if any of its batch was answered. ``ask`` asks
        one question; by default once.

        Raises:
            ThronError: THRON cannot be asked, refuses, or stops answering on the way.
        """
        ask = ask or self.thron.ask
        waiting, answered = [criteria], False
        refusal: ThronBadRequest | None = None
        while waiting:
            part = waiting.pop()
            try:
                async with aclosing(self._listed(part, order, most, ask)) as pages:
                    async for page in pages:
                        answered = True
                        yield page
            except ThronBadRequest as exc:
                if not part.ids:
                    raise
                refusal = exc
                waiting += [replace(part, ids=ids) for ids in _halves(part.ids)]
        if refusal is not None and not answered:
            raise refusal

    async def legacy(self, ids: Sequence[str]) -> tuple[Content, ...]:
        """Return contents by their ids, with legacy metadata, which no search has.

        Raises:
            ThronError: As ``pages``.
        """
        found: dict[str, Content] = {}
        size = LARGEST_PAGE
        waiting = [tuple(ids[at : at + size]) for at in range(0, len(ids), size)]
        answered, refusals = False, 0
        while waiting:
            batch = waiting.pop()
            try:
                found |= {content.id: content for content in await self._by_ids(batch)}
                answered = True
            except (ThronBadRequest, ThronFailed):  # the latter perhaps for one of them alone
                refusals += 1
                waiting += _halves(batch)
                # One id to blame fails in as many halves; if more do, it is not the ids.
                if not answered and (not waiting or refusals >= 2 * size.bit_length()):
                    raise
        return tuple(found.values())

    async def _by_ids(self, batch: tuple[str, ...]) -> list[Content]:
        async def page(offset: int) -> Listing[Content]:
            return await self.thron.ask(messages.find_by_ids(self.client_id, batch, offset=offset))

        return [content async for content in each_of(page, most=len(batch))]

    async def _listed(
        self, criteria: SearchCriteria, order: SearchOrder, most: int, ask: Ask
    ) -> AsyncGenerator[SearchPage, None]:
        page = await self._first(criteria, order, ask)
        came: set[int] = set()
        for _ in range(most - 1):
            yield page
            token = page.next_page_token
            if token is None or hash(token) in came:
                return
            came.add(hash(token))
            page = await ask(self._question(criteria, order, self._form, page_token=token))
        yield page

    async def _first(self, criteria: SearchCriteria, order: SearchOrder, ask: Ask) -> SearchPage:
        """Return the first page, in the plainest form that the tenant makes necessary."""
        if self._is_taken:
            return await ask(self._question(criteria, order, self._form))
        refusal: ThronBadRequest | None = None
        for form in SEARCH_FORMS:
            try:
                page = await ask(self._question(criteria, order, form))
            except ThronBadRequest as exc:
                refusal = refusal or exc
                continue
            if not self._is_taken:
                self._form, self._is_taken = form, True
                if form is not SEARCH_FORMS[0]:
                    log.warning("search asked in a plainer form", form=str(form))
            return page
        raise refusal or ThronBadRequest

    def _question(
        self,
        criteria: SearchCriteria,
        order: SearchOrder,
        form: SearchForm,
        *,
        page_token: str | None = None,
    ) -> Question[SearchPage]:
        return messages.search(
            self.client_id, criteria, page_token=page_token, order=order, form=form
        )


def _halves(ids: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return the halves of a batch, the first one last; nothing of a single id."""
    middle = len(ids) // 2
    return [ids[middle:], ids[:middle]] if middle else []
