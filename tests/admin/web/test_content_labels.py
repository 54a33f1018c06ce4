"""What types and statuses are called."""

from proxy.admin.web import content_labels as words
from proxy.admin.web.table_view import Column
from proxy.catalogue.collisions import AddressStatus
from proxy.catalogue.url_rows import Sort
from proxy.link_check.results import CheckState, LinkStatus
from tests.catalogue.test_row_urls import LINE


def test_everything_has_a_name() -> None:
    """Each status, column and state is said in words."""
    assert words.STATUSES.keys() == words.MEANINGS.keys() == set(AddressStatus)
    assert words.COLUMNS.keys() >= set(Sort) | set(Column)
    assert words.CHECKS.keys() == set(CheckState)
    assert words.SHOWN.keys() == set(LinkStatus)


def test_the_loser_of_a_collision() -> None:
    """A line whose address leads elsewhere stands out from the one that has it."""
    winner = LINE._replace(status=AddressStatus.COLLISION)
    loser = winner._replace(serves=False)
    assert (words.kind(winner), words.kind(loser)) == ("warning", "bad")
    assert words.meaning(winner) != words.meaning(loser) == words.LOST


def test_types() -> None:
    """Types that are served have names; others keep THRON's."""
    assert [str(words.type_name(each)) for each in ("OTHER", "video", "PAGELET")] == [
        "Document",
        "Video",
        "PAGELET",
    ]
