"""THRON's listings page by page, whatever of the question a tenant takes."""

from collections.abc import AsyncIterator
from itertools import islice

import aiohttp
import pytest

from proxy.errors import ThronBadRequest, ThronFailed
from proxy.sandbox.server import Sandbox
from proxy.thron.client import Client
from proxy.thron.content import Content, ContentType
from proxy.thron.messages import SearchCriteria, SearchOrder
from proxy.thron.search import Search
from proxy.thron.session import Credentials
from proxy.thron.token_keeper import TokenKeeper


@pytest.fixture
async def keeper(thron: Sandbox) -> AsyncIterator[TokenKeeper]:
    credentials = Credentials(thron.client_id, thron.app_id, thron.app_key)
    async with aiohttp.ClientSession() as http:
        client = Client(http, api_url=thron.api_url)
        async with TokenKeeper(client, credentials, now=lambda: 0.0, random=lambda: 0.5) as made:
            yield made


@pytest.fixture
def search(thron: Sandbox, keeper: TokenKeeper) -> Search:
    return Search(keeper, client_id=thron.client_id)


def everything(thron: Sandbox) -> SearchCriteria:
    """Return the criteria of the whole tenant."""
    return SearchCriteria(folder_id=thron.root_folder_id, content_types=frozenset(ContentType))


async def found(
    search: Search, criteria: SearchCriteria, *, order: SearchOrder = SearchOrder.CREATED
) -> list[Content]:
    """Return the contents of all pages."""
    return [
        content async for page in search.pages(criteria, order=order) for content in page.contents
    ]


def ids_of(thron: Sandbox, number: int) -> tuple[str, ...]:
    """Return ids of some contents of the types that are served."""
    fitting = (
        content.id
        for content in thron.tenant.contents()
        if thron.tenant.sees(content) and content.content_type in set(ContentType)
    )
    return tuple(islice(fitting, number))


def asked(thron: Sandbox) -> int:
    """Return how many searches THRON has received."""
    return len(thron.log.of("api", "content/search"))


@pytest.mark.parametrize(
    ("strictness", "is_ordered", "refused"),
    [
        pytest.param({}, True, 0, id="takes all"),
        pytest.param({"search_orders": ("orderBy",)}, True, 1, id="no sort"),
        pytest.param({"search_orders": ()}, False, 2, id="no order"),
        pytest.param({"search_details_refused": ("publishingStatus",)}, True, 3, id="no status"),
        pytest.param(
            {"search_details_refused": ("publishingStatus", "lastUpdate"), "search_orders": ()},
            False,
            5,
            id="neither, and no date",
        ),
    ],
)
async def test_a_strict_tenant(
    thron: Sandbox,
    search: Search,
    strictness: dict[str, tuple[str, ...]],
    refused: int,
    *,
    is_ordered: bool,
) -> None:
    """What a tenant refuses is left out, once for all, and the contents are the same."""
    usual = set(ids_of(thron, 1000))
    for name, value in strictness.items():
        setattr(thron.switches, name, value)
    contents = await found(search, everything(thron))
    assert {content.id for content in contents} == usual
    assert all(content.channels for content in contents if content.status == "PUBLISHED")
    assert search.is_ordered is is_ordered
    pages = asked(thron) - refused
    await found(search, everything(thron))
    assert asked(thron) == refused + 2 * pages


async def test_the_older_order(thron: Sandbox, search: Search) -> None:
    """Where ``sort`` is refused, ``orderBy`` gives the same order."""
    usual = await found(search, everything(thron), order=SearchOrder.UPDATED_LAST_FIRST)
    thron.switches.search_orders = ("orderBy",)
    strict = Search(search.thron, client_id=thron.client_id)
    dates = [each.last_update for each in await found(strict, everything(thron))]
    assert len(dates) == len(usual)
    again = await found(strict, everything(thron), order=SearchOrder.UPDATED_LAST_FIRST)
    assert [each.last_update for each in again] == [each.last_update for each in usual]


async def test_what_a_tenant_takes_is_not_doubted_again(thron: Sandbox, search: Search) -> None:
    """A refusal after an answer is of its own question; only the session is doubted, once."""
    await found(search, everything(thron))
    thron.switches.search_orders = ()
    thron.log.clear()
    with pytest.raises(ThronBadRequest):
        await found(search, everything(thron))
    assert asked(thron) == 2
    assert thron.logins == 2


async def test_a_refused_batch_is_asked_in_halves(thron: Sandbox, search: Search) -> None:
    """One id that a tenant does not take costs the others nothing."""
    thron.switches.search_unknown_ids_refused = True
    ids = ids_of(thron, 7)
    criteria = SearchCriteria(ids=(*ids[:3], "never-heard-of", *ids[3:]))
    await found(search, everything(thron))
    assert {content.id for content in await found(search, criteria)} == set(ids)


@pytest.mark.parametrize("bad", [0, 3, 6])
async def test_an_id_that_thron_fails_at(thron: Sandbox, search: Search, bad: int) -> None:
    """By legacy metadata, too, the others of its batch are found; none where all fail."""
    ids = ids_of(thron, 7)
    thron.switches.exception_ids = (ids[bad],)
    contents = await search.legacy(ids)
    assert {content.id for content in contents} == {*ids} - {ids[bad]}
    thron.switches.exception_ids = ids
    with pytest.raises(ThronFailed):
        await search.legacy(ids)


async def test_batches_as_small_as_need_be(thron: Sandbox, search: Search) -> None:
    """A tenant that takes fewer ids at once is asked so."""
    thron.switches.search_most_ids = 3
    ids = ids_of(thron, 20)
    contents = await found(search, SearchCriteria(ids=ids))
    assert {content.id for content in contents} == set(ids)


async def test_a_batch_that_is_refused_whole_is_no_absence(thron: Sandbox, search: Search) -> None:
    """Where not one id is taken it is the service that refuses."""
    thron.switches.search_most_ids = 0
    with pytest.raises(ThronBadRequest):
        await found(search, SearchCriteria(ids=ids_of(thron, 3)))


async def test_pages_have_a_cap(thron: Sandbox, search: Search) -> None:
    """However many pages there are, no more than asked for are read."""
    thron.switches.search_page_maximum = 1
    pages = [page async for page in search.pages(everything(thron), most=3)]
    assert [len(page.contents) for page in pages] == [1, 1, 1]


async def test_a_token_that_comes_again_ends(thron: Sandbox, search: Search) -> None:
    """A tenant that gives the last token for ever is left."""
    thron.switches.search_token_repeats = True
    contents = await found(search, everything(thron))
    assert {*ids_of(thron, 1000)} == {content.id for content in contents}


async def test_legacy_metadata_of_many(thron: Sandbox, search: Search) -> None:
    """Contents by id come with their legacy metadata, in pages and batches that THRON takes."""
    thron.switches.find_page_maximum = 10
    thron.switches.unknown_pretty_id_as = "400 text"
    ids = ids_of(thron, 60)
    contents = await search.legacy([*ids[:7], "never-heard-of", *ids[7:]])
    assert {content.id for content in contents} == set(ids)
    with pytest.raises(ThronBadRequest):
        await search.legacy(["never-heard-of"])
