"""A counter of contents: what each type and each identifier would bring."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from proxy.connectors.folder_statistics import (
    ContentCounter,
    Figures,
)
from proxy.connectors.identifiers import Naming, claims, naming_of
from proxy.connectors.model import Connector, Identifier, is_servable
from proxy.thron.content import Content, ContentType, MetadataValue, PrettyId

BY_CONTENT_ID = Naming(Identifier.CONTENT_ID)
BY_PRETTY_ID = Naming(Identifier.PRETTY_ID)
BY_SKU = Naming(Identifier.METADATA, "sku", "c1")
IMAGE, VIDEO = ContentType.IMAGE, ContentType.VIDEO


def content(name: str, kind: str = "IMAGE", *, sku: str = "", status: str = "PUBLISHED") -> Content:
    return Content(
        id=name,
        content_type=kind,
        status=status,
        pretty_ids=(PrettyId("EN", f"{name}-en"),),
        metadata=(MetadataValue("sku", sku, None, "c1"),) if sku else (),
    )


def counted(contents: Iterable[Content]) -> ContentCounter:
    counter = ContentCounter()
    for each in contents:
        counter.count(each)
    return counter


def test_types() -> None:
    """Published contents count by their types, others apart, and types never served not at all."""
    counter = counted(
        [
            content("a"),
            content("b", status="UNPUBLISHED"),
            content("c", "VIDEO"),
            content("d", "PLAYLIST"),
            content("a"),
        ]
    )
    assert (counter.published([IMAGE]), counter.published([VIDEO])) == (1, 1)
    assert counter.published() == 2
    assert (counter.unpublished([IMAGE]), counter.unpublished([VIDEO])) == (1, 0)
    assert counter.seen == 4


def test_identifiers() -> None:
    """For each identifier the counter tells who has it, lacks it, and shares it."""
    counter = counted(
        [
            content("a", sku="1"),
            content("b", sku="1"),
            content("c", sku="2"),
            replace(content("d"), pretty_ids=()),
        ]
    )
    assert counter.figures(BY_CONTENT_ID) == Figures(contents=4, have=4, collide=0)
    assert counter.figures(BY_PRETTY_ID) == Figures(contents=4, have=3, collide=0)
    by_sku = counter.figures(BY_SKU)
    assert (by_sku.have, by_sku.collide, by_sku.alone, by_sku.lack) == (3, 2, 1, 1)
    assert counter.metadata == (BY_SKU,)
    assert counter.figures(Naming(Identifier.METADATA, "other")).have == 0


def test_a_collision_needs_two_contents_of_the_types() -> None:
    """Contents of types that are not chosen collide with nobody."""
    counter = counted([content("a", sku="1"), content("b", "VIDEO", sku="1")])
    assert counter.figures(BY_SKU).collide == 2
    assert counter.figures(BY_SKU, [VIDEO]) == Figures(contents=1, have=1, collide=0)


def test_one_content_does_not_collide_with_itself() -> None:
    """A value that a content has in two languages is one address of one content."""
    twice = replace(
        content("a"),
        metadata=(MetadataValue("sku", "1", "EN", "c1"), MetadataValue("sku", "1", "IT", "c1")),
    )
    assert counted([twice]).figures(BY_SKU) == Figures(contents=1, have=1, collide=0)


def test_examples_are_of_all_types() -> None:
    """Examples have an address, and are of as many types as there are."""
    counter = counted([*(content(f"i{n}", sku=str(n)) for n in range(9)), content("v", "VIDEO")])
    assert [each.id for each in counter.examples(BY_PRETTY_ID)] == ["v", "i0", "i1"]
    assert [each.id for each in counter.examples(BY_SKU, [VIDEO])] == []


def test_a_full_counter_counts_no_more() -> None:
    """The memory is bounded: of contents, and of their addresses."""
    counter = ContentCounter(most_contents=3)
    for number in range(10):
        counter.count(content(str(number)))
    assert (counter.is_full, counter.seen, counter.published()) == (True, 3, 3)
    few = ContentCounter(most_addresses=4)
    for number in range(10):
        few.count(content(str(number), sku="same"))
    assert few.is_full
    assert few.seen < 10


def test_membership() -> None:
    """The counter knows whom it has counted, published or not."""
    counter = counted([content("a", status="UNPUBLISHED")])
    assert (counter.holds("a"), counter.holds("b")) == (True, False)


CONTENTS = st.lists(
    st.builds(
        content,
        st.text("abc", min_size=1, max_size=2),
        st.sampled_from(["IMAGE", "VIDEO"]),
        sku=st.sampled_from(["", "1", "2", "a b"]),
        status=st.sampled_from(["PUBLISHED", "UNPUBLISHED"]),
    ),
    unique_by=lambda each: each.id,
)


@given(CONTENTS, st.frozensets(st.sampled_from([IMAGE, VIDEO])), st.booleans())
def test_figures_agree_with_the_connector(
    contents: list[Content],
    types: frozenset[ContentType],
    only_published: bool,  # noqa: FBT001 - drawn
) -> None:
    """What is told is what a connector of that naming and those types would claim."""
    connector = Connector(
        slug="x",
        folder="f",
        identifier=Identifier.METADATA,
        metadata="sku",
        classification_id="c1",
        content_types=types,
        only_published=only_published,
    )
    served = [c for c in contents if is_servable(connector, c)]
    claimed = {each.id: claims(connector, each) for each in served}
    all_claims = [claim for each in claimed.values() for claim in each]
    figures = counted(contents).figures(
        naming_of(connector), types, only_published=connector.only_published
    )
    assert figures.contents == len(served)
    assert figures.have == sum(bool(each) for each in claimed.values())
    assert figures.collide == sum(
        any(all_claims.count(claim) > 1 for claim in each) for each in claimed.values()
    )
