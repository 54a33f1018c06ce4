"""What answers say of their freshness, and the tags they are purged by."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.freshness import (
    OF_FAILURE,
    Freshness,
    cache_tags,
    of_absence,
    of_content,
    of_status,
    tag_fields,
)


@pytest.mark.parametrize(
    ("max_age_s", "stale_if_error_s", "stale_while_revalidate_s", "said"),
    [
        pytest.param(
            300,
            86400,
            None,
            "public, max-age=300, stale-while-revalidate=60, stale-if-error=86400",
            id="as set by default",
        ),
        pytest.param(
            10,
            60,
            None,
            "public, max-age=10, stale-while-revalidate=10, stale-if-error=60",
            id="never longer in the background than fresh",
        ),
        pytest.param(
            300,
            60,
            5,
            "public, max-age=300, stale-while-revalidate=5, stale-if-error=60",
            id="background time given",
        ),
        pytest.param(300, 0, 0, "public, max-age=300", id="never stale"),
        pytest.param(300, 1, 0, "public, max-age=300, stale-if-error=1", id="stale for a second"),
        pytest.param(0, 86400, None, "public, no-cache", id="always validated"),
        pytest.param(-1, -1, -1, "public, no-cache", id="negative is none"),
        pytest.param(2**40, 0, 0, "public, max-age=2147483647", id="capped"),
    ],
)
def test_of_content(
    max_age_s: int, stale_if_error_s: int, stale_while_revalidate_s: int | None, said: str
) -> None:
    """A content is public for as long as its connector says (9111, 5.2.2; 5861)."""
    freshness = of_content(
        max_age_s=max_age_s,
        stale_if_error_s=stale_if_error_s,
        stale_while_revalidate_s=stale_while_revalidate_s,
    )
    assert freshness.as_fields() == [("Cache-Control", said), ("CDN-Cache-Control", said)]


def test_cdns_may_keep_it_longer() -> None:
    """A time of their own is for the caches in front, in both fields that they read (9213)."""
    freshness = of_content(
        max_age_s=60, stale_if_error_s=600, stale_while_revalidate_s=5, cdn_max_age_s=3600
    )
    of_cdns = "max-age=3600, stale-while-revalidate=5, stale-if-error=600"
    assert freshness.as_fields() == [
        ("Cache-Control", "public, max-age=60, stale-while-revalidate=5, stale-if-error=600"),
        ("CDN-Cache-Control", f"public, {of_cdns}"),
        ("Surrogate-Control", of_cdns),
    ]


def test_of_absence() -> None:
    """A 404 is kept as long as we remember it ourselves, or not at all."""
    assert of_absence(max_age_s=10) == Freshness("public, max-age=10", "public, max-age=10")
    assert of_absence(max_age_s=0) == OF_FAILURE


def test_cdn_field_is_left_out_where_there_is_none() -> None:
    """Cache-Control stands alone where CDNs get no word of their own."""
    assert Freshness("no-store").as_fields() == [("Cache-Control", "no-store")]


CONTENT, ABSENCE = Freshness("content"), Freshness("absence")


@pytest.mark.parametrize(
    ("status", "freshness"),
    [
        pytest.param(200, CONTENT, id="whole"),
        pytest.param(206, CONTENT, id="partial"),
        pytest.param(304, CONTENT, id="not modified"),
        pytest.param(301, ABSENCE, id="force HTTPS"),
        pytest.param(404, ABSENCE, id="not found"),
        *(
            pytest.param(status, OF_FAILURE, id=str(status))
            for status in (400, 405, 412, 416, 429, 500, 502, 503, 504)
        ),
    ],
)
def test_of_status(status: int, freshness: Freshness) -> None:
    """Contents are kept, absences briefly, failures never."""
    assert of_status(status, content=CONTENT, absence=ABSENCE) == freshness


def test_tags() -> None:
    """A content is purged by its connector and by its id, at any of the CDNs."""
    tags = cache_tags("brochures", content_id="94bd53b8-9297")
    assert tags == ("connector-brochures", "content-94bd53b8-9297")
    assert tag_fields(tags) == [
        ("Surrogate-Key", "connector-brochures content-94bd53b8-9297"),
        ("Cache-Tag", "connector-brochures,content-94bd53b8-9297"),
    ]
    assert cache_tags("brochures") == ("connector-brochures",)
    assert len(cache_tags("brochures", content_id="i" * 2000)[1]) == len("content-") + 1000
    assert tag_fields(()) == []
    assert cache_tags(None) == ("no-connector",)
    assert cache_tags("c", content_id="a/b \udcff")[1] == "content-a%2Fb%20%ED%B3%BF"


@given(
    one=st.text(st.characters(), min_size=1, max_size=40),
    other=st.text(st.characters(), min_size=1, max_size=40),
)
def test_tags_stay_apart(one: str, other: str) -> None:
    """No id can write a second tag, break the line, or pass for another id."""
    tag, second = (cache_tags("c", content_id=text)[1] for text in (one, other))
    assert re.fullmatch(r"[A-Za-z0-9%._~-]+", tag)
    assert (tag == second) == (one == other)


@given(max_age=st.integers(), error=st.integers(), background=st.none() | st.integers())
def test_directives_are_well_formed(max_age: int, error: int, background: int | None) -> None:
    """Any figures give directives whose seconds fit every cache."""
    freshness = of_content(
        max_age_s=max_age, stale_if_error_s=error, stale_while_revalidate_s=background
    )
    seconds = re.findall(r"=([0-9]+)(?:,|$)", freshness.cache_control)
    assert len(seconds) == freshness.cache_control.count("=")
    assert all(int(figure) < 2**31 for figure in seconds)
