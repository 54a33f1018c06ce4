"""Whom an address leads to, and how each claim to it stands."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proxy.catalogue.collisions import (
    AddressClaim,
    AddressStatus,
    ranked,
    resolve_claims,
    unaddressed,
)

DAY = datetime(2024, 5, 1, tzinfo=UTC)
OK, COLLISION, FORMER = AddressStatus.OK, AddressStatus.COLLISION, AddressStatus.FORMER
UNPUBLISHED, REMOVED = AddressStatus.UNPUBLISHED, AddressStatus.REMOVED


def claim(content_id: str, created: int | None = 0, since: int = 0, **more: Any) -> AddressClaim:
    return AddressClaim(
        content_id=content_id,
        created=None if created is None else DAY + timedelta(days=created),
        since=DAY + timedelta(days=since),
        is_servable=more.get("is_servable", True),
        is_current=more.get("is_current", True),
        is_removed=more.get("is_removed", False),
    )


ALONE = claim("a")
OLDER, YOUNGER = claim("z", 1), claim("a", 2)
LOST_LATELY = claim("l", 0, since=9, is_current=False)
LOST_LONG_AGO = claim("m", 0, since=3, is_current=False)
HIDDEN = claim("h", -5, is_servable=False)
GONE = claim("g", -9, is_servable=False, is_removed=True)
LEFT = claim("e", -9, is_removed=True)


@pytest.mark.parametrize(
    ("claims", "order"),
    [
        pytest.param([ALONE], "a", id="one claim"),
        pytest.param([YOUNGER, OLDER], "za", id="the one created first"),
        pytest.param([claim("b"), claim("a")], "ab", id="of one date the smaller id"),
        pytest.param([claim("a", None), YOUNGER], "aa", id="without a date last"),
        pytest.param([LOST_LATELY, YOUNGER], "al", id="a current one before a former one"),
        pytest.param([LOST_LONG_AGO, LOST_LATELY], "lm", id="the latest former one"),
        pytest.param([HIDDEN, GONE, YOUNGER], "a", id="only what may be served"),
        pytest.param([LEFT, YOUNGER], "a", id="not what left the folder"),
        pytest.param([HIDDEN], "", id="nobody"),
    ],
)
def test_ranked(claims: list[AddressClaim], order: str) -> None:
    """The address leads to the first; the order does not depend on how they come."""
    assert "".join(each.content_id for each in ranked(claims)) == order
    assert ranked(claims[::-1]) == ranked(claims)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        pytest.param([ALONE], [(OK, True)], id="alone"),
        pytest.param([YOUNGER, OLDER], [(COLLISION, False), (COLLISION, True)], id="collision"),
        pytest.param([LOST_LATELY], [(FORMER, True)], id="former, and nobody else"),
        pytest.param([LOST_LATELY, ALONE], [(FORMER, False), (OK, True)], id="former, taken"),
        pytest.param(
            [HIDDEN, ALONE, GONE, LEFT],
            [(UNPUBLISHED, False), (OK, True), (REMOVED, False), (REMOVED, False)],
            id="who cannot be served collides with nobody",
        ),
    ],
)
def test_standings(claims: list[AddressClaim], expected: list[tuple[AddressStatus, bool]]) -> None:
    """Every claim has its status, and exactly one serves where one can."""
    assert [(each.status, each.serves) for each in resolve_claims(claims)] == expected


def test_unaddressed() -> None:
    """What is no address says why, once its content is published."""
    missing = unaddressed(value="", is_servable=True)
    unfit = unaddressed(value="..", is_servable=True)
    assert (missing.status, unfit.status) == (
        AddressStatus.NO_IDENTIFIER,
        AddressStatus.NOT_ADDRESSABLE,
    )
    assert unaddressed(value="", is_servable=False).status is UNPUBLISHED
    assert not missing.serves
