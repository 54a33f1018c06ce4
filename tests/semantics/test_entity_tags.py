"""Entity-tags, as RFC 9110 section 8.8.3 has them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.semantics.entity_tags import (
    EntityTag,
    EntityTags,
    parse_entity_tag,
    parse_entity_tags,
)

A, B = EntityTag("a"), EntityTag("b")


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        pytest.param('"xyzzy"', EntityTag("xyzzy"), id="strong"),
        pytest.param('W/"xyzzy"', EntityTag("xyzzy", weak=True), id="weak"),
        pytest.param('""', EntityTag(""), id="empty"),
        pytest.param(' "a" ', A, id="blanks around"),
        pytest.param('"a,b"', EntityTag("a,b"), id="comma inside"),
        pytest.param('"a\\"', EntityTag("a\\"), id="backslash is no escape"),
        pytest.param('"\xe9"', EntityTag("\xe9"), id="beyond ASCII"),
        pytest.param('w/"a"', None, id="weak is a capital W"),
        pytest.param('W/ "a"', None, id="blank after the slash"),
        pytest.param("a", None, id="no quotes"),
        pytest.param('"a', None, id="open quote"),
        pytest.param('"a"b"', None, id="quote inside"),
        pytest.param('"a b"', None, id="blank inside"),
        pytest.param('"a\x00"', None, id="control inside"),
        pytest.param('"a", "b"', None, id="two"),
        pytest.param("*", None, id="asterisk"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_parse_entity_tag(value: str, tag: EntityTag | None) -> None:
    """One entity-tag is read, anything else is none."""
    assert parse_entity_tag(value) == tag


@pytest.mark.parametrize(
    ("value", "tags"),
    [
        pytest.param('"a"', (A,), id="one"),
        pytest.param('"a", "b"', (A, B), id="two"),
        pytest.param('"a","b"', (A, B), id="no blank"),
        pytest.param('"a"\t,\t"b"', (A, B), id="tabs"),
        pytest.param(', "a",, ,"b",', (A, B), id="empty members"),
        pytest.param('W/"a", "b"', (EntityTag("a", weak=True), B), id="weak and strong"),
        pytest.param('"a,b", "b"', (EntityTag("a,b"), B), id="comma inside a tag"),
        pytest.param('junk, "b"', (B,), id="member that is no tag is passed over"),
        pytest.param('"a"x, "b"', (B,), id="text after a tag spoils that member"),
        pytest.param('*, "b"', (B,), id="asterisk stands alone or not at all"),
        pytest.param('"a", "b', (A,), id="open quote"),
        pytest.param("*", "*", id="any"),
        pytest.param(" * ", "*", id="any, with blanks"),
        pytest.param("junk", None, id="no tag at all"),
        pytest.param(",,", None, id="only commas"),
        pytest.param("", None, id="empty"),
    ],
)
def test_parse_entity_tags(value: str, tags: EntityTags | None) -> None:
    """A list gives its members, an asterisk itself."""
    assert parse_entity_tags(value) == tags


@pytest.mark.parametrize(
    ("one", "other", "strongly", "weakly"),
    [
        pytest.param('W/"1"', 'W/"1"', False, True, id="both weak"),
        pytest.param('W/"1"', 'W/"2"', False, False, id="both weak, different"),
        pytest.param('W/"1"', '"1"', False, True, id="one weak"),
        pytest.param('"1"', '"1"', True, True, id="both strong"),
        pytest.param('"1"', '"2"', False, False, id="both strong, different"),
    ],
)
def test_comparison(one: str, other: str, *, strongly: bool, weakly: bool) -> None:
    """Tags compare as the table of 8.8.3.2 says, in either order."""
    first, second = parse_entity_tag(one), parse_entity_tag(other)
    assert first is not None
    assert second is not None
    assert first.matches_strongly(second) == second.matches_strongly(first) == strongly
    assert first.matches_weakly(second) == second.matches_weakly(first) == weakly


opaque = st.text(st.characters(min_codepoint=0x21, exclude_characters='"\x7f'), max_size=12)
entity_tags = st.builds(EntityTag, opaque, weak=st.booleans())


@given(
    tags=st.lists(entity_tags, min_size=1, max_size=6), comma=st.sampled_from([",", ", ", " ,,"])
)
def test_list_is_read_as_written(tags: list[EntityTag], comma: str) -> None:
    """Any list of tags reads back as its members, however its commas are set."""
    assert parse_entity_tags(comma.join(map(str, tags))) == tuple(tags)


@given(value=st.text() | st.text(alphabet='W/"a,* \t'))
def test_any_text_is_tags_or_not(value: str) -> None:
    """No text raises, and what is read can be written and read again."""
    one, several = parse_entity_tag(value), parse_entity_tags(value)
    assert one is None or parse_entity_tag(str(one)) == one
    if several is not None and several != "*":
        assert parse_entity_tags(", ".join(map(str, several))) == several
