"""The state of the link check's page in an address."""

import pytest
from multidict import MultiDict
from yarl import URL

from proxy.admin.link_query import LinksQuery
from proxy.link_check.results import LinkStatus


def _read(query: str) -> LinksQuery:
    return LinksQuery.lenient(MultiDict(URL(f"?{query}").query), otherwise=LinkStatus.WORKING)


@pytest.mark.parametrize(
    ("query", "shown", "words", "offset"),
    [
        pytest.param("", LinkStatus.WORKING, "", 0, id="nothing said"),
        pytest.param("show=untried&q=a&page=3", LinkStatus.UNTRIED, "a", 100, id="all said"),
        pytest.param("show=fine&q=a", LinkStatus.WORKING, "a", 0, id="unknown outcome"),
        pytest.param("page=-1&show=problems", LinkStatus.PROBLEMS, "", 0, id="no page"),
        pytest.param(f"q={'x' * 300}&page=2", LinkStatus.WORKING, "", 50, id="too long"),
    ],
)
def test_lenient(query: str, shown: LinkStatus, words: str, offset: int) -> None:
    """What can be understood counts."""
    found = _read(query)
    assert (found.show, found.q, found.offset) == (shown, words, offset)


def test_href() -> None:
    """A change leads to the first page, unless it is of the page."""
    query = _read("q=a&page=3")
    assert query.href("/l", page=4) == "/l?show=working&q=a&page=4"
    assert query.href("/l", show=LinkStatus.PROBLEMS) == "/l?show=problems&q=a"
