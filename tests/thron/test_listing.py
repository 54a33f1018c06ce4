"""Pages of services that count by offset."""

from collections.abc import Sequence

import orjson
import pytest

from proxy.errors import ThronAnswerInvalid
from proxy.thron.exchange import Reply
from proxy.thron.listing import MOST_ITEMS, Listing, each_of, read_listing
from proxy.thron.messages import SearchCriteria, search


class Service:
    """Has some items, gives so many of them on a page, and may say how many there are."""

    def __init__(self, items: Sequence[int], *, page: int, total: int | None = None) -> None:
        self.asked: list[int] = []
        self._items = items
        self._page = page
        self._total = total

    async def __call__(self, offset: int) -> Listing[int]:
        """Answer with one page."""
        self.asked.append(offset)
        return Listing(tuple(self._items[offset : offset + self._page]), total=self._total)


@pytest.mark.parametrize(
    ("items", "total", "asked"),
    [
        pytest.param(range(5), 5, [0, 2, 4], id="it says how many"),
        pytest.param(range(5), None, [0, 2, 4, 5], id="until a page is empty"),
        pytest.param((), None, [0], id="nothing"),
    ],
)
async def test_page_follows_what_came(
    items: Sequence[int], total: int | None, asked: list[int]
) -> None:
    """However few items a page has, none is left out, and none comes twice."""
    service = Service(items, page=2, total=total)
    assert [each async for each in each_of(service, most=100)] == list(items)
    assert service.asked == asked


async def test_a_broken_item_moves_no_page() -> None:
    """The next page begins behind it, and a page of broken items alone is not the last."""

    async def page(offset: int) -> Listing[int]:
        here = range(10)[offset : offset + 2]
        readable = tuple(each for each in here if each not in {1, 4, 5})
        return Listing(readable, skipped=len(here) - len(readable))

    assert [each async for each in each_of(page, most=100)] == [0, 2, 3, 6, 7, 8, 9]


async def test_it_ends() -> None:
    """So does a service that has no end, and one that gives the same page for any offset."""

    async def same(_offset: int) -> Listing[int]:
        return Listing((1, 2))

    assert [each async for each in each_of(same, most=100)] == [1, 2]
    endless = Service(range(1000), page=7)
    assert len([each async for each in each_of(endless, most=20)]) == 21


def test_a_page_of_far_too_many_items_is_refused() -> None:
    """Whoever reads them item by item does nothing else meanwhile."""

    def reply(member: str, count: int) -> Reply:
        body = {"resultCode": "OK", member: [{}] * count}
        return Reply(200, "application/json", orjson.dumps(body))

    most = read_listing(reply("contents", MOST_ITEMS), expected="contents", read=lambda _: 1)
    assert len(most.items) == MOST_ITEMS
    with pytest.raises(ThronAnswerInvalid):
        read_listing(reply("contents", MOST_ITEMS + 1), expected="contents", read=lambda _: 1)
    with pytest.raises(ThronAnswerInvalid):
        search("acme", SearchCriteria()).decipher(reply("items", MOST_ITEMS + 1))
