"""The state of the summary table in an address."""

import pytest
from multidict import MultiDict
from yarl import URL

from proxy.admin.urls_query import Order, UrlsQuery
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import Selection, Sort


def _read(query: str) -> UrlsQuery:
    return UrlsQuery.lenient(MultiDict(URL(f"?{query}").query))


def test_whole() -> None:
    """Everything that is shown can be said by the address."""
    query = _read(
        "q=a+b&type=VIDEO&type=IMAGE&language=-&language=it&status=ok&sort=updated&order=desc"
        "&page=3&size=25&names=on"
    )
    assert query.selection == Selection(
        search="a b",
        types=frozenset({"VIDEO", "IMAGE"}),
        languages=frozenset({"", "it"}),
        statuses=frozenset({AddressStatus.OK}),
    )
    assert (query.sort, query.is_descending, query.offset, query.size) == (
        Sort.UPDATED,
        True,
        50,
        25,
    )
    assert (query.names, query.is_narrowed) == (True, True)


def test_usual() -> None:
    """An address that says nothing shows all, from the first page on."""
    assert _read("") == UrlsQuery()
    assert not _read("q=&type=&page=1").is_narrowed
    assert _read("").href("/connectors/x") == "/connectors/x"


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page=99999999999999999999",
        "sort=colour",
        "order=sideways",
        "status=fine",
        "type=<script>",
        "language=%00",
        "size=-1",
        "size=100000",
        f"q={'x' * 201}",
        "colour=red",
        "sort=title&sort=type",
        "names=perhaps",
    ],
)
def test_nonsense(query: str) -> None:
    """What cannot be understood is left out, and the rest still counts."""
    assert _read(f"{query}&status=former" if "status" not in query else query) in {
        UrlsQuery(status=frozenset({AddressStatus.FORMER})),
        UrlsQuery(),
    }


def test_a_page_for_people_is_light() -> None:
    """A page that is shown has at most 250 lines, whatever is asked for."""
    assert _read("size=500").size == 250


def test_what_is_usual_for_a_reader_stays_out_of_addresses() -> None:
    """What the reader chose once is in no address; what is otherwise is, either way."""
    query = UrlsQuery.lenient(MultiDict(q="a"), names=True, size=100)
    assert (query.names, query.size) == (True, 100)
    assert query.href("/x") == "/x?q=a"
    assert query.href("/x", names=False, size=50) == "/x?q=a&names=off&size=50"
    other = UrlsQuery.lenient(MultiDict(names="off"), names=True, size=100)
    assert other.href("/x", page=2) == "/x?names=off&page=2"


def test_href() -> None:
    """A change keeps the rest, and leads to the first page unless it is of the page."""
    query = _read("q=a&page=4&status=ok")
    assert query.href("/x", page=5) == "/x?q=a&status=ok&page=5"
    assert query.href("/x", status=[], sort=Sort.TYPE, order=Order.DOWN) == (
        "/x?q=a&sort=type&order=desc"
    )
    assert query.href("/x", names=True) == "/x?q=a&status=ok&names=on"


def test_there_and_back() -> None:
    """What an address is made of is read from it again."""
    query = _read("q=%26%3D%23&language=-&status=ok&status=former&names=on&size=25")
    assert _read(query.href("/x").partition("?")[2]) == query
    assert _read("&".join(f"{name}={value}" for name, value in query.pairs(without=("q",)))) == (
        query.model_copy(update={"q": ""})
    )
